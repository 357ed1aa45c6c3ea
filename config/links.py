"""Links between the operations of the core journeys in the OpenAPI document.

Owns which answer leads where: from a survey to a paid answer, from a start to a logged result,
from a script to a film, from an address to its deliveries. Tools that read OpenAPI walk the product
along them (``tests/fuzz/test_links.py``). Stands here as only this package knows every app.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from drf_spectacular.generators import SchemaGenerator


@dataclass(frozen=True, slots=True)
class Journey:
    """From the answer of some operations to the operations that may follow."""

    sources: tuple[tuple[str, str], ...]
    """Operation and status."""
    targets: tuple[str, ...]
    parameters: Mapping[str, str]
    """Name of the target's parameter: where the source has its value (runtime expression)."""
    body: Mapping[str, str] = field(default_factory=dict)
    """The same for fields of the target's body."""


SURVEY = Journey(
    sources=(("survey_create_create", "201"), ("survey_duplicate_create", "201")),
    targets=(
        "survey_retrieve",
        "survey_manage_retrieve",
        "survey_manage_partial_update",
        "survey_pause_create",
        "survey_resume_create",
        "survey_close_create",
        "survey_duplicate_create",
        "survey_sessions_list",
        "survey_insights_retrieve",
        "survey_session_start_create",
    ),
    parameters={"survey_id": "$response.body#/survey_id"},
)
KEYED = {"survey_retrieve", "survey_session_start_create"}
"""They are opened by the survey's publishable key."""
KEY_PARAMETERS = {"X-Publishable-Key": "$response.body#/publishable_key"}
_TALK = ("session_say", "session_read", "session_events", "transcript_read", "session_stop")
_RESULT = ("session_complete_create", "session_result_retrieve", "session_data_retrieve")
_RUN = (
    "execution_read",
    "execution_progress",
    "execution_heartbeat",
    "execution_pause",
    "execution_resume",
    "execution_complete",
)
_SAME_SESSION = {"session_id": "$request.path.session_id"}
_SAME_RUN = {"execution_id": "$request.path.execution_id"}

JOURNEYS = (
    SURVEY,
    Journey(
        sources=(("survey_session_start_create", "201"),),
        targets=(*_TALK, *_RESULT),
        parameters={"session_id": "$response.body#/session_id"},
    ),
    Journey(
        sources=(("session_create", "201"),),
        targets=_TALK,
        parameters={"session_id": "$response.body#/session_id"},
    ),
    Journey(
        sources=(("session_say", "200"),),
        targets=("session_say", "session_complete_create", "transcript_read"),
        parameters=_SAME_SESSION,
    ),
    Journey(
        sources=(("session_complete_create", "200"),),
        targets=(
            "session_complete_create",
            "session_result_retrieve",
            "session_appeal_create",
            "session_data_retrieve",
            "session_data_destroy",
        ),
        parameters=_SAME_SESSION,
    ),
    Journey(
        sources=(("execution_start", "201"),),
        targets=(*_RUN, "execution_abandon"),
        parameters={"execution_id": "$response.body#/execution_id"},
    ),
    Journey(
        sources=(("execution_progress", "200"),),
        targets=_RUN,
        parameters=_SAME_RUN,
    ),
    Journey(
        sources=(("execution_complete", "200"),),
        targets=("outcome_log",),
        parameters={},
        body={"execution_id": "$response.body#/execution_id"},
    ),
    Journey(
        sources=(("outcome_log", "201"),),
        targets=("outcome_read", "outcome_correct", "outcome_void"),
        parameters={"outcome_id": "$response.body#/outcome_id"},
    ),
    Journey(
        sources=(("video_session_create", "201"),),
        targets=(
            "video_session_read",
            "video_session_update",
            "video_session_status",
            "video_run_list",
            "video_session_delete",
        ),
        parameters={"video_id": "$response.body#/sessionId"},
    ),
    Journey(
        sources=(("video_session_create", "201"),),
        targets=("startprocess",),
        parameters={},
        body={"sessionId": "$response.body#/sessionId"},
    ),
    Journey(
        sources=(("startprocess", "200"),),
        targets=("video_run_read", "video_run_cancel", "video_run_retry"),
        parameters={"run_id": "$response.body#/runId"},
    ),
    Journey(
        sources=(("webhook_create", "201"),),
        targets=(
            "webhook_read",
            "webhook_update",
            "webhook_rotate",
            "webhook_test",
            "webhook_delivery_list",
            "webhook_delete",
        ),
        parameters={"hook_id": "$response.body#/id"},
    ),
)


def operations_of(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the operations of an OpenAPI document by their id."""
    return {
        operation["operationId"]: operation
        for path in document["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict) and "operationId" in operation
    }


def links() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Yield operation, status, name of the link and the link."""
    for journey in JOURNEYS:
        for source, status in journey.sources:
            for target in journey.targets:
                keyed = KEY_PARAMETERS if journey is SURVEY and target in KEYED else {}
                link: dict[str, Any] = {"operationId": target}
                if journey.parameters:
                    link["parameters"] = {**journey.parameters, **keyed}
                if journey.body:
                    link["requestBody"] = dict(journey.body)
                yield source, status, f"{target}_next", link


def publish_links(
    result: dict[str, Any], generator: SchemaGenerator, **kwargs: Any
) -> dict[str, Any]:
    """Add the links to the answers they start from (postprocessing hook of drf-spectacular).

    Raises:
        KeyError: an operation, or an answer of it, is not in the document any more.
    """
    operations = operations_of(result)
    for source, status, name, link in links():
        operations[source]["responses"][status].setdefault("links", {})[name] = link
    return result
