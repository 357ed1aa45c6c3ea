from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from agents.interview.types import FlagKind
from core import clock
from core.jobs.testing import drain
from surveys.models import (
    AccountCode,
    LedgerTransaction,
    Payout,
    PayoutState,
    ReservationState,
    ResponseState,
    SurveyResponse,
    SurveyStatus,
)
from surveys.selectors.ledger_check import verify_ledger
from surveys.services import funding, payouts, reservations, settlements
from surveys.services.payouts import payment_view
from surveys.services.reservations import BudgetExhaustedError, ResponsesFullError
from surveys.tests.money_world import (
    balance,
    books,
    complete,
    make_evaluation,
    make_paid_company,
    make_response,
    make_survey,
    run_in_threads,
)

pytestmark = pytest.mark.django_db


# --- reservations ----------------------------------------------------------------------------


def test_start_reserves_the_highest_pay() -> None:
    survey = make_survey(make_paid_company())
    response = make_response(survey)
    assert books(survey) == {
        "funding": 52_000,
        "budget": 46_000,
        "reserved": 2000,
        "payable": 0,
        "paid": 0,
    }
    assert response.reservation_state == ReservationState.HELD
    assert response.reserved_minor == 2000
    reservations.reserve(response=response)
    assert books(survey)["reserved"] == 2000


def test_a_budget_that_is_used_up_refuses_the_next_start() -> None:
    survey = make_survey(make_paid_company(), budget=4000)
    make_response(survey)
    make_response(survey)
    with pytest.raises(BudgetExhaustedError) as refused, transaction.atomic():
        make_response(survey)
    assert (refused.value.status, refused.value.code) == (409, "budget_exhausted")
    assert books(survey)["reserved"] == 4000
    assert SurveyResponse.objects.count() == 2


def test_reservations_stay_within_posted_funding() -> None:
    survey = make_survey(make_paid_company(funds_minor=3000), budget=48_000)
    make_response(survey)
    with pytest.raises(BudgetExhaustedError), transaction.atomic():
        make_response(survey)
    funding.fund_company(company=survey.company, amount_minor=1000, currency="USD")
    make_response(survey)
    assert books(survey)["reserved"] == 4000


def test_max_responses_counts_reserved_and_used_but_not_unpaid_answers() -> None:
    survey = make_survey(make_paid_company(), max_responses=2)
    first = make_response(survey)
    second = make_response(survey)
    with pytest.raises(ResponsesFullError) as refused, transaction.atomic():
        make_response(survey)
    assert (refused.value.status, refused.value.code) == (409, "responses_full")
    assert complete(first, 0, score=10) is None
    third = make_response(survey)
    complete(second, 1000)
    complete(third, 1000)
    with pytest.raises(ResponsesFullError), transaction.atomic():
        make_response(survey)


def test_an_unpaid_survey_counts_its_answers() -> None:
    survey = make_survey(
        make_paid_company(), payment_min=0, payment_max=0, budget=0, max_responses=1
    )
    first = make_response(survey)
    assert complete(first, 0) is None
    assert first.reservation_state == ReservationState.USED
    with pytest.raises(ResponsesFullError), transaction.atomic():
        make_response(survey)
    assert payment_view(first).message == (
        "Thank you for your answer! This survey is not a paid one."
    )


def test_release_gives_back_once() -> None:
    survey = make_survey(make_paid_company())
    response = make_response(survey)
    for _ in range(2):
        reservations.release(response=response)
        assert books(survey)["budget"] == 48_000
    assert response.reservation_state == ReservationState.RELEASED
    assert verify_ledger() == []


def test_a_reservation_lapses_and_is_taken_again_on_return() -> None:
    survey = make_survey(make_paid_company())
    response = make_response(survey)
    assert reservations.lapse_due() == 0
    SurveyResponse.objects.update(reservation_expires_at=clock.now() - timedelta(seconds=1))
    assert reservations.lapse_due() == 1
    assert reservations.lapse_due() == 0
    assert books(survey)["reserved"] == 0
    reservations.renew(response=response)
    assert response.reservation_state == ReservationState.HELD
    assert books(survey)["reserved"] == 2000
    assert response.reservation_expires_at is not None
    assert response.reservation_expires_at > clock.now() + timedelta(minutes=24)
    assert verify_ledger() == []


