"""A language model that is slow, down or lying: start and complete keep their deadlines and go on.

The model is a server on loopback that fails as it is told; everything else is the product.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings

from accounts.models import Company
from agents.llm.factory import close_llm_clients, get_llm_client
from surveys.models import EvaluationRecord, Payout
from surveys.tests.agent_doubles import FixedEvaluator, use_flags
from surveys.tests.builders import ANSWERS, Visitor, make_survey
from tests.fakes.openai_server import FakeOpenAIServer, Fault

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(settings: Any) -> Iterator[FakeOpenAIServer]:
    with FakeOpenAIServer() as server:
        settings.OPENAI_BASE_URL = server.base_url
        settings.OPENAI_API_KEY = "sk-test"
        settings.LLM_ENABLED = True
        # A model that does answer is waited for, however busy the machine is.
        settings.SURVEY_START_SECONDS = 25
        settings.SURVEY_COMPLETE_SECONDS = 25
        settings.SURVEY_TURN_SECONDS = 25
        # The library behind the client takes a second to import, once in a process.
        get_llm_client()
        yield server
        close_llm_clients()


@pytest.mark.parametrize(
    "fault",
    # The rest of the faults are the agents' own tests; these are the ways time is lost.
    [Fault.SLOW, Fault.STATUS_500, Fault.GARBAGE, Fault.ENDLESS, Fault.CLOSED],
)
def test_a_failing_model_costs_neither_the_answer_nor_the_deadline(
    acme: Company,
    model: FakeOpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    fault: Fault,
) -> None:
    use_flags(monkeypatch)
    settings.SURVEY_START_SECONDS = settings.SURVEY_COMPLETE_SECONDS = 0.6
    settings.SURVEY_TURN_SECONDS = 0.1
    # A slow one answers correctly, after longer than this test may take.
    model.script(fault, seconds=90, times=200)
    visitor = Visitor(make_survey(acme))
    started = visitor.start()
    assert started["briefing_source"] == "builtin"
    visitor.talk()
    result = visitor.done()
    assert model.requests
    assert result["evaluation_source"].startswith("builtin")
    assert result["score"] > 0
    assert Payout.objects.count() == EvaluationRecord.objects.count() == 1


def test_start_has_three_seconds_and_complete_five() -> None:
    assert (django_settings.SURVEY_START_SECONDS, django_settings.SURVEY_COMPLETE_SECONDS) == (3, 5)
    assert django_settings.SURVEY_FINAL_SEGMENT_SECONDS == 2
    assert django_settings.SURVEY_RESERVATION_GRACE_MINUTES == 15


def test_with_no_model_to_be_reached_the_built_in_agents_answer(
    acme: Company, model: FakeOpenAIServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    use_flags(monkeypatch)
    close_llm_clients()
    settings.OPENAI_BASE_URL = f"http://127.0.0.1:{_unused_port()}/v1"
    visitor = Visitor(make_survey(acme))
    result = visitor.answer_all()
    assert model.requests == []
    assert visitor.started["briefing_source"] == "builtin"
    assert result["evaluation_source"].startswith("builtin")
    assert result["score"] > 0


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_marks_on_words_nobody_said_count_nothing(
    acme: Company, model: FakeOpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_flags(monkeypatch)
    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk(("It was fine.", "Yes."))
    asked: list[str] = []
    turns = [segment.public_id for segment in visitor.session.segments.filter(role="user")]
    questions = [question["id"] for question in visitor.response.version.questions]

    def invents(body: dict[str, Any]) -> object:
        asked.append(str(body))
        words = "On Monday at eight the grinder broke and I lost forty orders."
        mark = {"value": 4, "evidence": [{"turn_id": turn, "quote": words} for turn in turns]}
        names = ("coverage", "relevance", "specificity", "depth", "clarity")
        return {
            "questions": [
                {"question_id": question, **dict.fromkeys(names, mark)} for question in questions
            ]
        }

    model.responder = invents
    result = visitor.done()
    assert asked
    # The model was heard, and nothing of what it said has words behind it.
    assert not result["evaluation_source"].startswith("builtin")
    assert (result["score"], result["payment_amount"], result["payment_status"]) == (0, 0, "none")
    assert "grinder" not in str(EvaluationRecord.objects.get().marks)


def test_a_model_that_is_talked_into_anything_decides_no_amount(
    acme: Company, model: FakeOpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_flags(monkeypatch)

    def lies(body: dict[str, Any]) -> object:
        return {
            "score": 1000,
            "payment_amount": 999,
            "questions": [],
            "marks": [],
            "notes": "Pay them everything.",
        }

    model.responder = lies
    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk(("ok", "fine"))
    result = visitor.done()
    assert result["score"] < 50
    assert result["payment_amount"] <= 5.0
    assert "Pay them everything" not in str(result)
    assert ANSWERS[0] not in str(result)


def test_past_its_daily_limit_a_company_gets_the_built_in_agents(
    acme: Company, model: FakeOpenAIServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    use_flags(monkeypatch)
    settings.LLM_DAILY_CALLS_PER_COMPANY = 0
    visitor = Visitor(make_survey(acme))
    assert visitor.start()["briefing_source"] == "builtin"
    assert model.requests == []
    visitor.talk()
    assert visitor.done()["evaluation_source"] == "builtin"
    assert model.requests == []


def test_each_call_of_a_model_counts_towards_the_daily_limit(
    acme: Company, model: FakeOpenAIServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    use_flags(monkeypatch)
    # One for the briefing, one for the first reply; the day is used up then.
    settings.LLM_DAILY_CALLS_PER_COMPANY = 2
    visitor = Visitor(make_survey(acme))
    visitor.start()
    after_start = len(model.requests)
    visitor.talk()
    assert 0 < after_start < len(model.requests) <= 2 * settings.LLM_MAX_ATTEMPTS
    assert visitor.done()["evaluation_source"] == "builtin"


def test_no_word_token_or_key_of_anybody_is_logged(
    acme: Company, evaluator: FixedEvaluator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    visitor = Visitor(make_survey(acme))
    visitor.start(attributes={"name": "canary-attribute"}, device_key="canary-device-key")
    visitor.talk(("canary-words of a visitor who says a lot about it", ANSWERS[1]))
    visitor.done(transcript="User: canary-claim")
    for action in ("result", "data"):
        visitor.call("get", f"{action}?token=canary-query", visitor.started["receipt_token"])
    visitor.call("post", "appeal", visitor.started["receipt_token"], {"text": "canary-appeal"})
    visitor.call("delete", "data", visitor.started["receipt_token"])
    logged = "\n".join(str(record.__dict__) for record in caplog.records)
    assert "response.completed" in logged
    leaked = [
        word
        for word in (
            "canary",
            visitor.started["session_token"],
            visitor.started["receipt_token"],
            ANSWERS[1][:20],
        )
        if word in logged
    ]
    assert leaked == []
