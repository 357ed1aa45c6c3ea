"""The offline engine with its real child processes: ears, voice, crash and restart."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import os
import signal

import pytest
import pytest_asyncio
from livekit.agents import APIConnectionError

from agents.voice import agent as agent_module
from agents.voice.engines.local import engine as engine_module
from agents.voice.engines.local import process as process_module
from agents.voice.engines.local.engine import LocalEngine, _LocalUtterance
from agents.voice.engines.local.process import Child, ChildGoneError, ChildPool
from agents.voice.tests import sounds
from agents.voice.tests.stubs import StubHost, StubSink, ticket
from agents.voice.tests.talks import Talk
from agents.voice.types import VoiceBriefing, VoiceEnd, VoiceErrorCode, VoiceFault

# The engine's processes belong to the loop that started them.
pytestmark = pytest.mark.asyncio(loop_scope="module")
NUMBERS = {"one", "two", "three", "four", "five"}
EVER = math.inf
"""What hangs is told by the test's own time-out; a machine under load is slow, not wrong."""


@pytest.fixture(autouse=True)
def _as_long_as_it_takes(monkeypatch):
    """Take the engine's own patience off the clock of this machine; two tests are about it."""
    monkeypatch.setattr(process_module, "START_SECONDS", 600.0)
    monkeypatch.setattr(engine_module, "FINISH_SECONDS", 600.0)
    monkeypatch.setattr(agent_module, "FIRST_SOUND_SECONDS", 600.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine():
    """Return an engine with one recogniser, whose model takes a second to load.

    After the module no process of it is left.
    """
    engine = LocalEngine(recognisers=1)
    yield engine
    pids = engine.hearing.pids + engine.speaking.pids
    await engine.aclose()
    assert [pid for pid in pids if is_alive(pid)] == []


@pytest_asyncio.fixture(loop_scope="module")
async def local(engine):
    """Return that engine, as new."""
    engine.hearing.restarts = engine.speaking.restarts = 0
    await engine.warm()
    return engine


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def kill(pid):
    """End a process, and leave it to its owner to notice."""
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def counting():
    return sounds.quiet(0.3) + sounds.say("one two three four five") + sounds.quiet(0.4)


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
    pcm = counting()

    found = await recognise(local, pcm, told)

    assert len(set(found.text.split()) & NUMBERS) >= 1
    assert told
    assert (await recognise(local, sounds.quiet(0.5))).text == ""


async def test_an_utterance_that_is_dropped_leaves_the_recogniser_fit(local):
    heard = asyncio.Event()
    utterance = _LocalUtterance(local.hearing, lambda text: heard.set(), lambda: None)
    utterance.push(counting())
    await heard.wait()
    utterance.cancel()

    found = await recognise(local, sounds.quiet(0.5))

    assert found.text == ""
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
    heard = asyncio.Event()
    utterance = _LocalUtterance(local.hearing, lambda text: heard.set(), lambda: restarts.append(1))
    pcm = counting()
    utterance.push(pcm[: len(pcm) // 2])
    await heard.wait()

    [killed] = local.hearing.pids
    kill(killed)
    utterance.push(pcm[len(pcm) // 2 :])
    found = await utterance.finish()

    assert len(set(found.text.split()) & NUMBERS) >= 1
    assert restarts == [1]
    assert local.hearing.pids != [killed]


async def test_a_voice_that_is_killed_while_idle_is_replaced(local):
    restarts = []
    [killed] = local.speaking.pids
    kill(killed)

    frame = await local.make_tts("en", lambda: restarts.append(1)).synthesize("Back.").collect()

    assert frame.duration > 0.2
    assert restarts == [1]
    assert local.speaking.restarts == 1


async def test_a_recogniser_that_cannot_live_is_an_error_not_a_wait(monkeypatch):
    async def gone(role):
        raise ChildGoneError("no engine here")

    monkeypatch.setattr(Child, "start", gone)
    utterance = _LocalUtterance(LocalEngine().hearing, lambda text: None, lambda: None)
    utterance.push(sounds.quiet(0.5))

    with pytest.raises(APIConnectionError):
        await utterance.finish()


async def test_a_recogniser_that_never_answers_is_an_error_not_a_wait(local, monkeypatch):
    monkeypatch.setattr(engine_module, "FINISH_SECONDS", 0.0)
    utterance = _LocalUtterance(local.hearing, lambda text: None, lambda: None)
    utterance.push(counting())

    with pytest.raises(APIConnectionError, match="too slow"):
        await utterance.finish()

    monkeypatch.setattr(engine_module, "FINISH_SECONDS", 600.0)
    assert (await recognise(local, sounds.quiet(0.5))).text == ""


async def test_a_process_that_does_not_get_ready_is_given_up(monkeypatch):
    monkeypatch.setattr(process_module, "START_SECONDS", 0.0)
    pool = ChildPool("recognise", size=1)

    with pytest.raises(ChildGoneError, match="not ready in time"):
        await pool.warm()

    assert pool.pids == []


async def test_a_role_nobody_knows_never_gets_ready():
    pool = ChildPool("no-such-role", size=1)

    with pytest.raises(ChildGoneError):
        await pool.warm()

    assert pool.pids == []


@pytest.mark.asyncio(loop_scope="function")
async def test_a_conversation_with_the_real_engine(scene):
    scene.manager.options = dataclasses.replace(scene.options, attempt_seconds=600.0)
    scene.manager.use_engine(engine := LocalEngine(recognisers=1))
    sink, host = StubSink(), StubHost(greeting="Hello.", answers=["Thanks."])
    await engine.warm()
    voice = await scene.manager.start(ticket(), VoiceBriefing(is_survey=True), sink, host)
    talk = Talk(scene.manager, voice, host, sink)
    await talk.until_quiet(1, seconds=EVER)
    assert sink.spoken[0].text == "Hello."
    kill(engine.speaking.pids[0])

    await talk.speak("one two three four five")
    await talk.until_quiet(2, seconds=EVER)
    await talk.stop()

    [turn] = host.turns
    # Live, it mishears more than of a whole recording; that words came over it is what counts.
    assert set(turn.text.split()) & NUMBERS
    assert sink.spoken[1].text == "Thanks."
    assert sink.spoken[1].played_seconds > 0.2
    assert sink.ended.reason is VoiceEnd.STOPPED
    assert [fault.code for fault in sink.events(VoiceFault)] == [VoiceErrorCode.ENGINE_RESTARTED]
    kinds = {(model.kind, model.model): model for model in sink.ended.usage.models}
    assert set(kinds) == {("stt", "pocketsphinx"), ("tts", "espeak-ng")}
    assert {model.cost_micros for model in kinds.values()} == {0}
    assert all(model.is_priced for model in kinds.values())