def test_coming_back_to_a_spent_budget_is_refused_before_speaking() -> None:
    survey = make_survey(make_paid_company(), budget=2000)
    response = make_response(survey)
    SurveyResponse.objects.update(reservation_expires_at=clock.now() - timedelta(seconds=1))
    reservations.lapse_due()
    make_response(survey)
    with pytest.raises(BudgetExhaustedError):
        reservations.renew(response=response)
    response.refresh_from_db()
    assert response.reservation_state == ReservationState.LAPSED


def test_a_response_that_is_being_evaluated_does_not_lapse() -> None:
    survey = make_survey(make_paid_company())
    make_response(survey)
    SurveyResponse.objects.update(
        state=ResponseState.EVALUATING, reservation_expires_at=clock.now() - timedelta(days=1)
    )
    assert reservations.lapse_due() == 0
    assert books(survey)["reserved"] == 2000


# --- creation --------------------------------------------------------------------------------


def test_a_clean_answer_is_paid_into_the_wallet_at_once() -> None:
    survey = make_survey(make_paid_company())
    response = make_response(survey)
    payout = complete(response, 1550)
    assert payout is not None
    assert payout.state == PayoutState.PAID
    made_at = payout.transaction_id.removeprefix(f"txn_{response.voice_session.public_id}_")
    assert abs(int(made_at) - payout.created_at.timestamp()) <= 2
    assert books(survey) == {
        "funding": 52_000,
        "budget": 46_450,
        "reserved": 0,
        "payable": 0,
        "paid": 0,
    }
    assert balance(AccountCode.WALLET, wallet=response.wallet) == 1550
    assert verify_ledger() == []
    view = payment_view(response)
    assert (view.payment_status, view.message) == ("success", "Thank you! You've earned $15.50")
    assert (view.amount_minor, str(view.amount)) == (1550, "15.50")
    assert view.transaction_id == payout.transaction_id


def test_a_second_settlement_changes_nothing() -> None:
    survey = make_survey(make_paid_company())
    response = make_response(survey)
    first = complete(response, 1550)
    again = complete(response, 900)
    assert first is not None
    assert again == first
    assert again.amount_minor == 1550
    assert balance(AccountCode.WALLET, wallet=response.wallet) == 1550


def test_no_pay_gives_everything_back_and_says_why() -> None:
    survey = make_survey(make_paid_company())
    response = make_response(survey)
    assert complete(response, 0, score=18) is None
    assert books(survey)["budget"] == 48_000
    assert Payout.objects.count() == 0
    view = payment_view(response)
    assert (view.payment_status, view.transaction_id, view.amount_minor) == ("none", None, 0)
    assert "it scored 18 of 100, and pay starts at 25" in view.message
    assert "appeal" in view.message


@pytest.mark.parametrize("amount", [-1, 2001])
def test_an_amount_outside_of_the_version_is_a_mistake(amount: int) -> None:
    response = make_response(make_survey(make_paid_company()))
    with pytest.raises(ValueError, match="highest pay"):
        complete(response, amount)
    assert Payout.objects.count() == 0


def test_quality_flags_hold_and_let_go_after_21_days() -> None:
    survey = make_survey(make_paid_company())
    response = make_response(survey)
    payout = complete(response, 1000, flags=(FlagKind.LOW_EFFORT, FlagKind.SPEEDING))
    assert payout is not None
    assert payout.state == PayoutState.HELD
    assert payout.hold_reasons == ["low_effort", "speeding"]
    assert payout.auto_approve_at is not None
    days = (payout.auto_approve_at - clock.now()).total_seconds() / 86_400
    assert 20.9 < days <= 21
    assert books(survey)["payable"] == 1000
    assert payment_view(response).payment_status == "held"
    assert payment_view(response).message == (
        "Thank you! Your answer is being checked; you will see the result here"
    )
    assert settlements.approve_due() == 0
    Payout.objects.update(auto_approve_at=clock.now() - timedelta(seconds=1))
    assert settlements.approve_due() == 1
    payout.refresh_from_db()
    assert (payout.state, payout.was_automatic) == (PayoutState.PAID, True)
    assert verify_ledger() == []


@pytest.mark.parametrize(
    "flag",
    [
        FlagKind.PROMPT_INJECTION,
        FlagKind.DUPLICATE_ACROSS_SESSIONS,
        FlagKind.DUPLICATE_ANSWER,
        FlagKind.HIDDEN_TEXT,
        FlagKind.FORGED_ROLE,
    ],
)
def test_attack_and_duplicate_flags_wait_for_a_person(flag: FlagKind) -> None:
    response = make_response(make_survey(make_paid_company()))
    payout = complete(response, 1000, flags=(flag, FlagKind.LOW_EFFORT))
    assert payout is not None
    assert payout.state == PayoutState.HELD
    assert payout.auto_approve_at is None


