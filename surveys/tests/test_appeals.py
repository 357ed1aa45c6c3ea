from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Company, User
from agents.interview.types import FlagKind
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.models import AuditEvent
from surveys.models import (
    AccountCode,
    Appeal,
    Payout,
    PayoutState,
    ResponseState,
    SurveyResponse,
    SurveyStatus,
)
from surveys.selectors import money
from surveys.selectors.ledger_check import verify_ledger
from surveys.services import appeals, funding, review, settlements
from surveys.services.ledger import InsufficientFundsError
from surveys.services.payouts import payment_view
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


def answer(survey: Any, amount: int, **fields: Any) -> SurveyResponse:
    response = make_response(survey)
    complete(response, amount, **fields)
    return response


def rejected(survey: Any, actor: User) -> SurveyResponse:
    response = answer(survey, 1550, flags=(FlagKind.DUPLICATE_ANSWER,))
    review.reject_held(payout=response.payout, actor=actor, reason="Looks copied.")
    return SurveyResponse.objects.get(pk=response.pk)


def test_a_rejected_payout_is_held_again_with_its_money(survey: Any, ana: User) -> None:
    response = rejected(survey, ana)
    appeal = appeals.file_appeal(response=response, text="I wrote it myself.")
    payout = Payout.objects.get(response=response)
    assert (payout.state, payout.is_funded) == (PayoutState.HELD, True)
    assert payout.hold_reasons == ["duplicate_answer", "appeal"]
    assert books(survey)["payable"] == 1550
    assert appeal.text == "I wrote it myself."
    assert payment_view(response).payment_status == "held"
    assert AuditEvent.objects.filter(action="appeal.filed", actor="visitor").count() == 1
    assert verify_ledger() == []


def test_there_is_one_appeal(survey: Any, ana: User) -> None:
    response = rejected(survey, ana)
    appeals.file_appeal(response=response)
    with pytest.raises(ConflictError) as refused:
        appeals.file_appeal(response=response, text="Again")
    assert refused.value.code == "already_appealed"
    review.reject_held(payout=response.payout, actor=ana, reason="Still copied.")
    with pytest.raises(ConflictError):
        appeals.file_appeal(response=response, text="Again")
    assert Appeal.objects.count() == 1
    payout = Payout.objects.get()
    assert payout.state == PayoutState.REJECTED
    fresh = SurveyResponse.objects.get(pk=response.pk)
    assert "Your appeal has been decided." in payment_view(fresh).message


@pytest.mark.django_db(transaction=True)
def test_parallel_appeals_are_one(survey: Any, ana: User) -> None:
    response = rejected(survey, ana)

    def file(_: int) -> str:
        try:
            appeals.file_appeal(response=response)
        except ConflictError:
            return "refused"
        return "filed"

    assert sorted(map(str, run_in_threads(6, file))) == ["filed"] + ["refused"] * 5
    assert books(survey)["payable"] == 1550
    assert verify_ledger() == []


def test_approving_and_rejecting_close_the_appeal(survey: Any, ana: User) -> None:
    first, second = rejected(survey, ana), rejected(survey, ana)
    for response in (first, second):
        appeals.file_appeal(response=response)
    review.approve_held(payout=first.payout, actor=ana, note="Sorry!")
    review.reject_held(payout=second.payout, actor=ana, reason="No.")
    assert [
        (one.resolution, one.resolved_by, one.resolution_note)
        for one in Appeal.objects.order_by("pk")
    ] == [("upheld", ana, "Sorry!"), ("declined", ana, "No.")]
    assert money.review_queue(survey.company) == []


def test_an_upheld_appeal_of_an_unpaid_answer_grants_within_the_range(
    survey: Any, ana: User
) -> None:
    response = answer(survey, 0, score=20)
    appeal = appeals.file_appeal(response=response, text="My answer was on the point.")
    assert [item.appeal for item in money.review_queue(survey.company)] == [appeal]
    for amount in (499, 2001, 0, -5):
        with pytest.raises(InvalidInputError):
            review.resolve_appeal(
                appeal=appeal, actor=ana, is_upheld=True, note="", amount_minor=amount
            )
    assert Payout.objects.count() == 0
    review.resolve_appeal(
        appeal=appeal, actor=ana, is_upheld=True, note="You are right.", amount_minor=800
    )
    payout = Payout.objects.get()
    assert (payout.state, payout.amount_minor, payout.was_automatic) == (
        PayoutState.PAID,
        800,
        False,
    )
    assert payout.reviewed_by == ana
    assert balance(AccountCode.WALLET, wallet=response.wallet) == 800
    fresh = SurveyResponse.objects.get(pk=response.pk)
    assert payment_view(fresh).message == "Thank you! You've earned $8.00"
    assert verify_ledger() == []
    with pytest.raises(ConflictError):
        review.resolve_appeal(appeal=appeal, actor=ana, is_upheld=True, note="")
    assert Payout.objects.count() == 1


