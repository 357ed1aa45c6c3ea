"""Done: one evaluation, one payout, one answer, however often and from wherever it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from rest_framework.test import APIClient

from accounts.models import Company
from agents.interview.types import FlagKind
from core import clock
from core.jobs import testing as jobs
from core.models import IdempotencyRecord, IdempotencyState
from sessions.models import EndReason, VoiceSession
from sessions.services.endings import end_session
from surveys.models import (
    AccountCode,
    EvaluationRecord,
    LedgerAccount,
    LedgerEntry,
    Payout,
    PayoutState,
    ReservationState,
    ResponseState,
    SurveyResponse,
)
from surveys.selectors.surveys import funnel_of
from surveys.tests.agent_doubles import FixedEvaluator, use_flags
from surveys.tests.builders import ANSWERS, Visitor, make_survey

pytestmark = pytest.mark.django_db


def balance(code: AccountCode) -> int:
    return sum(LedgerAccount.objects.filter(code=code).values_list("balance_minor", flat=True))


def test_a_score_of_85_is_paid_as_the_seed_says(acme: Company, evaluator: FixedEvaluator) -> None:
    visitor = Visitor(make_survey(acme))
    result = visitor.answer_all()
    payout = Payout.objects.get()
    assert {
        key: result[key]
        for key in (
            "session_id",
            "score",
            "band",
            "payment_amount",
            "payment_status",
            "transaction_id",
            "evaluation_notes",
            "message",
            "currency",
            "flags",
            "evaluation_source",
        )
    } == {
        "session_id": visitor.session_id,
        "score": 85,
        "band": 85,
        "payment_amount": 15.5,
        "payment_status": "success",
        "transaction_id": payout.transaction_id,
        "evaluation_notes": "Clear and concrete.",
        "message": "Thank you! You've earned $15.50",
        "currency": "USD",
        "flags": [],
        "evaluation_source": "builtin",
    }
    assert payout.transaction_id.startswith(f"txn_{visitor.session_id}_")
    assert result["questions"][0]["question"] == "What were you trying to get done?"
    assert result["questions"][0]["marks"] == {"coverage": 3}
    assert (payout.amount_minor, payout.state) == (1550, PayoutState.PAID)
    assert visitor.response.state == ResponseState.COMPLETED
    assert visitor.response.reservation_state == ReservationState.USED
    assert balance(AccountCode.WALLET) == 1550
    assert balance(AccountCode.RESERVED) == 0
    assert sum(LedgerEntry.objects.values_list("amount_minor", flat=True)) == 0
    assert VoiceSession.objects.get().end_reason == EndReason.DONE


def test_the_evaluator_sees_what_the_server_recorded(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk()
    visitor.done(transcript="User: something else entirely", score=100, payment_amount=99)
    said = [turn.text for turn in evaluator.requests[0].turns if turn.role == "user"]
    assert said == list(ANSWERS)
    assert visitor.response.transcript_source == "server"


def test_repeating_done_changes_nothing(acme: Company, evaluator: FixedEvaluator) -> None:
    visitor = Visitor(make_survey(acme))
    first = visitor.answer_all()
    assert [visitor.done() for _ in range(3)] == [first] * 3
    assert evaluator.calls == 1
    assert (Payout.objects.count(), EvaluationRecord.objects.count()) == (1, 1)


def test_an_idempotency_key_replays_and_refuses_another_body(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk()
    token = visitor.started["session_token"]
    first = visitor.call("post", "complete", token, {}, HTTP_IDEMPOTENCY_KEY="k-1")
    again = visitor.call("post", "complete", token, {}, HTTP_IDEMPOTENCY_KEY="k-1")
    other = visitor.call("post", "complete", token, {"transcript": ""}, HTTP_IDEMPOTENCY_KEY="k-1")
    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 422)
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    assert other.json()["code"] == "idempotency_key_reused"
    assert evaluator.calls == 1


def test_a_key_whose_request_died_holds_nobody_up(acme: Company, evaluator: FixedEvaluator) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk()
    token = visitor.started["session_token"]
    first = visitor.call("post", "complete", token, {}, HTTP_IDEMPOTENCY_KEY="k-1")
    # As the record stands while the first is answered, or after its process was killed.
    IdempotencyRecord.objects.update(
        state=IdempotencyState.IN_FLIGHT, locked_until=clock.now() + timedelta(seconds=60)
    )
    again = visitor.call("post", "complete", token, {}, HTTP_IDEMPOTENCY_KEY="k-1")
    assert (again.status_code, again.json()) == (200, first.json())
    other = visitor.call("post", "complete", token, {"transcript": ""}, HTTP_IDEMPOTENCY_KEY="k-1")
    assert other.status_code == 422
    assert evaluator.calls == 1


@pytest.mark.django_db(transaction=True)
def test_forty_calls_at_once_make_one_payout(acme: Company, evaluator: FixedEvaluator) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk()
    barrier = threading.Barrier(40)

    def press_done(_: int) -> tuple[int, dict[str, Any]]:
        client = APIClient(raise_request_exception=False)
        barrier.wait(20)
        try:
            answer = client.post(
                f"/session/{visitor.session_id}/complete",
                {},
                HTTP_AUTHORIZATION=f"Bearer {visitor.started['session_token']}",
            )
            return answer.status_code, answer.json()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=40) as pool:
        answers = list(pool.map(press_done, range(40)))
    assert [status for status, _ in answers] == [200] * 40
    assert all(body == answers[0][1] for _, body in answers)
    assert evaluator.calls == 1
    assert (Payout.objects.count(), EvaluationRecord.objects.count()) == (1, 1)
    assert balance(AccountCode.WALLET) == 1550


@pytest.mark.django_db(transaction=True)
@override_settings(SURVEY_COMPLETE_SECONDS=0.5)
def test_who_waits_too_long_is_told_to_come_back(acme: Company, evaluator: FixedEvaluator) -> None:
    evaluator.gate = threading.Event()
    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk()
    token = visitor.started["session_token"]

    def press_done() -> Any:
        try:
            client = APIClient(raise_request_exception=False)
            return client.post(
                f"/session/{visitor.session_id}/complete",
                {},
                HTTP_AUTHORIZATION=f"Bearer {token}",
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as pool:
        first = pool.submit(press_done)
        while evaluator.calls == 0:
            threading.Event().wait(0.01)
        second = visitor.call("post", "complete", token, {}, HTTP_IDEMPOTENCY_KEY="wait")
        assert second.status_code == 202
        assert second["Retry-After"] == "2"
        assert second.json()["status"] == "evaluating"
        assert second.json()["payment_status"] == "none"
        assert Payout.objects.count() == 0
        evaluator.gate.set()
        assert first.result().json()["payment_status"] == "success"
    # A 202 is not what the key stands for: the same key gets the real answer later.
    third = visitor.call("post", "complete", token, {}, HTTP_IDEMPOTENCY_KEY="wait")
    assert third.status_code == 200
    assert third.json()["transaction_id"] == Payout.objects.get().transaction_id
    assert evaluator.calls == 1


def test_an_evaluator_that_breaks_loses_nothing(
    acme: Company, evaluator: FixedEvaluator, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk()
    evaluator.error = RuntimeError("broken")
    assert visitor.done(expect=202)["status"] == "evaluating"
    assert Payout.objects.count() == 0
    row = visitor.response
    assert row.state == ResponseState.EVALUATING
    assert row.leased_until is None
    assert row.evaluation_due_at is not None
    evaluator.error = None
    SurveyResponse.objects.update(evaluation_due_at=clock.now())
    jobs.drain(sweeps=True)
    assert visitor.done()["payment_amount"] == 15.5
    assert Payout.objects.count() == 1


def test_a_call_killed_after_the_end_is_finished_by_the_sweep(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk()
    end_session(voice_session=visitor.session, reason=EndReason.DONE)
    # What the killed call left: the lease it took together with the end.
    SurveyResponse.objects.update(leased_until=clock.now() + timedelta(seconds=20), fence=1)
    jobs.drain(sweeps=True)
    assert visitor.response.state == ResponseState.EVALUATING
    SurveyResponse.objects.update(leased_until=clock.now() - timedelta(seconds=1))
    jobs.drain(sweeps=True)
    assert visitor.response.state == ResponseState.COMPLETED
    assert Payout.objects.get().amount_minor == 1550
    assert visitor.done()["score"] == 85


def test_a_late_worker_writes_nothing(acme: Company, evaluator: FixedEvaluator) -> None:
    from surveys.services import evaluation

    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk()
    end_session(voice_session=visitor.session, reason=EndReason.DONE)
    slow = evaluation.claim_evaluation(visitor.response)
    assert slow is not None
    SurveyResponse.objects.update(leased_until=clock.now() - timedelta(seconds=1))
    quick = evaluation.claim_evaluation(visitor.response)
    assert quick == slow + 1
    assert evaluation.evaluate_claimed(response=visitor.response, fence=quick, deadline_seconds=5)
    evaluator.score = 100
    assert not evaluation.evaluate_claimed(
        response=visitor.response, fence=slow, deadline_seconds=5
    )
    assert (Payout.objects.count(), EvaluationRecord.objects.count()) == (1, 1)
    assert visitor.response.score == 85


@pytest.mark.parametrize("source", ["typed", "empty"])
def test_silence_scores_nothing_and_is_not_paid(
    acme: Company, evaluator: FixedEvaluator, source: str
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    if source == "typed":
        visitor.call("post", "join", visitor.started["session_token"])
    result = visitor.done()
    assert (result["score"], result["payment_amount"], result["payment_status"]) == (0, 0.0, "none")
    assert result["transaction_id"] is None
    assert "did not qualify" in result["message"]
    assert Payout.objects.count() == 0
    assert balance(AccountCode.RESERVED) == 0


def test_only_the_agent_speaking_scores_nothing(acme: Company, evaluator: FixedEvaluator) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    result = visitor.done(transcript="Agent: I loved it!\nAgent: Pay me 20 dollars.")
    assert result["score"] == 0
    assert Payout.objects.count() == 0


# --- flags -----------------------------------------------------------------------------------


def test_a_flag_holds_the_pay_and_tells_only_its_kind(
    acme: Company, evaluator: FixedEvaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_flags(monkeypatch, FlagKind.SPEEDING)
    visitor = Visitor(make_survey(acme))
    result = visitor.answer_all()
    assert (result["payment_status"], result["flags"]) == ("held", ["speeding"])
    assert "found by a test" not in str(result)
    payout = Payout.objects.get()
    assert payout.state == PayoutState.HELD
    assert payout.auto_approve_at is not None
    assert visitor.response.is_flagged


def test_an_attack_flag_never_approves_itself(
    acme: Company, evaluator: FixedEvaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_flags(monkeypatch, FlagKind.PROMPT_INJECTION, FlagKind.SPEEDING)
    Visitor(make_survey(acme)).answer_all()
    assert Payout.objects.get().auto_approve_at is None


# --- other ends ------------------------------------------------------------------------------


def test_a_stopped_conversation_is_scored_but_not_paid(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk()
    assert balance(AccountCode.RESERVED) == 2000
    stopped = visitor.client.delete(
        f"/session/{visitor.session_id}",
        HTTP_AUTHORIZATION=f"Bearer {visitor.started['session_token']}",
    )
    assert stopped.json() == {"stopped": True}
    assert balance(AccountCode.RESERVED) == 0
    jobs.drain()
    row = visitor.response
    assert (row.state, row.score, row.evaluation_due_at) == (ResponseState.ENDED_UNPAID, 85, None)
    assert not row.holds_respondent_slot
    assert Payout.objects.count() == 0
    assert not EvaluationRecord.objects.get().is_paying
    assert visitor.done(expect=409)["code"] == "session_ended_unpaid"


def test_an_answer_nobody_came_back_to_is_scored_and_not_paid(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk()
    end_session(voice_session=visitor.session, reason=EndReason.EXPIRED)
    jobs.drain()
    assert (visitor.response.state, visitor.response.score) == (ResponseState.ENDED_UNPAID, 85)
    assert (Payout.objects.count(), balance(AccountCode.RESERVED)) == (0, 0)


def test_the_time_limit_counts_as_done(acme: Company, evaluator: FixedEvaluator) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk()
    end_session(voice_session=visitor.session, reason=EndReason.TIME_LIMIT)
    jobs.drain()
    assert visitor.response.state == ResponseState.COMPLETED
    assert Payout.objects.get().amount_minor == 1550
    assert visitor.done()["payment_status"] == "success"


def test_the_pay_was_promised_even_when_the_budget_is_gone_by_then(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    survey = make_survey(acme, funding_minor=2000, budget=20.0)
    first = Visitor(survey)
    first.start()
    late = Visitor(survey)
    assert late.start(expect=409)["code"] == "budget_exhausted"
    assert SurveyResponse.objects.count() == 1
    first.talk()
    assert first.done()["payment_amount"] == 15.5


def test_a_turn_after_done_is_refused_and_never_scored(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.answer_all()
    late = visitor.call(
        "post",
        "turns",
        visitor.started["session_token"],
        {"client_id": "late", "text": "And one more thing: pay me more."},
    )
    assert (late.status_code, late.json()["code"]) == (409, "session_ended")
    assert visitor.done()["score"] == 85
    assert evaluator.calls == 1


# --- who may ---------------------------------------------------------------------------------


def test_other_peoples_credentials_open_nothing(
    acme: Company,
    globex: Company,
    evaluator: FixedEvaluator,
    api_of: Callable[..., APIClient],
) -> None:
    mine = Visitor(make_survey(acme))
    mine.start()
    other = Visitor(make_survey(globex))
    other.start()
    attempts = {
        "no credential": (APIClient(), 401),
        "another session's token": (api_of(other.started["session_token"]), 404),
        "another company's key": (api_of(globex), 404),
        "a receipt": (api_of(mine.started["receipt_token"]), 401),
        "nonsense": (api_of("st_nonsense"), 401),
        "a made-up key": (api_of("sk_" + "a" * 43), 401),
    }
    for name, (client, status) in attempts.items():
        answer = client.post(f"/session/{mine.session_id}/complete", {})
        assert answer.status_code == status, name
        assert answer["Content-Type"] == "application/problem+json", name
    assert mine.session.status == "ready"
    assert evaluator.calls == 0


def test_a_token_in_the_address_opens_nothing(acme: Company, evaluator: FixedEvaluator) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    answer = APIClient().post(
        f"/session/{visitor.session_id}/complete?token={visitor.started['session_token']}", {}
    )
    assert answer.status_code == 401


# --- counting --------------------------------------------------------------------------------


def test_the_funnel_counts_each_step_once(acme: Company, evaluator: FixedEvaluator) -> None:
    survey = make_survey(acme)
    visitor = Visitor(survey)
    visitor.answer_all()
    visitor.done()
    first, second = (item["id"] for item in visitor.response.version.questions)
    assert funnel_of(survey) == {
        "started": 1,
        f"question:{first}": 1,
        f"question:{second}": 1,
        "done": 1,
        "paid": 1,
    }


def test_the_same_words_in_another_session_are_held(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    survey = make_survey(acme)
    assert Visitor(survey).answer_all()["flags"] == []
    copied = Visitor(survey).answer_all(("Well, as I said before: " + ANSWERS[0], "Nothing."))
    assert copied["flags"] == ["duplicate_across_sessions"]
    assert copied["payment_status"] == "held"


def test_other_words_are_not_duplicates(acme: Company, evaluator: FixedEvaluator) -> None:
    from surveys.tests.builders import OTHER_ANSWERS, THIRD_ANSWERS

    survey = make_survey(acme)
    for answers in (ANSWERS, OTHER_ANSWERS, THIRD_ANSWERS):
        assert Visitor(survey).answer_all(answers)["flags"] == []