def test_the_visitors_own_transcript_is_held() -> None:
    response = make_response(make_survey(make_paid_company()))
    payout = complete(response, 1000, transcript_source="visitor_claim")
    assert payout is not None
    assert (payout.state, payout.hold_reasons, payout.auto_approve_at) == (
        PayoutState.HELD,
        ["transcript_source"],
        None,
    )
    trusted = make_response(response.survey)
    paid = complete(trusted, 1000, transcript_source="company_claim")
    assert paid is not None
    assert paid.state == PayoutState.PAID


def test_the_daily_cap_holds_what_goes_beyond(settings: Any) -> None:
    settings.DAILY_PAY_CAP_MINOR = 2500
    company = make_paid_company()
    survey, other = make_survey(company, budget=8000), make_survey(company, budget=8000)
    states = [
        complete(make_response(one), amount)
        for one, amount in ((survey, 1500), (other, 1500), (survey, 1000))
    ]
    assert [payout.state for payout in states if payout] == [
        PayoutState.PAID,
        PayoutState.HELD,
        PayoutState.PAID,
    ]
    assert states[1] is not None
    assert states[1].hold_reasons == ["daily_cap"]
    foreign = complete(make_response(make_survey(make_paid_company())), 2000)
    assert foreign is not None
    assert foreign.state == PayoutState.PAID
    Payout.objects.update(approved_at=clock.now() - timedelta(days=1))
    tomorrow = complete(make_response(survey), 2000)
    assert tomorrow is not None
    assert tomorrow.state == PayoutState.PAID


def test_a_lapsed_reservation_and_a_spent_budget_hold_the_pay_uncovered() -> None:
    survey = make_survey(make_paid_company(), budget=2000)
    late = make_response(survey)
    SurveyResponse.objects.update(reservation_expires_at=clock.now() - timedelta(seconds=1))
    reservations.lapse_due()
    quick = make_response(survey)
    payout = complete(late, 1550)
    assert payout is not None
    assert (payout.state, payout.hold_reasons, payout.is_funded) == (
        PayoutState.HELD,
        ["budget_exhausted"],
        False,
    )
    assert verify_ledger() == []
    assert settlements.fund_waiting() == 0
    complete(quick, 0, score=3)
    assert settlements.fund_waiting() == 1
    payout.refresh_from_db()
    assert (payout.state, payout.is_funded) == (PayoutState.PAID, True)
    assert balance(AccountCode.WALLET, wallet=late.wallet) == 1550
    assert verify_ledger() == []


def test_a_lapsed_reservation_with_budget_left_is_paid() -> None:
    survey = make_survey(make_paid_company())
    late = make_response(survey)
    SurveyResponse.objects.update(reservation_expires_at=clock.now() - timedelta(seconds=1))
    reservations.lapse_due()
    payout = complete(late, 1550)
    assert payout is not None
    assert payout.state == PayoutState.PAID
    assert verify_ledger() == []


def test_a_closed_surveys_rest_goes_to_funding() -> None:
    survey = make_survey(make_paid_company())
    running, held = make_response(survey), make_response(survey)
    payout = complete(held, 1000, flags=(FlagKind.LOW_EFFORT,))
    survey.status = SurveyStatus.CLOSED
    survey.save(update_fields=["status"])
    funding.release_budget(survey=survey)
    assert complete(running, 1550) is not None
    assert payout is not None
    payouts.cancel_payout(payout=payout, actor=None, reason="The visitor asked for erasure.")
    assert books(survey) == {
        "funding": 100_000 - 1550,
        "budget": 0,
        "reserved": 0,
        "payable": 0,
        "paid": 0,
    }
    assert verify_ledger() == []


def test_a_demo_company_pays_play_money_even_with_a_provider(settings: Any) -> None:
    settings.PAYOUT_PROVIDER = "stripe"
    settings.STRIPE_SECRET_KEY = "sk_test_x"
    demo = complete(make_response(make_survey(make_paid_company(is_demo=True))), 1000)
    real = complete(make_response(make_survey(make_paid_company())), 1000)
    assert demo is not None
    assert real is not None
    assert (demo.provider, demo.state) == ("local", PayoutState.PAID)
    assert (real.provider, real.state) == ("stripe", PayoutState.APPROVED)
    posted = LedgerTransaction.objects.get(idempotency_key=f"payout:{demo.public_id}:paid")
    assert posted.entries.get(amount_minor__gt=0).account.is_play_money is True
    assert payment_view(real.response).payment_status == "pending"
    assert payment_view(real.response).message == "Thank you! $10.00 is on its way"