def test_a_grant_defaults_to_the_lowest_pay_and_may_use_funding(survey: Any, ana: User) -> None:
    response = answer(survey, 0, score=20)
    for _ in range(5):
        make_response(survey)
    appeal = appeals.file_appeal(response=response)
    with pytest.raises(InsufficientFundsError):
        review.resolve_appeal(appeal=appeal, actor=ana, is_upheld=True, note="")
    appeal.refresh_from_db()
    assert appeal.resolved_at is None
    funding.fund_company(company=survey.company, amount_minor=600, currency="USD")
    review.resolve_appeal(appeal=appeal, actor=ana, is_upheld=True, note="")
    assert Payout.objects.get().amount_minor == 500
    assert books(survey)["funding"] == 100
    assert verify_ledger() == []


def test_a_declined_appeal_of_an_unpaid_answer_changes_no_money(survey: Any, ana: User) -> None:
    response = answer(survey, 0, score=20)
    appeal = appeals.file_appeal(response=response)
    with pytest.raises(InvalidInputError):
        review.resolve_appeal(appeal=appeal, actor=ana, is_upheld=False, note=" ")
    review.resolve_appeal(appeal=appeal, actor=ana, is_upheld=False, note="It was off topic.")
    assert Payout.objects.count() == 0
    assert books(survey)["budget"] == 10_000
    assert Appeal.objects.get().resolution == "declined"


def test_an_appeal_against_low_pay_is_recorded_and_never_changes_the_amount(
    survey: Any, ana: User
) -> None:
    response = answer(survey, 500, score=50)
    appeal = appeals.file_appeal(response=response, text="That was worth more.")
    assert Payout.objects.get().state == PayoutState.PAID
    review.resolve_appeal(appeal=appeal, actor=ana, is_upheld=True, note="We will tell our team.")
    assert Payout.objects.get().amount_minor == 500
    assert balance(AccountCode.WALLET, wallet=response.wallet) == 500


def test_an_appeal_of_what_was_taken_back_is_heard_and_pays_nothing_twice(
    survey: Any, ana: User
) -> None:
    response = answer(survey, 1550)
    review.reverse_paid(payout=response.payout, actor=ana, reason="Paid by mistake.")
    appeal = appeals.file_appeal(response=response, text="It was no mistake.")
    with pytest.raises(ConflictError) as refused:
        review.resolve_appeal(appeal=appeal, actor=ana, is_upheld=True, note="")
    assert refused.value.code == "payout_reversed"
    review.resolve_appeal(appeal=appeal, actor=ana, is_upheld=False, note="We send a voucher.")
    appeal.refresh_from_db()
    assert appeal.resolution_note == "We send a voucher."
    assert Payout.objects.get().state == PayoutState.REVERSED
    assert verify_ledger() == []


def test_what_cannot_be_appealed(survey: Any) -> None:
    best = answer(survey, 2000)
    with pytest.raises(ConflictError) as refused:
        appeals.file_appeal(response=best)
    assert refused.value.code == "nothing_to_appeal"
    running = make_response(survey)
    with pytest.raises(ConflictError) as early:
        appeals.file_appeal(response=running)
    assert early.value.code == "not_appealable"
    SurveyResponse.objects.filter(pk=running.pk).update(state=ResponseState.ENDED_UNPAID)
    with pytest.raises(ConflictError):
        appeals.file_appeal(response=running)
    low = answer(survey, 0, score=3)
    with pytest.raises(InvalidInputError):
        appeals.file_appeal(response=low, text="x" * 2001)
    assert Appeal.objects.count() == 0


def test_an_appeal_text_is_cleaned_and_stays_text(survey: Any) -> None:
    response = answer(survey, 0, score=3)
    appeal = appeals.file_appeal(
        response=response, text="<script>alert(1)</script>\u202e\x00 pay me 100"
    )
    assert appeal.text == "<script>alert(1)</script> pay me 100"
    assert Payout.objects.count() == 0


def test_an_appeal_after_the_survey_closed_finds_the_money_in_funding(
    survey: Any, ana: User
) -> None:
    response = rejected(survey, ana)
    survey.status = SurveyStatus.CLOSED
    survey.save(update_fields=["status"])
    funding.release_budget(survey=survey)
    appeals.file_appeal(response=response)
    payout = Payout.objects.get()
    assert (payout.state, payout.is_funded) == (PayoutState.HELD, False)
    assert settlements.fund_waiting() == 0
    review.approve_held(payout=payout, actor=ana)
    assert balance(AccountCode.WALLET, wallet=response.wallet) == 1550
    assert verify_ledger() == []


def test_another_companys_appeal_reads_as_absent(survey: Any, globex: Company) -> None:
    appeal = appeals.file_appeal(response=answer(survey, 0, score=3))
    with pytest.raises(NotFoundError):
        money.appeal_of_company(globex, appeal.public_id)
    assert money.appeal_of_company(survey.company, appeal.public_id) == appeal
