"""Every state machine in the OpenAPI document: its states with the steps between them.

Owns which machines are published and under which name; the machines are in the apps' models. It
stands here because only this package knows every app.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.generators import SchemaGenerator


def state_machines() -> dict[str, Mapping[Any, frozenset[Any]]]:
    """Return the name of each published state enum with what each state may become."""
    # Imported late: the settings name this module, and models load after them.
    from agents.video.models import RUN_TRANSITIONS
    from sessions.models import ALLOWED_TRANSITIONS
    from surveys.models.payouts import PAYOUT_TRANSITIONS
    from surveys.models.responses import RESPONSE_TRANSITIONS
    from surveys.models.surveys import SURVEY_TRANSITIONS
    from surveys.models.wallets import WITHDRAWAL_TRANSITIONS
    from webhooks.models import DELIVERY_TRANSITIONS, ENDPOINT_TRANSITIONS
    from workflows.models import EXECUTION_TRANSITIONS, REVIEW_TRANSITIONS

    return {
        "ExecutionState": EXECUTION_TRANSITIONS,
        "PayoutState": PAYOUT_TRANSITIONS,
        "ProofReviewState": REVIEW_TRANSITIONS,
        "ResponseState": RESPONSE_TRANSITIONS,
        "SessionStatus": ALLOWED_TRANSITIONS,
        "SurveyStatus": SURVEY_TRANSITIONS,
        "VideoRunState": RUN_TRANSITIONS,
        "WebhookDeliveryState": DELIVERY_TRANSITIONS,
        "WebhookEndpointState": ENDPOINT_TRANSITIONS,
        "WithdrawalState": WITHDRAWAL_TRANSITIONS,
    }


def publish_transitions(
    result: dict[str, Any], generator: SchemaGenerator, **kwargs: Any
) -> dict[str, Any]:
    """Add ``x-transitions`` to every state enum (postprocessing hook of drf-spectacular).

    Raises:
        KeyError: no field of the API uses one of the machines under its name any more.
    """
    schemas = result["components"]["schemas"]
    for name, steps in state_machines().items():
        schemas[name]["x-transitions"] = {
            str(state): sorted(str(after) for after in steps[state]) for state in steps
        }
    return result
