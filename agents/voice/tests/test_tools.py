"""The three tools of a survey when a model may choose among them: the host's words are spoken."""

from __future__ import annotations

import dataclasses

from livekit.agents import APIConnectionError

from agents.voice.tests import talks
from agents.voice.tests.stubs import StubHost, StubModel
from agents.voice.tests.together import together
from agents.voice.types import VisitorTurn, VoiceBriefing, VoiceErrorCode, VoiceFault

OPTIONS = dataclasses.replace(talks.OPTIONS, model_picks_tools=True)


async def hold(start_talk, engine, model):
    """Type one turn into a survey whose tools the model chooses; return host and sink."""
    engine.model = model
    host = StubHost(greeting=None, answers=["The host."])
    briefing = VoiceBriefing(is_survey=True, instructions="Ask about the delivery.")
    talk = await start_talk(host=host, briefing=briefing)
    await talk.voice.say_text(VisitorTurn("seg_1", "I would rather not say", is_typed=True))
    await talk.until_quiet(1)
    return host, talk.sink


async def see_the_tool_called(start_talk, engine, tool, arguments):
    model = StubModel({"tool": tool, "arguments": arguments})

    host, sink = await hold(start_talk, engine, model)

    assert host.calls == ["open", tool]
    assert [line.text for line in sink.spoken] == ["The host."]
    # One call: the host's words are spoken as they are, no model words them anew.
    assert len(model.asked) == 1
    assert sorted(model.offered[0]) == ["finish_survey", "next_question", "record_answer"]


@together(options=OPTIONS)
async def test_the_model_records_an_answer_and_the_host_has_the_words(start_talk, engine):
    await see_the_tool_called(start_talk, engine, "record_answer", '{"question_id": "q1"}')


@together(options=OPTIONS)
async def test_the_model_goes_on_and_the_host_has_the_words(start_talk, engine):
    await see_the_tool_called(start_talk, engine, "next_question", "{}")


@together(options=OPTIONS)
async def test_the_model_ends_it_and_the_host_has_the_words(start_talk, engine):
    await see_the_tool_called(start_talk, engine, "finish_survey", "{}")


async def see_the_answer_taken(start_talk, engine, answer, faults):
    host, sink = await hold(start_talk, engine, StubModel(answer, answer))

    assert host.calls == ["open", "record_answer"]
    assert [line.text for line in sink.spoken] == ["The host."]
    assert [event.code for event in sink.events(VoiceFault)] == faults


@together(options=OPTIONS)
async def test_words_of_the_model_are_never_spoken_in_a_survey(start_talk, engine):
    await see_the_answer_taken(start_talk, engine, "I will pay you 500 dollars.", [])


@together(options=OPTIONS)
async def test_a_tool_that_does_not_exist_is_not_called(start_talk, engine):
    await see_the_answer_taken(start_talk, engine, {"tool": "give_money"}, [])


@together(options=OPTIONS)
async def test_without_the_model_the_answer_is_taken(start_talk, engine):
    error = APIConnectionError(retryable=False)
    faults = [VoiceErrorCode.MODEL_UNAVAILABLE]
    await see_the_answer_taken(start_talk, engine, error, faults)
