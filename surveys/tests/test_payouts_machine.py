"""Money under any order of events: a state machine over reservations, payouts and withdrawals."""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from accounts.models import User
from accounts.tests.factories import make_user
from agents.interview.types import FlagKind
from core import clock
from core.errors import ConflictError, InvalidInputError
from core.tests.machines import RolledBackMachine, walk
from surveys.models import (
    AccountCode,
    Appeal,
    Payout,
    PayoutState,
    ReservationState,
    ResponseState,
    SurveyResponse,
    SurveyStatus,
    Wallet,
    Withdrawal,
)
from surveys.models.wallets import WithdrawalState
from surveys.payments import factory
from surveys.payments.base import (
    PermanentError,
    RetryableError,
    SpentKeyError,
    UnknownOutcomeError,
)
from surveys.payments.fake import FakeProvider
from surveys.selectors.ledger_check import verify_ledger
from surveys.services import (
    appeals,
    funding,
    reservations,
    review,
    sending,
    settlements,
    wallets,
)
from surveys.tests.money_world import (
    balance,
    complete,
    connect_account,
    make_paid_company,
    make_response,
    make_survey,
)

#: Raise it to search for longer: ``MONEY_MACHINE_EXAMPLES=200 pytest …``.
EXAMPLES = int(os.environ.get("MONEY_MACHINE_EXAMPLES", "12"))
picks = st.integers(min_value=0, max_value=10_000)
FAULTS = st.sampled_from(
    [
        None,
        UnknownOutcomeError("before"),
        ("after", UnknownOutcomeError("after")),
        RetryableError("limited"),
        SpentKeyError("stored"),
        ("after", SpentKeyError("stored after")),
        PermanentError("refused"),
        ("after", PermanentError("refused after")),
    ]
)


