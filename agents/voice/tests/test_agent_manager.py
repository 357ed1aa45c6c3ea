"""The AgentManager: one agent a conversation, caps, ends of every kind, nothing left behind."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from agents.voice.agent_manager import AgentManager
from agents.voice.tests import sounds
from agents.voice.tests.stubs import StubEngine, StubHost, StubSink, ticket
from agents.voice.tests.talks import Talk, tasks_left
from agents.voice.tests.together import together
from agents.voice.types import (
    AgentSpoken,
    AgentState,
    AgentStateChanged,
    EngineKind,
    SpeakerRole,
    SpeechChanged,
    VoiceBriefing,
    VoiceEnd,
    VoiceEnded,
    VoiceErrorCode,
    VoiceFault,
    VoiceUnavailableError,
)

LONG = "This is a long sentence of the agent that goes on for several seconds so one may cut it."


async def test_stopping_leaves_nothing_and_stopping_again_is_harmless(manager, start_talk):
    before = {id(task) for task in asyncio.all_tasks()}
    talk = await start_talk(greeting=LONG)
    await talk.until(lambda: talk.sink.audio)

    assert await talk.stop() is True
    assert await talk.stop() is False

    assert await tasks_left(before) == []
    assert manager.count == 0
    assert manager.find(talk.voice.session_id) is None
    assert not talk.voice.is_running
    ended = talk.sink.stored[-1]
    assert isinstance(ended, VoiceEnded)
    assert ended.reason is VoiceEnd.STOPPED
    [line] = talk.sink.spoken
    assert line.interrupted
    assert len(line.text) < len(LONG)


@together
async def test_stopping_mid_speech_of_the_person_keeps_their_words(start_talk, engine):
    engine.words = ["and one more thing"]
    talk = await start_talk()
    await talk.until_quiet(1)

    await talk.sound(sounds.say("And one more thing."))
    talk.voice.audio.push(sounds.quiet(0.6))
    # Its end is heard, the turn is not over yet.
    await talk.until(
        lambda: SpeechChanged(SpeakerRole.USER, False) in talk.sink.events(SpeechChanged)
    )
    assert talk.host.turns == []
    await talk.stop()

    assert [turn.text for turn in talk.host.turns] == ["and one more thing"]


@together
async def test_a_conversation_has_one_agent(manager, start_talk):
    talk = await start_talk(session_id="session_one")

    with pytest.raises(VoiceUnavailableError) as refused:
        await manager.start(ticket("session_one"), VoiceBriefing(), StubSink(), StubHost())

    assert refused.value.code == "voice_running"
    assert manager.find("session_one") is talk.voice
    await talk.stop()
    again = await manager.start(ticket("session_one"), VoiceBriefing(), StubSink(), StubHost())
    assert again.is_running


@together
async def test_caps_hold_for_a_company_and_for_the_process(detector, options):
    capped = dataclasses.replace(options, max_agents=3, max_agents_per_company=2)
    manager = AgentManager(capped, detector)
    manager.use_engine(StubEngine())

    async def start(company):
        return await manager.start(
            ticket(company=company), VoiceBriefing(), StubSink(), StubHost(greeting=None)
        )

    first = await start("acme")
    await start("acme")
    with pytest.raises(VoiceUnavailableError) as company_full:
        await start("acme")
    await start("globex")
    with pytest.raises(VoiceUnavailableError) as process_full:
        await start("initech")
    assert (company_full.value.code, process_full.value.code) == ("voice_busy", "voice_busy")
    assert manager.count == 3

    await manager.stop(first.session_id)
    assert (await start("acme")).is_running
    await manager.aclose()
    assert manager.count == 0


@together
async def test_two_conversations_never_hear_each_other(start_talk, engine):
    engine.words = ["only for the first"]
    first = await start_talk(company="acme")
    second = await start_talk(company="globex")
    await first.until_quiet(1)
    await second.until_quiet(1)
    # Its last state follows the line a moment later.
    await second.until(
        lambda: second.sink.events(AgentStateChanged)[-1].state is AgentState.LISTENING
    )
    told = len(second.sink.published), len(second.sink.audio)

    await first.speak("Only for the first.")
    await first.until_quiet(2)

    assert [turn.text for turn in first.host.turns] == ["only for the first"]
    assert second.host.turns == []
    assert second.host.calls == ["open"]
    assert (len(second.sink.published), len(second.sink.audio)) == told


@together
async def test_no_engine_no_agent(manager):
    with pytest.raises(VoiceUnavailableError) as refused:
        await manager.start(ticket(engine=EngineKind.NONE), VoiceBriefing(), StubSink(), StubHost())

    assert refused.value.code == "voice_engine"
    assert manager.count == 0


@together
async def test_a_host_that_is_over_ends_the_agent(start_talk, engine):
    engine.words = ["too late"]
    talk = await start_talk()
    await talk.until_quiet(1)
    talk.host.is_over = True

    await talk.speak("This is too late.")
    await talk.until(lambda: talk.sink.ended is not None)

    assert talk.sink.ended.reason is VoiceEnd.CLOSED
    assert talk.host.turns == []


@together
async def test_words_that_cannot_be_stored_are_asked_for_again(start_talk, engine):
    engine.words = ["first try", "second try"]
    talk = await start_talk()
    await talk.until_quiet(1)
    talk.host.fails = [OSError("disk full")]

    await talk.speak("The first try.")
    await talk.until(lambda: talk.sink.events(VoiceFault))
    await talk.speak("The second try.")
    await talk.until_quiet(2)

    assert [fault.code for fault in talk.sink.events(VoiceFault)] == [
        VoiceErrorCode.TURN_NOT_STORED
    ]
    assert [turn.text for turn in talk.host.turns] == ["second try"]


@together
async def test_a_recogniser_that_fails_once_is_told_and_goes_on(start_talk, engine):
    engine.words, engine.hearing_fails = ["now it works"], 1
    talk = await start_talk()
    await talk.until_quiet(1)

    await talk.speak("This is not heard.")
    await talk.speak("Now it works.")
    await talk.until_quiet(2)

    [fault] = talk.sink.events(VoiceFault)
    assert (fault.code, fault.is_fatal) == (VoiceErrorCode.SPEECH_RETRYING, False)
    assert [turn.text for turn in talk.host.turns] == ["now it works"]
    assert talk.voice.is_running


@together
async def test_a_recogniser_that_keeps_failing_hands_over_to_typing(start_talk, engine):
    engine.hearing_fails = 9
    talk = await start_talk()
    await talk.until_quiet(1)

    await talk.speak("This is not heard.")
    await talk.speak("And this neither.")
    await talk.until(lambda: talk.sink.ended is not None)

    assert talk.sink.ended.reason is VoiceEnd.PROVIDER_FAILED
    last = talk.sink.events(VoiceFault)[-1]
    assert (last.code, last.is_fatal) == (VoiceErrorCode.SPEECH_UNAVAILABLE, True)
    assert "typing" in last.title


@together
async def test_silence_is_asked_about_twice_and_then_ends_it(detector, options):
    quick = dataclasses.replace(options, nudge_seconds=0.2, idle_seconds=3.5)
    manager = AgentManager(quick, detector)
    engine = StubEngine()
    manager.use_engine(engine)
    sink = StubSink()
    briefing = VoiceBriefing(language="es", idle_nudge="¿Sí?")

    host = StubHost(greeting="Hola.")
    voice = await manager.start(ticket(), briefing, sink, host)
    await Talk(manager, voice, host, sink).until(lambda: sink.ended, seconds=20)

    assert sink.ended.reason is VoiceEnd.IDLE
    assert engine.spoken == ["Hola.", "¿Sí?", "¿Sí?"]
    nudges = [line for line in sink.spoken if line.text == "¿Sí?"]
    assert [line.is_from_model for line in nudges] == [True, True]
    await manager.aclose()


@together
async def test_the_time_limit_says_goodbye_and_ends_it(start_talk, engine):
    talk = await start_talk(briefing=VoiceBriefing(max_seconds=0.2, farewell="Time is up."))

    await talk.until(lambda: talk.sink.ended is not None, seconds=8)

    assert talk.sink.ended.reason is VoiceEnd.TIME_LIMIT
    assert talk.sink.spoken[-1].text == "Time is up."
    assert not talk.sink.spoken[-1].interrupted


@together
async def test_a_browser_that_stays_away_ends_it(detector, options):
    manager = AgentManager(dataclasses.replace(options, left_seconds=0.2), detector)
    manager.use_engine(StubEngine())
    sink = StubSink()
    voice = await manager.start(ticket(), VoiceBriefing(), sink, StubHost(greeting=LONG))
    talk = Talk(manager, voice, None, sink)
    await talk.until(lambda: sink.audio)

    voice.audio.set_connected(False)
    await talk.until(lambda: sink.ended)

    assert sink.ended.reason is VoiceEnd.LEFT
    [line] = sink.spoken
    assert line.interrupted
    await manager.aclose()


@together
async def test_a_sink_whose_store_fails_loses_no_later_event(start_talk):
    class BrokenOnce(StubSink):
        broken = True

        async def store(self, event):
            if self.broken and isinstance(event, AgentSpoken):
                self.broken = False
                raise OSError("database is away")
            await super().store(event)

    talk = await start_talk(sink=BrokenOnce())
    await talk.until(lambda: not talk.sink.broken, seconds=8)
    await talk.stop()

    assert isinstance(talk.sink.stored[-1], VoiceEnded)


@together
async def test_a_manager_that_closes_ends_all_and_takes_no_more(detector, options):
    manager = AgentManager(options, detector)
    engine = StubEngine()
    manager.use_engine(engine)
    sinks = [StubSink() for _ in range(3)]
    for sink in sinks:
        await manager.start(ticket(), VoiceBriefing(), sink, StubHost(greeting=LONG))

    await manager.aclose()

    assert [sink.ended.reason for sink in sinks] == [VoiceEnd.STOPPED] * 3
    assert engine.is_closed
    with pytest.raises(VoiceUnavailableError) as refused:
        await manager.start(ticket(), VoiceBriefing(), StubSink(), StubHost())
    assert refused.value.code == "voice_closing"


@together
async def test_a_flood_of_junk_is_dropped_and_told_once(start_talk, engine):
    talk = await start_talk()
    await talk.until_quiet(1)
    voice = talk.voice

    for _ in range(60):
        voice.audio.push(sounds.noise(0.5) + b"\x01")
    voice.audio.push(b"")
    voice.audio.push(b"\x07")
    await asyncio.sleep(0.3)

    faults = [fault.code for fault in talk.sink.events(VoiceFault)]
    assert faults == [VoiceErrorCode.AUDIO_OVERFLOW]
    assert voice.is_running
    engine.words = ["still here"]
    await asyncio.sleep(0.8)
    await talk.speak("I am still here.")
    await talk.until(lambda: talk.host.turns)
    assert [turn.text for turn in talk.host.turns] == ["still here"]
