from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Company, User
from agents.interview.types import FlagKind
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.models import AuditEvent
from surveys.models import AccountCode, Payout, PayoutState, SurveyResponse
from surveys.selectors import money
from surveys.selectors.ledger_check import verify_ledger
from surveys.services import funding, payouts, review, wallets
from surveys.services.ledger import InsufficientFundsError
from surveys.services.payouts import PayoutStateError, payment_view
from surveys.tests.money_world import (
    balance,
    books,
    complete,
    make_response,
    make_survey,
    run_in_threads,
)


@pytest.fixture
def survey(acme: Company) -> Any:
    """Return a funded survey of Ana's company."""
    funding.fund_company(company=acme, amount_minor=10_000, currency="USD")
    return make_survey(acme, budget=10_000)


def hold(survey: Any, amount: int = 1550) -> Payout:
    payout = complete(make_response(survey), amount, flags=(FlagKind.PROMPT_INJECTION,))
    assert payout is not None
    return payout


def actions() -> list[str]:
    return list(
        AuditEvent.objects.exclude(action="funding.posted")
        .order_by("pk")
        .values_list("action", flat=True)
    )


def test_approving_pays_and_leaves_a_line(survey: Any, ana: User) -> None:
    payout = review.approve_held(payout=hold(survey), actor=ana, note="Looks honest")
    assert (payout.state, payout.reviewed_by, payout.was_automatic) == (
        PayoutState.PAID,
        ana,
        False,
    )
    assert balance(AccountCode.WALLET, wallet=payout.wallet) == 1550
    assert actions() == ["payout.approved"]
    event = AuditEvent.objects.get(action="payout.approved")
    assert (event.actor, event.object_ref) == (ana.public_id, payout.public_id)
    assert verify_ledger() == []


def test_rejecting_gives_the_money_back_and_tells_the_visitor_why(survey: Any, ana: User) -> None:
    held = hold(survey)
    payout = review.reject_held(payout=held, actor=ana, reason="Copied from another answer.")
    assert (payout.state, payout.is_funded) == (PayoutState.REJECTED, False)
    assert books(survey)["budget"] == 10_000
    view = payment_view(SurveyResponse.objects.get(pk=payout.response_id))
    assert (view.payment_status, view.amount_minor) == ("failed", 0)
    assert "Copied from another answer." in view.message
    assert "you can appeal once" in view.message
    assert actions() == ["payout.rejected"]
    assert verify_ledger() == []


@pytest.mark.parametrize("reason", ["", "   ", "\u200b\u200b"])
def test_a_refusal_needs_a_reason(survey: Any, ana: User, reason: str) -> None:
    held = hold(survey)
    for decide in (review.reject_held, review.cancel):
        with pytest.raises(InvalidInputError):
            decide(payout=held, actor=ana, reason=reason)
    held.refresh_from_db()
    assert held.state == PayoutState.HELD
    assert actions() == []


def test_decisions_are_made_once(survey: Any, ana: User, beto: User) -> None:
    held = hold(survey)
    review.reject_held(payout=held, actor=ana, reason="no")
    for decide in (
        lambda: review.approve_held(payout=held, actor=beto),
        lambda: review.reject_held(payout=held, actor=beto, reason="no"),
        lambda: review.cancel(payout=held, actor=beto, reason="no"),
        lambda: review.reverse_paid(payout=held, actor=beto, reason="no"),
        lambda: review.retry_failed(payout=held, actor=beto),
    ):
        with pytest.raises(PayoutStateError) as refused:
            decide()
        assert refused.value.status == 409
    assert actions() == ["payout.rejected"]
    assert verify_ledger() == []


@pytest.mark.django_db(transaction=True)
def test_parallel_decisions_have_one_winner(survey: Any, ana: User) -> None:
    held = hold(survey)

    def decide(number: int) -> str:
        try:
            if number % 2:
                review.approve_held(payout=held, actor=ana)
            else:
                review.reject_held(payout=held, actor=ana, reason="no")
        except PayoutStateError:
            return "late"
        return "won"

    assert sorted(map(str, run_in_threads(8, decide))) == ["late"] * 7 + ["won"]
    held.refresh_from_db()
    assert held.state in (PayoutState.PAID, PayoutState.REJECTED)
    assert len(actions()) == 1
    assert verify_ledger() == []