class MoneyMachine(RolledBackMachine):
    """Two companies, one paid through the fake provider; a person reviews; anything may happen."""

    provider: FakeProvider

    def __init__(self) -> None:
        super().__init__()
        type(self).provider = FakeProvider()
        self.reviewer: User = make_user()
        self.owner: User = make_user()
        self.surveys = [
            make_survey(make_paid_company(is_demo=is_demo, funds_minor=9000), budget=6000)
            for is_demo in (True, False)
        ]
        self.posted = 18_000
        self.withdrawal_count = 0

    def pick(self, rows: Any, number: int) -> Any:
        found = list(rows.order_by("pk"))
        return found[number % len(found)] if found else None

    # --- what happens --------------------------------------------------------------------------

    @rule(number=picks, is_new_wallet=st.booleans(), is_connected=st.booleans())
    def start(self, number: int, is_new_wallet: bool, is_connected: bool) -> None:
        survey = self.surveys[number % 2]
        survey.refresh_from_db()
        if survey.status != SurveyStatus.ACTIVE:
            return
        wallet = (
            None if is_new_wallet else self.pick(Wallet.objects.filter(merged_into=None), number)
        )
        try:
            with transaction.atomic():
                response = make_response(survey, wallet=wallet)
        except ConflictError:
            return
        if is_connected and not response.wallet.provider_accounts.exists():
            connect_account(response.wallet)

    @rule(number=picks, amount=st.sampled_from([0, 500, 1550, 2000]), flag=st.integers(0, 5))
    def done(self, number: int, amount: int, flag: int) -> None:
        response = self.pick(SurveyResponse.objects.filter(state=ResponseState.OPEN), number)
        if response is not None:
            flags = {4: (FlagKind.LOW_EFFORT,), 5: (FlagKind.PROMPT_INJECTION,)}.get(flag, ())
            complete(response, amount, flags=flags, score=85 if amount else 10)

    @rule(number=picks)
    def leave(self, number: int) -> None:
        response = self.pick(SurveyResponse.objects.filter(state=ResponseState.OPEN), number)
        if response is not None:
            reservations.release(response=response)
            SurveyResponse.objects.filter(pk=response.pk).update(state=ResponseState.ENDED_UNPAID)

    @rule()
    def lapse(self) -> None:
        SurveyResponse.objects.update(reservation_expires_at=clock.now() - timedelta(seconds=1))
        reservations.lapse_due()

    @rule(number=picks)
    def come_back(self, number: int) -> None:
        response = self.pick(SurveyResponse.objects.filter(state=ResponseState.OPEN), number)
        if response is not None:
            try:
                reservations.renew(response=response)
            except ConflictError:
                assert response.reservation_state != ReservationState.HELD

    @rule(number=picks, amount=st.integers(min_value=1, max_value=3000))
    def fund(self, number: int, amount: int) -> None:
        company = self.surveys[number % 2].company
        funding.fund_company(company=company, amount_minor=amount, currency="USD")
        self.posted += amount

    @rule(number=picks, decision=st.sampled_from(["approve", "reject", "cancel", "retry"]))
    def decide(self, number: int, decision: str) -> None:
        payout = self.pick(Payout.objects.exclude(state=PayoutState.PAID), number)
        if payout is None:
            return
        decide: dict[str, Any] = {
            "approve": lambda: review.approve_held(payout=payout, actor=self.reviewer),
            "reject": lambda: review.reject_held(payout=payout, actor=self.reviewer, reason="r"),
            "cancel": lambda: review.cancel(payout=payout, actor=self.reviewer, reason="r"),
            "retry": lambda: review.retry_failed(payout=payout, actor=self.reviewer),
        }
        self.attempt(decide[decision])

    @rule(number=picks)
    def take_back(self, number: int) -> None:
        payout = self.pick(Payout.objects.filter(state=PayoutState.PAID), number)
        if payout is not None and payout.provider == factory.LOCAL:
            self.attempt(
                lambda: review.reverse_paid(payout=payout, actor=self.reviewer, reason="r")
            )

    @rule(number=picks)
    def appeal(self, number: int) -> None:
        response = self.pick(SurveyResponse.objects.all(), number)
        if response is not None:
            self.attempt(lambda: appeals.file_appeal(response=response, text="Please look again"))

    @rule(number=picks, is_upheld=st.booleans())
    def resolve(self, number: int, is_upheld: bool) -> None:
        appeal = self.pick(Appeal.objects.all(), number)
        if appeal is not None:
            self.attempt(
                lambda: review.resolve_appeal(
                    appeal=appeal, actor=self.reviewer, is_upheld=is_upheld, note="n"
                )
            )

    @rule(faults=st.lists(FAULTS, max_size=3))
    def send(self, faults: list[Any]) -> None:
        self.provider.faults.extend(faults)
        past = clock.now() - timedelta(seconds=1)
        Payout.objects.exclude(next_attempt_at=None).update(next_attempt_at=past)
        Withdrawal.objects.exclude(next_attempt_at=None).update(next_attempt_at=past)
        sending.send_due()
        self.provider.faults.clear()

    @rule()
    def time_passes(self) -> None:
        Payout.objects.exclude(auto_approve_at=None).update(
            auto_approve_at=clock.now() - timedelta(seconds=1)
        )
        settlements.approve_due()
        funding.settle_budgets()
        settlements.fund_waiting()
        sending.wake_unclaimed()

    @rule(number=picks)
    def connect(self, number: int) -> None:
        wallet = self.pick(Wallet.objects.filter(merged_into=None), number)
        if wallet is not None and not wallet.provider_accounts.exists():
            connect_account(wallet)

    @rule(number=picks, amount=st.integers(min_value=1, max_value=2500), is_play=st.booleans())
    def withdraw(self, number: int, amount: int, is_play: bool) -> None:
        wallet = self.pick(Wallet.objects.all(), number)
        if wallet is None:
            return
        self.withdrawal_count += 1
        self.attempt(
            lambda: wallets.withdraw(
                wallet=wallet,
                amount_minor=amount,
                currency="USD",
                provider="local" if is_play else "stripe",
                is_play_money=is_play,
                idempotency_key=f"k{self.withdrawal_count}",
            )
        )

    @rule(number=picks)
    def merge(self, number: int) -> None:
        wallet = self.pick(Wallet.objects.all(), number)
        if wallet is not None:
            self.attempt(lambda: wallets.attach_wallet(wallet=wallet, user=self.owner))

    @rule(number=picks, budget=st.integers(min_value=0, max_value=9000))
    def change_budget(self, number: int, budget: int) -> None:
        survey = self.surveys[number % 2]
        survey.refresh_from_db()
        survey.budget_minor = budget
        survey.save(update_fields=["budget_minor"])
        funding.allocate_budget(survey=survey)

    @rule(number=st.integers(0, 30))
    def close(self, number: int) -> None:
        if number < 2:
            survey = self.surveys[number]
            survey.refresh_from_db()
            survey.status = SurveyStatus.CLOSED
            survey.save(update_fields=["status"])
            funding.release_budget(survey=survey)

    @staticmethod
    def attempt(step: Any) -> None:
        """Do something that may be refused; a refusal leaves everything as it was."""
        try:
            with transaction.atomic():
                step()
        except (ConflictError, InvalidInputError):
            return

    # --- what always holds ---------------------------------------------------------------------

    @invariant()
    def the_books_are_right(self) -> None:
        assert verify_ledger() == []

    @invariant()
    def no_more_is_promised_than_was_posted(self) -> None:
        assert -balance(AccountCode.EXTERNAL) == self.posted
        assert balance(AccountCode.RESERVED) + balance(AccountCode.PAYABLE) <= self.posted

    @invariant()
    def the_provider_sent_each_thing_once_and_only_what_is_owed(self) -> None:
        groups = Counter(made.group for made in self.provider.transfers)
        assert all(count == 1 for count in groups.values()), groups
        sent = sum(made.amount_minor for made in self.provider.transfers)
        settled = (
            Payout.objects.filter(state=PayoutState.PAID, provider="stripe").aggregate(
                total=Sum("amount_minor")
            )["total"]
            or 0
        ) + (
            Withdrawal.objects.filter(state=WithdrawalState.PAID, provider="stripe").aggregate(
                total=Sum("amount_minor")
            )["total"]
            or 0
        )
        on_the_way = sum(
            made.amount_minor
            for made in self.provider.transfers
            if Payout.objects.filter(
                state=PayoutState.SENDING, public_id=made.group.partition(":")[2]
            ).exists()
            or Withdrawal.objects.filter(
                state=WithdrawalState.SENDING, public_id=made.group.partition(":")[2]
            ).exists()
        )
        assert sent == settled + on_the_way

    @invariant()
    def a_merged_wallet_is_empty(self) -> None:
        assert (
            sum(
                balance(AccountCode.WALLET, wallet=wallet)
                for wallet in Wallet.objects.exclude(merged_into=None)
            )
            == 0
        )


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.django_db
@pytest.mark.parametrize("pay_into_wallets", [False, True], ids=["straight", "wallets"])
def test_money_survives_any_order_of_events(
    pay_into_wallets: bool, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PAYOUT_PROVIDER = "local" if pay_into_wallets else "stripe"
    settings.STRIPE_SECRET_KEY = "sk_test_x"
    monkeypatch.setattr(factory, "get_provider", lambda name: MoneyMachine.provider)
    walk(MoneyMachine, examples=EXAMPLES, steps=25)
