"""What surveys show of a person on pages of other apps: the wallet, and what was answered.

Owns the words of both cards. Every read starts at the person's own wallet: whose answer it was is
known when they answered on our hosted page while signed in, else once its wallet was attached.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from accounts.models import User
from core.panels import Panel
from surveys.models import ResponseState
from surveys.selectors.money import Balance, balances_of, unclaimed_minor, wallet_of_user
from surveys.selectors.responses import answers_of_wallet
from surveys.services.payment_messages import payment_view

ANSWERS_SHOWN = 20

_PAY_WORDS = {
    "success": ("Paid", "good"),
    "pending": ("On its way", "info"),
    "held": ("Being checked", "warn"),
    "failed": ("Not paid", "bad"),
    "none": ("No pay", "neutral"),
}
_STATE_WORDS = {
    ResponseState.OPEN: ("Not finished", "neutral"),
    ResponseState.EVALUATING: ("Being scored", "info"),
    ResponseState.ENDED_UNPAID: ("Ended without Done", "neutral"),
}


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """One answered survey."""

    title: str
    company: str
    at: datetime
    score: int | None
    amount_minor: int
    currency: str
    label: str
    tone: str
    message: str
    """What the person was told about the pay; empty before there is a score."""


def build_wallet_panel(person: User) -> Panel:
    """Return a person's credit, what waits for them, and the way to the wallet."""
    wallet = wallet_of_user(person)
    balances = balances_of(wallet) if wallet else []
    waiting = unclaimed_minor(wallet) if wallet else {}
    return Panel(
        template="surveys/me_wallet.html",
        context={
            "has_wallet": wallet is not None,
            "balances": balances,
            "waiting": [Balance(code, minor, False) for code, minor in sorted(waiting.items())],
            "url": reverse("wallet"),
        },
    )


def build_answers_panel(person: User) -> Panel | None:
    """Return the surveys a person answered, newest first; None without a wallet."""
    wallet = wallet_of_user(person)
    if wallet is None:
        return None
    shown = []
    for response in answers_of_wallet(wallet, limit=ANSWERS_SHOWN):
        is_scored = response.state == ResponseState.COMPLETED
        payment = payment_view(response)
        words = (
            _PAY_WORDS[payment.payment_status]
            if is_scored
            else _STATE_WORDS[ResponseState(response.state)]
        )
        shown.append(
            ShownAnswer(
                title=response.version.title,
                company=response.survey.company.name,
                at=response.done_at or response.created_at,
                score=response.score if is_scored else None,
                amount_minor=payment.amount_minor if is_scored else 0,
                currency=payment.currency,
                label=words[0],
                tone=words[1],
                message=payment.message if is_scored else "",
            )
        )
    return Panel(
        template="surveys/me_answers.html", context={"answers": shown, "limit": ANSWERS_SHOWN}
    )