def test_cancelling_before_sending(survey: Any, ana: User, settings: Any) -> None:
    settings.PAYOUT_PROVIDER = "stripe"
    settings.STRIPE_SECRET_KEY = "sk_test_x"
    survey.company.is_demo = False
    survey.company.save(update_fields=["is_demo"])
    approved = complete(make_response(survey), 1000)
    assert approved is not None
    assert approved.state == PayoutState.APPROVED
    assert review.cancel(payout=approved, actor=ana, reason="Test run").state == "cancelled"
    assert books(survey)["payable"] == 0
    sending = complete(make_response(survey), 1000)
    assert sending is not None
    Payout.objects.filter(pk=sending.pk).update(state=PayoutState.SENDING)
    with pytest.raises(PayoutStateError):
        review.cancel(payout=sending, actor=ana, reason="Too late")
    assert books(survey)["payable"] == 1000


def test_reversing_takes_the_credit_back(survey: Any, ana: User) -> None:
    paid = complete(make_response(survey), 1550)
    assert paid is not None
    payout = review.reverse_paid(payout=paid, actor=ana, reason="Paid by mistake.")
    assert payout.state == PayoutState.REVERSED
    assert balance(AccountCode.WALLET, wallet=paid.wallet) == 0
    assert books(survey)["budget"] == 10_000
    with pytest.raises(PayoutStateError):
        review.reverse_paid(payout=paid, actor=ana, reason="Again")
    assert actions() == ["payout.reversed"]
    assert verify_ledger() == []


def test_money_that_was_withdrawn_cannot_be_reversed(survey: Any, ana: User) -> None:
    paid = complete(make_response(survey), 1550)
    assert paid is not None
    wallets.withdraw(
        wallet=paid.wallet,
        amount_minor=1000,
        currency="USD",
        provider="local",
        idempotency_key="k",
        is_play_money=True,
    )
    with pytest.raises(InsufficientFundsError):
        review.reverse_paid(payout=paid, actor=ana, reason="Paid by mistake.")
    paid.refresh_from_db()
    assert paid.state == PayoutState.PAID
    assert actions() == ["withdrawal.requested"]
    assert verify_ledger() == []


def test_a_person_may_go_beyond_the_budget_but_not_beyond_funding(survey: Any, ana: User) -> None:
    held = hold(survey)
    payouts.reject_payout(payout=held, actor=ana, reason="no")
    payouts.hold_again(payout=held)
    payouts.reject_payout(payout=held, actor=ana, reason="no")
    for _ in range(5):
        make_response(survey)
    assert books(survey)["budget"] == 0
    again = payouts.hold_again(payout=held)
    assert (again.is_funded, "budget_exhausted" in again.hold_reasons) == (False, True)
    with pytest.raises(InsufficientFundsError):
        review.approve_held(payout=held, actor=ana)
    held.refresh_from_db()
    assert held.state == PayoutState.HELD
    funding.fund_company(company=survey.company, amount_minor=2000, currency="USD")
    assert review.approve_held(payout=held, actor=ana).state == PayoutState.PAID
    assert books(survey)["funding"] == 450
    assert verify_ledger() == []


# --- what a company sees ----------------------------------------------------------------------


def test_the_queue_shows_a_companys_own_decisions_only(
    survey: Any, acme: Company, globex: Company
) -> None:
    held = hold(survey)
    complete(make_response(survey), 1000)
    queue = money.review_queue(acme)
    assert [(item.payout, item.appeal) for item in queue] == [(held, None)]
    assert money.review_queue(globex) == []
    assert (money.count_waiting(acme), money.count_waiting(globex)) == (1, 0)
    assert money.payout_of_company(acme, held.public_id) == held
    with pytest.raises(NotFoundError):
        money.payout_of_company(globex, held.public_id)


def test_funds_and_ledger_of_a_company(survey: Any, acme: Company) -> None:
    complete(make_response(survey), 1550)
    make_response(survey)
    hold(survey, 700)
    (funds,) = money.funds_of(acme)
    assert (funds.currency, funds.posted_minor, funds.funding_minor) == ("USD", 10_000, 0)
    (line,) = funds.surveys
    assert (line.budget_minor, line.reserved_minor, line.payable_minor, line.paid_minor) == (
        5750,
        2000,
        700,
        1550,
    )
    kinds = [posted.kind for posted in money.ledger_of(acme)]
    assert kinds[:3] == ["pay_owed", "pay_reserved", "pay_reserved"]
    assert kinds[-1] == "funding_posted"
    assert money.ledger_of(acme, before=money.ledger_of(acme)[-1].pk) == []


def test_the_queue_is_read_in_a_fixed_number_of_queries(
    survey: Any, acme: Company, django_assert_num_queries: Any
) -> None:
    for _ in range(4):
        hold(survey, 700)
    with django_assert_num_queries(2):
        assert len(money.review_queue(acme)) == 4


def test_an_unknown_step_is_a_conflict_not_a_crash(survey: Any) -> None:
    paid = complete(make_response(survey), 1550)
    assert paid is not None
    with pytest.raises(ConflictError):
        payouts.hold_again(payout=paid)
