"""What happened to an answer's pay, in order and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.money import format_money
from surveys.console.words import explain_reason
from surveys.models import Appeal, Payout, PayoutState, ResponseState, SurveyResponse

_FINAL_WORDS = {
    PayoutState.SENDING: ("Being sent", "info", "send"),
    PayoutState.UNCLAIMED: ("Waiting for the visitor to say where to send it", "warn", "clock"),
    PayoutState.REJECTED: ("Rejected", "bad", "close"),
    PayoutState.CANCELLED: ("Cancelled", "", "close"),
    PayoutState.FAILED: ("The provider could not pay", "bad", "alert"),
    PayoutState.REVERSED: ("Taken back", "bad", "refresh"),
}


@dataclass(frozen=True, slots=True)
class PayChange:
    """What a person may do to a payout as it stands now."""

    name: str
    label: str
    explanation: str
    needs_reason: bool = True
    is_dangerous: bool = True


_CALL_OFF = PayChange(
    "cancel", "Call off", "It has not been sent. The visitor reads your reason and may appeal once."
)
_CHANGES = {
    PayoutState.APPROVED: _CALL_OFF,
    PayoutState.UNCLAIMED: _CALL_OFF,
    PayoutState.PAID: PayChange(
        "reverse",
        "Take back",
        "The provider is asked first, then the books follow. It works while the visitor still "
        "holds the money, and the visitor reads your reason.",
    ),
    PayoutState.FAILED: PayChange(
        "retry",
        "Send again",
        "The provider refused it for good. Try again once the cause is gone; it is never paid "
        "twice.",
        needs_reason=False,
        is_dangerous=False,
    ),
}


def change_of(payout: Payout | None) -> PayChange | None:
    """Return what may be done to a payout outside of the review queue, None for nothing."""
    return None if payout is None else _CHANGES.get(PayoutState(payout.state))


def payout_timeline(
    response: SurveyResponse, payout: Payout | None, appeal: Appeal | None
) -> list[dict[str, Any]]:
    """Return the steps of an answer and its pay, oldest first, as the timeline shows them."""
    steps: list[dict[str, Any]] = [
        {"title": "Started", "at": response.created_at, "icon": "play"},
    ]
    if response.done_at:
        steps.append({"title": "Done", "at": response.done_at, "icon": "check"})
    if response.evaluated_at and response.score is not None:
        text = ""
        if payout is None and response.state == ResponseState.COMPLETED:
            text = "This score earns nothing."
        steps.append(
            {
                "title": f"Scored {response.score} of 100",
                "at": response.evaluated_at,
                "icon": "spark",
                "text": text,
            }
        )
    if payout is not None:
        steps += _payout_steps(payout)
    if appeal is not None:
        steps.append(
            {
                "title": "The visitor appealed",
                "at": appeal.created_at,
                "icon": "message",
                "tone": "warn",
            }
        )
        if appeal.resolved_at:
            steps.append(
                {
                    "title": f"Appeal {appeal.get_resolution_display().lower()}",
                    "at": appeal.resolved_at,
                    "icon": "shield",
                    "text": appeal.resolution_note,
                }
            )
    if response.erased_at:
        steps.append({"title": "Erased", "at": response.erased_at, "icon": "trash"})
    return sorted(steps, key=lambda step: step["at"])


def _payout_steps(payout: Payout) -> list[dict[str, Any]]:
    amount = format_money(payout.amount_minor, payout.currency)
    steps: list[dict[str, Any]] = []
    if payout.hold_reasons:
        reasons = ", ".join(explain_reason(code)[0] for code in payout.hold_reasons)
        steps.append(
            {
                "title": f"{amount} held for a person",
                "at": payout.created_at,
                "icon": "pause",
                "tone": "warn",
                "text": reasons,
            }
        )
    if payout.approved_at:
        steps.append(
            {
                "title": f"{amount} approved "
                f"{'automatically' if payout.was_automatic else 'by a person'}",
                "at": payout.approved_at,
                "icon": "check",
                "tone": "good",
                "text": "" if payout.was_automatic else payout.review_note,
            }
        )
    if payout.paid_at and payout.state in (PayoutState.PAID, PayoutState.REVERSED):
        steps.append(
            {"title": f"{amount} paid", "at": payout.paid_at, "icon": "coin", "tone": "good"}
        )
    final = _FINAL_WORDS.get(PayoutState(payout.state))
    if final is not None:
        title, tone, icon = final
        steps.append(
            {
                "title": title,
                "at": payout.updated_at,
                "tone": tone,
                "icon": icon,
                "text": payout.last_error_code
                if payout.state == PayoutState.FAILED
                else payout.review_note,
            }
        )
    return steps
