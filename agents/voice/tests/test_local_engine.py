"""The offline engine with its real child processes: ears, voice, crash and restart."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
import pytest_asyncio
from livekit.agents import APIConnectionError

from agents.voice.engines.local.engine import LocalEngine, _LocalUtterance
from agents.voice.engines.local.process import Child, ChildGoneError, ChildPool
from agents.voice.tests import sounds
from agents.voice.tests.stubs import StubHost, StubSink, ticket
from agents.voice.tests.talks import Talk
from agents.voice.types import VoiceBriefing, VoiceEnd, VoiceErrorCode, VoiceFault


@pytest_asyncio.fixture
async def local():
    """Return an engine with one recogniser; afterwards no process of it is left."""
    engine = LocalEngine(recognisers=1)
    yield engine
    pids = engine.hearing.pids + engine.speaking.pids
    await engine.aclose()
    assert [pid for pid in pids if is_alive(pid)] == []


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def synthesise(engine, text, language="en"):
    return await engine.make_tts(language, lambda: None).synthesize(text).collect()


async def recognise(engine, pcm, told=None, restarts=None):
    utterance = _LocalUtterance(
        engine.hearing,
        (told if told is not None else []).append,
        lambda: (restarts if restarts is not None else []).append(1),
    )
    for at in range(0, len(pcm), 3200):
        utterance.push(pcm[at : at + 3200])
        await asyncio.sleep(0.08)
    return await utterance.finish()


async def test_it_speaks_english_and_spanish(local):
    english = await synthesise(local, "Good morning, how was your delivery?")
    spanish = await synthesise(local, "Buenos días, ¿cómo fue la entrega?", "es")

    assert english.sample_rate == 22_050
    assert 1.0 < english.duration < 4.0
    assert 1.0 < spanish.duration < 4.0
    assert bytes(english.data) != bytes(spanish.data)


async def test_it_hears_words_and_tells_them_while_they_come(local):
    told = []
    pcm = sounds.quiet(0.3) + sounds.say("one two three four five six") + sounds.quiet(0.4)

    found = await recognise(local, pcm, told)

    assert len(set(found.text.split()) & {"one", "two", "three", "four", "five", "six"}) >= 2
    assert told
    assert (await recognise(local, sounds.quiet(1.0))).text == ""


async def test_an_utterance_that_is_dropped_leaves_the_recogniser_fit(local):
    utterance = _LocalUtterance(local.hearing, lambda text: None, lambda: None)
    utterance.push(sounds.say("this is dropped in the middle"))
    await asyncio.sleep(0.8)
    utterance.cancel()
    await asyncio.sleep(0.1)

    found = await recognise(local, sounds.quiet(0.3) + sounds.say("hello") + sounds.quiet(0.3))

    assert "dropped" not in found.text
    assert local.hearing.restarts == 0
    assert len(local.hearing.pids) == 1


async def test_a_sentence_that_is_cut_leaves_the_voice_fit(local):
    stream = local.make_tts("en", lambda: None).synthesize("A very long sentence. " * 60)
    async for _ in stream:
        break
    await stream.aclose()

    frame = await synthesise(local, "Short.")

    assert frame.duration < 2.0
    assert len(local.speaking.pids) == 1


async def test_a_recogniser_that_is_killed_is_replaced_and_nothing_is_lost(local):
    restarts = []
    await local.hearing.warm()
    utterance = _LocalUtterance(local.hearing, lambda text: None, lambda: restarts.append(1))
    pcm = sounds.quiet(0.3) + sounds.say("one two three four five") + sounds.quiet(0.4)
    utterance.push(pcm[: len(pcm) // 2])
    await asyncio.sleep(0.2)

    [killed] = local.hearing.pids
    os.kill(killed, signal.SIGKILL)
    utterance.push(pcm[len(pcm) // 2 :])
    found = await utterance.finish()

    assert len(set(found.text.split()) & {"one", "two", "three", "four", "five"}) >= 2
    assert restarts == [1]
    assert local.hearing.pids != [killed]


async def test_a_voice_that_is_killed_while_idle_is_replaced(local):
    restarts = []
    await local.speaking.warm()
    [killed] = local.speaking.pids
    os.kill(killed, signal.SIGKILL)
    await asyncio.sleep(0.1)

    frame = await local.make_tts("en", lambda: restarts.append(1)).synthesize("Back.").collect()

    assert frame.duration > 0.2
    assert restarts == [1]
    assert local.speaking.restarts == 1


async def test_a_recogniser_that_cannot_live_is_an_error_not_a_wait(monkeypatch, local):
    async def gone(role):
        raise ChildGoneError("no engine here")

    monkeypatch.setattr(Child, "start", gone)
    utterance = _LocalUtterance(local.hearing, lambda text: None, lambda: None)
    utterance.push(sounds.quiet(0.5))

    with pytest.raises(APIConnectionError):
        await utterance.finish()


async def test_a_role_nobody_knows_never_gets_ready():
    pool = ChildPool("no-such-role", size=1)

    with pytest.raises(ChildGoneError):
        await pool.warm()

    assert pool.pids == []


async def test_a_conversation_with_the_real_engine(scene):
    scene.manager.use_engine(engine := LocalEngine(recognisers=1))
    sink, host = StubSink(), StubHost(greeting="Hello. How many stars?")
    await engine.warm()
    talk_ticket = ticket()
    voice = await scene.manager.start(talk_ticket, VoiceBriefing(is_survey=True), sink, host)
    talk = Talk(scene.manager, voice, host, sink)
    await talk.until_quiet(1)
    assert sink.spoken[0].text == "Hello. How many stars?"
    os.kill(engine.hearing.pids[0], signal.SIGKILL)

    await talk.speak("one two three four five six seven eight nine", tail=1.2)
    await talk.until(lambda: host.turns, seconds=15)
    await talk.stop()

    assert sink.ended.reason is VoiceEnd.STOPPED
    assert [fault.code for fault in sink.events(VoiceFault)] == [VoiceErrorCode.ENGINE_RESTARTED]
    kinds = {(model.kind, model.model): model for model in sink.ended.usage.models}
    assert set(kinds) == {("stt", "pocketsphinx"), ("tts", "espeak-ng")}
    assert {model.cost_micros for model in kinds.values()} == {0}
    assert all(model.is_priced for model in kinds.values())
