"""A visitor's copy, erasing, retention, the result and the appeal: what a receipt opens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from rest_framework.test import APIClient

from accounts.models import Company
from agents.interview.types import FlagKind
from core import clock
from core.jobs import testing as jobs
from core.models import AuditEvent
from surveys.models import (
    AccountCode,
    AnswerGram,
    Appeal,
    EvaluationRecord,
    LedgerAccount,
    LedgerEntry,
    Payout,
    PayoutState,
    ReservationState,
    ResponseState,
    SurveyResponse,
)
from surveys.services.erasure import purge_expired
from surveys.tests.agent_doubles import FixedEvaluator, use_flags
from surveys.tests.builders import ANSWERS, OTHER_ANSWERS, Visitor, make_survey

pytestmark = pytest.mark.django_db
CANARY = "pelican-9931"
SAID = (
    f"On Monday I wrote down {CANARY} for my manager, because she needed it by ten.",
    ANSWERS[1],
)


def everything_stored() -> str:
    """Return every value of every row of the product."""
    return "\n".join(
        str(row)
        for model in apps.get_models()
        if model.__module__.split(".")[0] in ("core", "accounts", "sessions", "surveys")
        for row in model._default_manager.values()
    )


def erase(visitor: Visitor) -> Any:
    return visitor.call("delete", "data", visitor.started["receipt_token"])


# --- result ----------------------------------------------------------------------------------


def test_the_result_can_be_read_again_with_receipt_or_token(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    receipt = visitor.started["receipt_token"]
    open_result = visitor.call("get", "result", receipt).json()
    assert (open_result["status"], open_result["score"]) == ("open", None)
    visitor.talk()
    done = visitor.done()
    assert visitor.call("get", "result", receipt).json() == done
    assert visitor.call("get", "result", visitor.started["session_token"]).json() == done


def test_a_receipt_opens_its_own_session_for_ninety_days(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    survey = make_survey(acme)
    mine, other = Visitor(survey), Visitor(survey)
    mine.answer_all()
    other.start()
    for method, action in (
        ("get", "result"),
        ("get", "data"),
        ("delete", "data"),
        ("post", "appeal"),
    ):
        assert mine.call(method, action, other.started["receipt_token"]).status_code == 401
        assert mine.call(method, action, "rt_made_up").status_code == 401
    expires = mine.response.receipt_expires_at
    assert timedelta(days=89) < expires - clock.now() <= timedelta(days=90)
    SurveyResponse.objects.update(receipt_expires_at=clock.now())
    assert mine.call("get", "result", mine.started["receipt_token"]).status_code == 401
    assert mine.response.state == ResponseState.COMPLETED


# --- copy ------------------------------------------------------------------------------------


def test_the_copy_holds_everything_of_the_person_and_nothing_of_others(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    survey = make_survey(acme)
    Visitor(survey).answer_all(OTHER_ANSWERS)
    visitor = Visitor(survey)
    visitor.answer_all(SAID, consent=True, attributes={"plan": "pro"})
    copy = visitor.call("get", "data", visitor.started["receipt_token"]).json()
    said = [entry["text"] for entry in copy["transcript"] if entry["role"] == "user"]
    assert said == list(SAID)
    assert copy["attributes"] == {"plan": "pro"}
    assert copy["payment"]["amount"] == 15.5
    assert copy["result"]["score"] == 85
    assert copy["evaluations"][0]["marks"][0]["marks"][0]["evidence"][0]["quote"] == SAID[0][:12]
    assert OTHER_ANSWERS[0] not in str(copy)


# --- erasing ---------------------------------------------------------------------------------


def test_erasing_leaves_no_word_and_keeps_the_books(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    survey = make_survey(acme)
    visitor = Visitor(survey)
    visitor.start(consent=True, attributes={"note": CANARY})
    visitor.talk(SAID)
    visitor.call("post", "complete", visitor.started["session_token"], {}, HTTP_IDEMPOTENCY_KEY="k")
    jobs.drain()
    assert CANARY in everything_stored()
    entries = list(LedgerEntry.objects.values_list("amount_minor", flat=True))
    answer = erase(visitor)
    assert (answer.status_code, answer.json()["erased"]) == (200, True)
    jobs.drain()
    left = everything_stored()
    assert CANARY not in left
    assert ANSWERS[1] not in left
    assert "Clear and concrete." not in left
    row = visitor.response
    assert (row.state, row.device_hash, row.ip_hash) == (ResponseState.ERASED, "", "")
    assert EvaluationRecord.objects.count() == 0
    assert list(LedgerEntry.objects.values_list("amount_minor", flat=True)) == entries
    assert Payout.objects.get().state == PayoutState.PAID
    assert LedgerAccount.objects.get(code=AccountCode.WALLET).balance_minor == 1550
    assert AuditEvent.objects.filter(action="response.erased").count() == 1
    assert erase(visitor).status_code == 200
    assert AuditEvent.objects.filter(action="response.erased").count() == 1


def test_after_erasing_the_token_is_dead_and_the_receipt_shows_the_pay(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.answer_all(SAID)
    erase(visitor)
    assert visitor.done(expect=401)["code"] == "session_token_invalid"
    result = visitor.call("get", "result", visitor.started["receipt_token"]).json()
    assert (result["status"], result["score"]) == ("erased", None)
    assert (result["payment_status"], result["payment_amount"]) == ("success", 15.5)


def test_an_erased_answer_can_be_neither_sold_nor_given_again(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    survey = make_survey(acme)
    visitor = Visitor(survey)
    visitor.answer_all()
    erase(visitor)
    assert AnswerGram.objects.exists()
    assert not AnswerGram.objects.filter(response__isnull=False).exists()
    again = Visitor(survey)
    device = visitor.started["device_key"]
    assert again.start(expect=409, device_key=device)["code"] == "already_answered"
    copied = Visitor(survey)
    assert copied.answer_all()["flags"] == ["duplicate_across_sessions"]


def test_erasing_a_running_conversation_ends_it_unpaid(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk(SAID)
    assert erase(visitor).status_code == 200
    jobs.drain(sweeps=True)
    row = visitor.response
    assert row.state == ResponseState.ERASED
    assert row.reservation_state == ReservationState.RELEASED
    assert evaluator.calls == 0
    assert Payout.objects.count() == 0
    assert CANARY not in everything_stored()


def test_erasing_a_held_answer_calls_its_pay_off(
    acme: Company, evaluator: FixedEvaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_flags(monkeypatch, FlagKind.SPEEDING)
    survey = make_survey(acme)
    visitor = Visitor(survey)
    visitor.answer_all()
    erase(visitor)
    assert Payout.objects.get().state == PayoutState.CANCELLED
    assert LedgerAccount.objects.get(code=AccountCode.BUDGET, survey=survey).balance_minor == 20_000


def test_an_answer_that_is_being_scored_is_scored_first(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    from sessions.models import EndReason
    from sessions.services.endings import end_session

    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk()
    end_session(voice_session=visitor.session, reason=EndReason.DONE)
    SurveyResponse.objects.update(leased_until=clock.now() + timedelta(seconds=20))
    busy = erase(visitor)
    assert (busy.status_code, busy.json()["code"]) == (409, "evaluation_running")
    SurveyResponse.objects.update(leased_until=None)
    assert erase(visitor).status_code == 200
    assert Payout.objects.get().state == PayoutState.PAID


# --- retention -------------------------------------------------------------------------------


def test_answers_are_erased_when_their_time_is_over(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    kept = Visitor(make_survey(acme))
    short = Visitor(make_survey(acme, retention_days=30))
    for visitor in (kept, short):
        visitor.answer_all()
    SurveyResponse.objects.update(created_at=clock.now() - timedelta(days=31))
    assert purge_expired() == 1
    assert purge_expired() == 0
    assert short.response.state == ResponseState.ERASED
    assert kept.response.state == ResponseState.COMPLETED
    Company.objects.update(retention_days=31)
    SurveyResponse.objects.update(created_at=clock.now() - timedelta(days=32))
    call_command("purge_expired")
    assert kept.response.state == ResponseState.ERASED
    assert Payout.objects.count() == 2


# --- appeal ----------------------------------------------------------------------------------


def test_one_appeal(acme: Company, evaluator: FixedEvaluator, monkeypatch: Any) -> None:
    use_flags(monkeypatch, FlagKind.SPEEDING)
    visitor = Visitor(make_survey(acme))
    visitor.answer_all()
    receipt = visitor.started["receipt_token"]
    filed = visitor.call("post", "appeal", receipt, {"text": "I type fast."})
    assert filed.status_code == 201
    assert filed.json()["appeal"]["resolution"] is None
    assert Appeal.objects.get().text == "I type fast."
    again = visitor.call("post", "appeal", receipt, {"text": "Please!"})
    assert again.status_code == 409
    assert Appeal.objects.count() == 1
    for body in ({"text": 5}, {"text": "x" * 2001}, ["x"]):
        assert visitor.call("post", "appeal", receipt, body).status_code == 400


def test_a_company_key_does_not_open_what_a_receipt_opens(
    acme: Company, evaluator: FixedEvaluator, api_of: Callable[..., APIClient]
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.answer_all()
    for method, action in (
        ("get", "result"),
        ("get", "data"),
        ("delete", "data"),
        ("post", "appeal"),
    ):
        answer = getattr(api_of(acme), method)(f"/session/{visitor.session_id}/{action}")
        assert answer.status_code == 401, action
    assert visitor.response.state == ResponseState.COMPLETED