def test_being_paid_counts_in_the_funnel_once() -> None:
    from surveys.models import FunnelCounter

    survey = make_survey(make_paid_company())
    complete(make_response(survey), 1000)
    held = complete(make_response(survey), 1000, flags=(FlagKind.LOW_EFFORT,))
    assert FunnelCounter.objects.get(survey=survey, step="paid").count == 1
    assert held is not None
    payouts.approve_payout(payout=held, actor=None)
    assert FunnelCounter.objects.get(survey=survey, step="paid").count == 2


# --- concurrency -----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_forty_parallel_settlements_make_one_payout() -> None:
    survey = make_survey(make_paid_company())
    response = make_response(survey)
    SurveyResponse.objects.update(state=ResponseState.COMPLETED, score=85)

    def settle(_: int) -> int:
        with transaction.atomic():
            payout = payouts.create_payout(
                response=SurveyResponse.objects.get(pk=response.pk),
                evaluation=make_evaluation(),
                flags=[],
                amount_minor=1550,
            )
        assert payout is not None
        return payout.pk

    results = run_in_threads(40, settle)
    assert len(set(results)) == 1
    assert isinstance(results[0], int)
    assert Payout.objects.count() == 1
    assert balance(AccountCode.WALLET, wallet=response.wallet) == 1550
    assert verify_ledger() == []


def start_forty(budget: int, **fields: Any) -> tuple[Any, list[str]]:
    """Start 40 sessions at once; return the survey and each outcome."""
    survey = make_survey(make_paid_company(), budget=budget, **fields)
    waiting = [make_response(survey, reserve=False) for _ in range(40)]

    def start(number: int) -> str:
        try:
            reservations.reserve(response=waiting[number])
        except (BudgetExhaustedError, ResponsesFullError) as error:
            return error.code
        return "reserved"

    return survey, sorted(map(str, run_in_threads(40, start)))


@pytest.mark.django_db(transaction=True)
def test_forty_starts_with_budget_for_24_reserve_exactly_24() -> None:
    survey, outcomes = start_forty(48_000)
    assert outcomes == ["budget_exhausted"] * 16 + ["reserved"] * 24
    assert books(survey) == {
        "funding": 52_000,
        "budget": 0,
        "reserved": 48_000,
        "payable": 0,
        "paid": 0,
    }
    assert SurveyResponse.objects.filter(reservation_state=ReservationState.HELD).count() == 24
    assert verify_ledger() == []


@pytest.mark.django_db(transaction=True)
def test_forty_starts_with_24_places_reserve_exactly_24() -> None:
    survey, outcomes = start_forty(100_000, max_responses=24)
    assert outcomes == ["reserved"] * 24 + ["responses_full"] * 16
    assert books(survey)["reserved"] == 48_000
    assert verify_ledger() == []


@pytest.mark.django_db(transaction=True)
def test_settling_releasing_and_funding_at_once_keep_the_books() -> None:
    company = make_paid_company(funds_minor=60_000)
    survey = make_survey(company, budget=60_000)
    running = [make_response(survey) for _ in range(18)]

    def work(number: int) -> str:
        response = SurveyResponse.objects.get(pk=running[number].pk)
        if number % 3 == 0:
            complete(response, 1550)
        elif number % 3 == 1:
            reservations.release(response=response)
        else:
            funding.fund_company(company=company, amount_minor=1000, currency="USD")
        return "done"

    assert run_in_threads(18, work) == ["done"] * 18
    assert verify_ledger() == []
    assert books(survey)["reserved"] == 6 * 2000
    assert Payout.objects.filter(state=PayoutState.PAID).count() == 6


@pytest.mark.django_db(transaction=True)
def test_parallel_settlements_stay_under_the_daily_cap(settings: Any) -> None:
    settings.DAILY_PAY_CAP_MINOR = 5000
    survey = make_survey(make_paid_company())
    running = [make_response(survey) for _ in range(10)]

    def work(number: int) -> str:
        with transaction.atomic():
            payout = complete(SurveyResponse.objects.get(pk=running[number].pk), 1000)
        assert payout is not None
        return payout.state

    outcomes = sorted(map(str, run_in_threads(10, work)))
    assert outcomes == ["held"] * 5 + ["paid"] * 5
    drain()
    assert verify_ledger() == []
