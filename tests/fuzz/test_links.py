"""The journeys of the OpenAPI document, walked along its links: each step takes what the one before
it answered with.

Where a journey begins, the body is a sensible one, so that it gets anywhere; every later step is
made up from the document. A quick, repeatable form runs with every test run.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, seed
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks as openapi_checks

from accounts.models import Company, User
from accounts.tests.factories import make_key
from surveys.selectors.ledger_check import verify_ledger
from surveys.services.funding import fund_company
from tests.fuzz.test_schema import UNSERVED, _one_connection, bearer, signed_in  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(300)]

BATCHES = int(os.environ.get("FUZZ_EXAMPLES", "1"))
BATCHES_AT_MOST = BATCHES + 20
WALKS = 2
STEPS = 12
SCENES = [{"kind": "title", "heading": "Hello", "narration": "Hello to all of you."}]
CHECKS = (
    not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.response_schema_conformance,
)
BEGINNINGS: dict[str, dict[str, Any]] = {
    "survey_create_create": {
        "title": "About the export",
        "questions": [{"text": "What slowed you down?", "max_probes": 0}],
        "payment_min": 1,
        "payment_max": 2,
        "status": "active",
    },
    "survey_session_start_create": {"consent": True, "language": "en"},
    "session_create": {"mode": "text"},
    "execution_start": {"workflow_name": "resume_generator"},
    "video_session_create": {"title": "A film", "scenes": SCENES},
    "webhook_create": {"url": "https://example.com/hook", "event_types": ["session.completed"]},
}
STEPS_ON: dict[str, dict[str, Any]] = {
    "session_say": {"client_id": "turn-1", "text": "The export took six minutes each time."},
    "execution_progress": {"steps_completed": 5},
    "outcome_log": {"metric_type": "time_saved", "value": 2, "currency": "hours"},
    "startprocess": {"userId": ""},
}
"""What makes a step succeed; every fourth of a kind is made up all the same."""
LINKED = ("execution_id", "sessionId")
JOURNEYS = {
    "survey": (
        "survey_create_create|survey_session_start_create|session_(say|complete|result|appeal).*"
        "|transcript_read",
        {
            ("survey_session_start_create", 201),
            ("session_say", 200),
            ("session_complete_create", 200),
            ("session_result_retrieve", 200),
        },
    ),
    "conversation": (
        "session_(create|say|read|events|stop)|transcript_read",
        {("session_say", 200), ("transcript_read", 200), ("session_stop", 200)},
    ),
    "run": (
        "execution_.*|outcome_(log|read|correct|void)",
        {("execution_progress", 200), ("execution_complete", 200), ("outcome_log", 201)},
    ),
    "video": ("video_.*|startprocess", {("startprocess", 200), ("video_run_read", 200)}),
    "webhook": (
        "webhook_(create|read|update|rotate|test|delete|delivery_list)",
        {("webhook_test", 202)},
    ),
}


@pytest.mark.parametrize("journey", JOURNEYS)
def test_a_journey_holds_along_its_links(journey: str, ana: User, acme: Company) -> None:
    fund_company(company=acme, amount_minor=1_000_000, currency="USD")
    person, company = signed_in(ana), bearer(make_key(acme)[1])
    operations, expected = JOURNEYS[journey]
    schema = schemathesis.openapi.from_wsgi(
        "/api/schema/?format=json", get_wsgi_application()
    ).include(operation_id_regex=f"^({operations})$")
    reached: set[tuple[str, int]] = set()
    faults: set[str] = set()
    tokens: dict[str, str] = {}
    taken: Counter[str] = Counter()

    def credential(name: str, case: Any) -> dict[str, Any]:
        token = tokens.get(str((case.path_parameters or {}).get("session_id")))
        if token:
            return bearer(token)
        return company if name.startswith(("survey", "webhook")) else person

    class Walk(schema.as_state_machine()):
        def before_call(self, case: Any) -> None:
            name = case.operation.definition.raw["operationId"]
            # The credentials are those below, not ones made up from the document.
            case.cookies = {}
            case.headers.pop("Authorization", None)
            taken[name] += 1
            if name in BEGINNINGS:
                case.body = BEGINNINGS[name]
            elif name in STEPS_ON and taken[name] % 4:
                given = case.body if isinstance(case.body, dict) else {}
                linked = {key: given[key] for key in LINKED if key in given}
                case.body = {**STEPS_ON[name], **linked}
                if name == "startprocess":
                    case.body["userId"] = ana.public_id
                case.media_type = "application/json"
            if name.endswith("_events"):
                # They wait for news, which nobody makes here.
                case.query = {}

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return credential(case.operation.definition.raw["operationId"], case)

        def after_call(self, response: Any, case: Any) -> None:
            name = case.operation.definition.raw["operationId"]
            reached.add((name, response.status_code))
            if response.status_code == 201 and "session_token" in response.json():
                tokens[response.json()["session_id"]] = response.json()["session_token"]

        def validate_response(self, response: Any, case: Any, **kwargs: Any) -> None:
            if response.status_code in UNSERVED:
                return
            try:
                case.validate_response(response, checks=list(CHECKS))
            except (AssertionError, BaseExceptionGroup) as error:
                faults.add(f"{case.operation.label}: {response.status_code} {str(error)[:400]}")

    for number in range(BATCHES_AT_MOST):
        # The same walks each time, until each step the journey is about has been gone.
        if number >= BATCHES and expected <= reached:
            break
        seed(number)(Walk).run(
            settings=hypothesis_settings(
                max_examples=WALKS,
                stateful_step_count=STEPS,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
        )

    assert sorted(faults) == []
    assert expected - reached == set(), sorted(reached)
    assert verify_ledger() == []
