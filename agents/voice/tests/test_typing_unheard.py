"""Typing while nobody can hear the agent: what was to be said stays to be read, all of it.

Without a LiveKit server; `test_room_restart` does the same in rooms.
"""

from __future__ import annotations

import asyncio

from agents.voice.tests.stubs import StubHost, StubModel
from agents.voice.tests.together import together
from agents.voice.types import (
    AgentCaption,
    ReplySource,
    VisitorTurn,
    VoiceBriefing,
)

LONG = "This is a long sentence of the agent that goes on for several seconds so one may cut it."
QUESTION = "What do you use it for, who else does, and what would you miss most if it went away?"


def typed(text):
    return VisitorTurn(f"seg_{text}", text, is_typed=True, client_id=text)


def lines(talk):
    return [(line.text, line.interrupted) for line in talk.sink.spoken]


@together
async def test_a_sentence_a_lost_browser_did_not_hear_to_its_end_stays_whole(start_talk):
    talk = await start_talk(greeting=LONG)
    talk.host.answers = [QUESTION, "Thanks."]
    await talk.until(lambda: talk.sink.events(AgentCaption))

    talk.voice.audio.set_connected(False)
    await talk.voice.say_text(typed("I type"))
    await talk.until_quiet(1)
    await talk.until(lambda: "reply" in talk.host.calls)
    # Nor was the answer heard: the second turn overtakes it as it stands.
    await talk.voice.say_text(typed("and again"))
    await talk.until_quiet(2)
    talk.voice.audio.set_connected(True)
    await talk.until_quiet(3)

    assert lines(talk) == [(LONG, False), (QUESTION, False), ("Thanks.", False)]
    assert len({line.segment_id for line in talk.sink.spoken}) == 3


@together
async def test_a_sentence_whose_voice_had_not_begun_stays_whole(start_talk, engine):
    engine.speaking_delay = 1.0
    talk = await start_talk(greeting=LONG)
    await talk.until(lambda: engine.spoken)

    await talk.voice.say_text(typed("I type"))
    await talk.until_quiet(2)

    assert lines(talk) == [(LONG, False), ("I see.", False)]


@together
async def test_a_sentence_cut_while_it_is_heard_keeps_what_was_heard(start_talk):
    talk = await start_talk(greeting=LONG)
    await talk.until(lambda: talk.sink.events(AgentCaption))

    await talk.voice.say_text(typed("I type"))
    await talk.until_quiet(2)

    [(heard, is_cut), answer] = lines(talk)
    assert is_cut
    assert 0 < len(heard) < len(LONG)
    assert answer == ("I see.", False)


class SlowToOpen(StubHost):
    """One that finds its greeting later than people type."""

    async def open(self):
        await asyncio.sleep(0.5)
        return await super().open()


@together
async def test_a_greeting_that_comes_after_the_first_turn_is_not_said_over_the_answer(
    start_talk, engine
):
    talk = await start_talk(host=SlowToOpen(greeting="Hi."))
    talk.host.answers = [LONG]

    await talk.voice.say_text(typed("I type"))
    await talk.until_quiet(1)
    await asyncio.sleep(0.5)

    assert engine.spoken == [LONG]
    assert [line.text for line in talk.sink.spoken if line.is_from_model] == []
    assert all(not line.interrupted for line in talk.sink.spoken)


@together
async def test_a_models_answer_nobody_heard_stays_whole(start_talk, engine):
    engine.model = StubModel(QUESTION, "Good.")
    briefing = VoiceBriefing(instructions="Be kind.", reply_source=ReplySource.MODEL)
    talk = await start_talk(host=StubHost(greeting=None), briefing=briefing)
    talk.voice.audio.set_connected(False)

    await talk.voice.say_text(typed("I type"))
    await talk.until(lambda: engine.spoken)
    await talk.voice.say_text(typed("and again"))
    await talk.until_quiet(1)

    [said] = talk.sink.spoken
    assert said.is_from_model
    assert (said.text, said.interrupted) == (QUESTION, False)
