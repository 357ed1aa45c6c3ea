"""The model client against a server on the loopback that fails in every way it is told to."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from agents.llm.answers import check_schema, read_object
from agents.llm.circuit import CircuitBreaker
from agents.llm.client import LLMBadAnswerError, LLMError, LLMUnavailableError
from agents.llm.openai_client import OpenAIClient, OpenAIOptions
from tests.fakes.openai_server import FakeOpenAIServer, Fault

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["label"],
    "properties": {"label": {"type": "string"}},
}


@pytest.fixture
def server() -> Iterator[FakeOpenAIServer]:
    with FakeOpenAIServer() as running:
        yield running


@pytest.fixture
def client(server: FakeOpenAIServer) -> Iterator[OpenAIClient]:
    made = make_client(server)
    yield made
    made.close()


def make_client(
    server: FakeOpenAIServer, *, attempt_seconds: float = 5.0, breaker: CircuitBreaker | None = None
) -> OpenAIClient:
    options = OpenAIOptions(
        api_key="sk-test",
        base_url=server.base_url,
        model="fake-1",
        attempt_seconds=attempt_seconds,
    )
    return OpenAIClient(options, breaker=breaker)


def ask(client: OpenAIClient, *, deadline_seconds: float = 3.0) -> dict[str, object]:
    return client.complete_json(
        system="Name the theme.",
        user='{"answers": []}',
        schema=SCHEMA,
        deadline_seconds=deadline_seconds,
    )


def test_answer_comes_back_as_an_object_and_the_request_carries_the_schema(server, client):
    server.script({"label": "late deliveries"})

    assert ask(client) == {"label": "late deliveries"}

    [sent] = server.requests
    assert sent["model"] == "fake-1"
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    assert sent["response_format"]["json_schema"]["schema"] == SCHEMA
    assert server.headers[0]["authorization"] == "Bearer sk-test"


@pytest.mark.parametrize("fault", [Fault.STATUS_500, Fault.STATUS_429, Fault.CLOSED])
def test_one_failure_that_may_pass_is_tried_once_more(server, client, fault):
    server.script(fault)
    server.script({"label": "second try"})

    assert ask(client) == {"label": "second try"}
    assert len(server.requests) == 2


def test_a_second_failure_ends_it(server, client):
    server.script(Fault.STATUS_500, times=3)

    with pytest.raises(LLMUnavailableError, match="status 500"):
        ask(client)
    assert len(server.requests) == 2


def test_retry_after_is_waited_for(server, client):
    server.script(Fault.STATUS_429, retry_after=1)
    server.script({"label": "later"})
    started = time.monotonic()

    assert ask(client) == {"label": "later"}
    assert time.monotonic() - started >= 1.0


def test_a_retry_after_beyond_the_deadline_is_not_waited_for(server, client):
    server.script(Fault.STATUS_429, retry_after=30)
    started = time.monotonic()

    with pytest.raises(LLMUnavailableError, match="status 429"):
        ask(client, deadline_seconds=1.0)
    assert time.monotonic() - started < 15
    assert len(server.requests) == 1


def test_a_wrong_key_is_not_tried_again(server, client):
    server.script(Fault.STATUS_401, times=2)

    with pytest.raises(LLMUnavailableError, match="status 401"):
        ask(client)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [Fault.GARBAGE, Fault.HTML, Fault.NOT_JSON_CONTENT, Fault.PARTIAL, Fault.HUGE],
)
def test_what_is_no_answer_is_refused_without_another_try(server, client, fault):
    server.script(fault)

    with pytest.raises(LLMBadAnswerError):
        ask(client)
    assert len(server.requests) == 1


@pytest.mark.parametrize("answer", [{}, {"label": 3}, {"label": "a", "score": 100}, [1], "null"])
def test_an_object_of_another_shape_is_refused(server, client, answer):
    server.script(answer)

    with pytest.raises(LLMBadAnswerError):
        ask(client)


@pytest.mark.parametrize("fault", [Fault.SLOW, Fault.ENDLESS])
def test_the_deadline_holds_whatever_the_server_does(server, client, fault):
    server.script(fault, seconds=30.0 if fault is Fault.SLOW else 0.0)
    started = time.monotonic()

    with pytest.raises(LLMUnavailableError):
        ask(client, deadline_seconds=0.5)
    assert 0.4 <= time.monotonic() - started < 15


def test_a_slow_attempt_leaves_time_for_another(server):
    client = make_client(server, attempt_seconds=0.3)
    server.script(Fault.SLOW, seconds=2.0)
    server.script({"label": "quick"})
    try:
        assert ask(client) == {"label": "quick"}
    finally:
        client.close()


def test_a_server_without_schemas_is_asked_for_plain_json_from_then_on(server, client):
    server.script(Fault.STATUS_400)
    server.script({"label": "plain"}, times=2)

    assert ask(client) == {"label": "plain"}
    assert ask(client) == {"label": "plain"}
    assert [request["response_format"]["type"] for request in server.requests] == [
        "json_schema",
        "json_object",
        "json_object",
    ]


def test_after_failures_in_a_row_the_model_is_left_alone_for_a_while(server):
    now = [0.0]
    breaker = CircuitBreaker(max_failures=2, open_seconds=30, monotonic=lambda: now[0])
    client = make_client(server, breaker=breaker)
    server.script(Fault.STATUS_401, times=2)
    server.script({"label": "back"})
    try:
        for _ in range(2):
            with pytest.raises(LLMUnavailableError, match="401"):
                ask(client)
        with pytest.raises(LLMUnavailableError, match="circuit"):
            ask(client)
        assert len(server.requests) == 2
        now[0] = 31.0
        assert ask(client) == {"label": "back"}
        assert ask(client) == {"label": "back"}
    finally:
        client.close()


def test_half_open_circuit_lets_one_caller_through():
    now = [0.0]
    breaker = CircuitBreaker(max_failures=1, open_seconds=10, monotonic=lambda: now[0])
    breaker.record(succeeded=False)
    assert breaker.allows() is False
    now[0] = 10.0
    assert breaker.allows() is True
    assert breaker.allows() is False
    breaker.record(succeeded=False)
    assert breaker.allows() is False
    now[0] = 20.0
    assert breaker.allows() is True
    breaker.record(succeeded=True)
    assert breaker.allows() is True


def test_no_server_at_all_is_told_as_unavailable():
    with FakeOpenAIServer() as gone:
        url = gone.base_url
    client = OpenAIClient(
        OpenAIOptions(api_key="", base_url=url, model="fake-1", attempt_seconds=1.0)
    )
    try:
        with pytest.raises(LLMUnavailableError, match="no connection"):
            ask(client, deadline_seconds=2.0)
    finally:
        client.close()


def test_deep_nesting_is_a_bad_answer_not_a_crash():
    with pytest.raises(LLMBadAnswerError):
        read_object('{"label":' * 50_000, SCHEMA)


def test_true_is_not_a_number():
    with pytest.raises(LLMError):
        check_schema(True, {"type": "integer"})


def test_the_factory_gives_one_client_for_one_set_of_settings(settings, server):
    from agents.llm import factory

    settings.OPENAI_BASE_URL = server.base_url
    settings.OPENAI_API_KEY = ""
    settings.LLM_ENABLED = True
    server.script({"label": "made"})
    try:
        client = factory.get_llm_client()
        assert client is factory.get_llm_client()
        assert ask(client) == {"label": "made"}
        settings.OPENAI_MODEL = "other"
        assert factory.get_llm_client().model == "other"
    finally:
        factory.close_llm_clients()
