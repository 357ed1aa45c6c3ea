"""What a company's servers are told of its surveys: completed sessions and changed payouts.

Owns what the two events say: identifiers, figures and states, never a word of what
was said; whoever receives one reads more over the API. Called in the transaction of the fact.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core import clock
from surveys.event_types import PAYOUT_CHANGED, SESSION_COMPLETED, SESSION_ERASED
from surveys.models import Payout, PayoutState, SurveyResponse
from surveys.services.payment_messages import payment_view
from webhooks.services.publishing import publish_event

#: Being sent is a moment on the way, of which nobody can make anything.
UNTOLD_STATES = frozenset({PayoutState.SENDING})


def announce_completed(response: SurveyResponse) -> None:
    """Tell of a scored answer. Joins the caller's transaction, after its payout is settled."""
    publish_event(
        company=response.survey.company,
        event_type=SESSION_COMPLETED.name,
        subject=response.voice_session.public_id,
        build_data=lambda: _completed_data(response),
    )


def announce_erased(response: SurveyResponse) -> None:
    """Tell that an answer is erased; what was told of it before is forgotten by then.

    Joins the caller's transaction.
    """
    session_id = response.voice_session.public_id
    publish_event(
        company=response.survey.company,
        event_type=SESSION_ERASED.name,
        subject=session_id,
        build_data=lambda: {
            "session_id": session_id,
            "survey_id": response.survey.public_id,
            "erased_at": clock.rfc3339(clock.now()),
        },
    )


def announce_payout(payout: Payout) -> None:
    """Tell of a payout's present state. Joins the transaction that wrote it."""
    if payout.state in UNTOLD_STATES:
        return
    publish_event(
        company=payout.response.survey.company,
        event_type=PAYOUT_CHANGED.name,
        subject=payout.public_id,
        build_data=lambda: _payout_data(payout),
    )


def announce_payouts(payout_ids: Iterable[int]) -> None:
    """Tell of several payouts whose rows were changed by one statement, as they stand now."""
    for payout in Payout.objects.filter(pk__in=list(payout_ids)).select_related(
        "response__survey__company", "response__voice_session"
    ):
        announce_payout(payout)


def _completed_data(response: SurveyResponse) -> dict[str, Any]:
    # The caller's object has not seen the payout that was just made.
    row = SurveyResponse.objects.select_related(
        "voice_session", "version", "survey", "payout", "appeal"
    ).get(pk=response.pk)
    payment = payment_view(row)
    result: dict[str, Any] = row.result or {}
    return {
        "session_id": row.voice_session.public_id,
        "survey_id": row.survey.public_id,
        "survey_version": row.version.number,
        "language": row.voice_session.language,
        "channel": row.voice_session.transport,
        "score": row.score,
        "band": result.get("band"),
        "flags": result.get("flags", []),
        "payment_amount": float(payment.amount),
        "currency": payment.currency,
        "payment_status": payment.payment_status,
        "transaction_id": payment.transaction_id,
        "completed_at": clock.rfc3339(row.evaluated_at or clock.now()),
    }


def _payout_data(payout: Payout) -> dict[str, Any]:
    row = SurveyResponse.objects.select_related(
        "voice_session", "version", "survey", "payout", "appeal"
    ).get(pk=payout.response_id)
    payment = payment_view(row)
    return {
        "payout_id": payout.public_id,
        "session_id": row.voice_session.public_id,
        "survey_id": row.survey.public_id,
        "transaction_id": payout.transaction_id,
        "state": payout.state,
        "payment_status": payment.payment_status,
        "amount": float(payment.amount),
        "currency": payout.currency,
        "hold_reasons": list(payout.hold_reasons),
        "changed_at": clock.rfc3339(payout.updated_at),
    }
