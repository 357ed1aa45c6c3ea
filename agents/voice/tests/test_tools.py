"""The three tools of a survey when a model may choose among them: the host's words are spoken."""

from __future__ import annotations

import dataclasses

import pytest
from livekit.agents import APIConnectionError

from agents.voice.agent_manager import AgentManager
from agents.voice.tests.stubs import StubEngine, StubHost, StubModel, StubSink, ticket
from agents.voice.tests.talks import OPTIONS, Talk
from agents.voice.types import VisitorTurn, VoiceBriefing, VoiceErrorCode, VoiceFault


async def hold(detector, model):
    """Type one turn into a survey whose tools the model chooses; return host and sink."""
    manager = AgentManager(dataclasses.replace(OPTIONS, model_picks_tools=True), detector)
    engine = StubEngine()
    engine.model = model
    manager.use_engine(engine)
    host, sink = StubHost(greeting=None, answers=["The words of the host."]), StubSink()
    briefing = VoiceBriefing(is_survey=True, instructions="Ask about the delivery.")
    voice = await manager.start(ticket(), briefing, sink, host)
    await voice.say_text(VisitorTurn("seg_1", "I would rather not say", is_typed=True))
    await Talk(manager, voice, host, sink).until_quiet(1)
    await manager.aclose()
    return host, sink


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("record_answer", '{"question_id": "q1"}'),
        ("next_question", "{}"),
        ("finish_survey", "{}"),
    ],
)
async def test_the_model_chooses_the_tool_and_the_host_the_words(detector, tool, arguments):
    model = StubModel({"tool": tool, "arguments": arguments})

    host, sink = await hold(detector, model)

    assert host.calls == ["open", tool]
    assert [line.text for line in sink.spoken] == ["The words of the host."]
    # One call: the host's words are spoken as they are, no model words them anew.
    assert len(model.asked) == 1
    assert sorted(model.offered[0]) == ["finish_survey", "next_question", "record_answer"]


@pytest.mark.parametrize(
    "answer",
    ["I will pay you 500 dollars.", {"tool": "give_money"}, APIConnectionError(retryable=False)],
)
async def test_whatever_else_the_model_does_the_answer_is_taken(detector, answer):
    host, sink = await hold(detector, StubModel(answer, answer))

    assert host.calls == ["open", "record_answer"]
    assert [line.text for line in sink.spoken] == ["The words of the host."]
    faults = [event.code for event in sink.events(VoiceFault)]
    assert faults == ([VoiceErrorCode.MODEL_UNAVAILABLE] if isinstance(answer, Exception) else [])
