"""Everything that moves money at once, in threads that meet on the same wallets and surveys."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from agents.interview.types import FlagKind
from core import clock
from core.errors import ParleyError
from surveys.models import Payout, PayoutState, ResponseState, SurveyResponse, Wallet
from surveys.selectors.ledger_check import verify_ledger
from surveys.services import (
    appeals,
    funding,
    reservations,
    review,
    settlements,
    wallets,
)
from surveys.tests.money_world import (
    complete,
    make_paid_company,
    make_response,
    make_survey,
    run_in_threads,
)

THREADS = 8
STEPS = 12


def some(rows: Any, dice: random.Random) -> Any:
    """Return one of the rows, or None."""
    ids = list(rows.values_list("pk", flat=True))
    return rows.model.objects.get(pk=dice.choice(ids)) if ids else None


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(180)
def test_everything_at_once_refuses_politely_and_keeps_the_books(ana: User, vera: User) -> None:
    company = make_paid_company(is_demo=True, funds_minor=65_000)
    surveys = [make_survey(company, budget=32_000) for _ in range(2)]
    shared = [Wallet.objects.create() for _ in range(3)]
    wallets.attach_wallet(wallet=shared[0], user=vera)
    for number in range(24):
        make_response(surveys[number % 2], wallet=shared[number % 3])

    def start(dice: random.Random) -> None:
        with transaction.atomic():
            make_response(dice.choice(surveys), wallet=dice.choice(shared))

    def done(dice: random.Random) -> None:
        with transaction.atomic():
            # The session's row is what completing locks first; here the answer's stands for it.
            open_ones = SurveyResponse.objects.filter(state=ResponseState.OPEN)
            chosen = some(open_ones, dice)
            if chosen is None:
                return
            row = SurveyResponse.objects.select_for_update(no_key=True).get(pk=chosen.pk)
            if row.state == ResponseState.OPEN:
                flags = (FlagKind.LOW_EFFORT,) if dice.random() < 0.5 else ()
                complete(row, dice.choice([0, 700, 1550]), flags=flags)

    def lapse(dice: random.Random) -> None:
        chosen = some(SurveyResponse.objects.filter(state=ResponseState.OPEN), dice)
        if chosen is not None:
            SurveyResponse.objects.filter(pk=chosen.pk).update(
                reservation_expires_at=clock.now() - timedelta(seconds=1)
            )
            reservations.lapse_due()
            reservations.renew(response=SurveyResponse.objects.get(pk=chosen.pk))

    def decide(dice: random.Random) -> None:
        payout = some(Payout.objects.filter(state=PayoutState.HELD), dice)
        if payout is None:
            return
        if dice.random() < 0.5:
            review.approve_held(payout=payout, actor=ana)
        else:
            review.reject_held(payout=payout, actor=ana, reason="r")

    def object_to_it(dice: random.Random) -> None:
        payout = some(Payout.objects.filter(state=PayoutState.REJECTED), dice)
        if payout is not None:
            appeals.file_appeal(response=payout.response)

    def take_back(dice: random.Random) -> None:
        payout = some(Payout.objects.filter(state=PayoutState.PAID), dice)
        if payout is not None:
            review.reverse_paid(payout=payout, actor=ana, reason="r")

    def withdraw(dice: random.Random) -> None:
        wallets.withdraw(
            wallet=dice.choice(shared),
            amount_minor=dice.randint(1, 900),
            currency="USD",
            provider="local",
            is_play_money=True,
            idempotency_key=str(dice.random()),
        )

    def merge(dice: random.Random) -> None:
        wallets.attach_wallet(wallet=dice.choice(shared), user=vera)

    def fund(dice: random.Random) -> None:
        funding.fund_company(company=company, amount_minor=dice.randint(1, 500), currency="USD")

    def sweep(dice: random.Random) -> None:
        Payout.objects.filter(state=PayoutState.HELD).update(
            auto_approve_at=clock.now() - timedelta(seconds=1)
        )
        settlements.approve_due(limit=3)
        funding.settle_budgets()
        settlements.fund_waiting(limit=3)

    steps = [start, done, done, lapse, decide, object_to_it, take_back, withdraw, fund, sweep]

    def work(number: int) -> str:
        dice = random.Random(number)
        for step_number in range(STEPS):
            # Merging early keeps wallets on both sides of it busy.
            step = merge if step_number == 3 and number < 3 else dice.choice(steps)
            try:
                step(dice)
            except ParleyError:
                continue  # a refusal, which is an answer
        return "done"

    assert run_in_threads(THREADS, work) == ["done"] * THREADS
    assert verify_ledger() == []
    assert Payout.objects.exclude(state=PayoutState.HELD).exists()
