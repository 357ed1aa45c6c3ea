"""Whole conversations through livekit's real session, with real detection of speech."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from livekit.agents import APIConnectionError

from agents.voice.tests import sounds
from agents.voice.tests.stubs import CHARACTERS_PER_SECOND, StubHost, StubModel
from agents.voice.tests.together import together
from agents.voice.types import (
    AgentCaption,
    AgentState,
    AgentStateChanged,
    AudioCleared,
    AudioEnded,
    InterimTranscript,
    PlaybackReport,
    ReplySource,
    SpeakerRole,
    SpeechChanged,
    TranscriptDropped,
    UsageMeasured,
    VisitorTurn,
    VoiceBriefing,
    VoiceEnd,
    VoiceErrorCode,
    VoiceFault,
)

LONG = "This is a long sentence of the agent that goes on for several seconds so one may cut it."
LINE = "This goes on for a second and a half."


@together
async def test_a_turn_is_heard_stored_and_answered_in_sound(start_talk, engine):
    engine.words = ["I liked the delivery"]
    talk = await start_talk(greeting="Hello there.")
    talk.host.answers = ["Thank you."]
    await talk.until_quiet(1)

    await talk.speak()
    await talk.until_quiet(2)
    await talk.stop()

    [turn] = talk.host.turns
    assert turn.text == "I liked the delivery"
    assert turn.speech_seconds == pytest.approx(
        sounds.seconds_of(sounds.say("I liked it a lot.")), abs=0.6
    )
    assert talk.host.calls == ["open", "reply"]
    assert [line.text for line in talk.sink.spoken] == ["Hello there.", "Thank you."]
    assert [line.interrupted for line in talk.sink.spoken] == [False, False]
    assert engine.spoken == ["Hello there.", "Thank you."]
    interims = talk.sink.events(InterimTranscript)
    assert [event.text for event in interims] == ["I", "I liked the delivery"]
    assert {event.segment_id for event in interims} == {turn.segment_id}
    speech = [(event.role, event.is_speaking) for event in talk.sink.events(SpeechChanged)]
    user, agent = SpeakerRole.USER, SpeakerRole.AGENT
    assert speech == [
        (agent, True), (agent, False), (user, True), (user, False), (agent, True), (agent, False),
    ]  # fmt: skip


async def test_the_reply_starts_within_a_quarter_of_a_second_after_the_pause(
    start_talk, engine, options
):
    talk = await start_talk(briefing=VoiceBriefing(is_survey=True))
    await talk.until_quiet(1)

    # A machine that is busy with something else for a moment is allowed another turn.
    for turn in range(1, 5):
        engine.words = ["fine"]
        await talk.speak("It was fine.")
        await talk.until_quiet(turn + 1)
        latency = talk.sink.spoken[turn].latency
        if latency.total < options.endpointing_seconds + 0.25:
            break

    assert latency.total < options.endpointing_seconds + 0.25
    parts = latency.endpointing + latency.reply + latency.speech
    assert latency.total == pytest.approx(parts, abs=0.01)


@together
async def test_captions_grow_by_whole_words_with_sound_that_is_400_ms_ahead(start_talk):
    talk = await start_talk(greeting=LINE)
    await talk.until_quiet(1)

    began = talk.sink.audio[0][0]
    captions = [event.text for event in talk.sink.events(AgentCaption)]
    assert captions[-1] == LINE
    assert len(captions) >= 4
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(captions))
    # No word is shown before its sound can have been heard, up to a word's length.
    for moment, caption in zip(talk.sink.times(AgentCaption), captions, strict=True):
        assert moment - began >= (len(caption) - 8) / CHARACTERS_PER_SECOND

    sent = 0.0
    for moment, audio in talk.sink.audio:
        sent += len(audio.pcm) / 48_000
        assert sent - (moment - began) <= 0.4 + 0.06 + 0.08
    assert sent == pytest.approx(len(LINE) / CHARACTERS_PER_SECOND, abs=0.05)
    assert {audio.segment for _, audio in talk.sink.audio} == {1}
    assert max(len(audio.pcm) for _, audio in talk.sink.audio) <= 48_000 * 60 // 1000


@together
async def test_speaking_over_the_agent_cuts_it_and_keeps_what_was_heard(start_talk, engine):
    engine.words = ["please stop I want to say more"]
    talk = await start_talk(greeting=LONG)
    await talk.until(lambda: talk.sink.events(AgentCaption))

    await talk.speak("Please stop. I want to say more.")
    await talk.until_quiet(2)

    user_began, user_ended = (
        next(
            moment
            for moment, event in talk.sink.published
            if event == SpeechChanged(SpeakerRole.USER, is_speaking)
        )
        for is_speaking in (True, False)
    )
    cleared = talk.sink.times(AudioCleared)[0]
    assert user_began < cleared < user_ended
    cut = talk.sink.spoken[0]
    assert cut.interrupted
    assert 0 < len(cut.text) < len(LONG)
    assert LONG.startswith(cut.text)
    assert cut.full_text == LONG
    # How long it takes is measured by benchmarks/voice_latency.py.
    assert 0 < cut.latency.barge_in < user_ended - user_began
    generations = [audio.generation for _, audio in talk.sink.audio]
    assert generations == sorted(generations)
    sound_after = [a for moment, a in talk.sink.audio if moment > cleared and a.generation == 0]
    assert sound_after == []
    assert [turn.text for turn in talk.host.turns] == ["please stop I want to say more"]


@together
async def test_the_browsers_report_decides_what_was_heard(start_talk, engine):
    engine.words = ["wait"]
    talk = await start_talk(greeting=LONG)

    def answer_clear(event):
        if isinstance(event, AudioCleared):
            asyncio.get_running_loop().call_soon(
                talk.voice.audio.report_playback,
                PlaybackReport(talk.sink.audio[0][1].segment_id, 700, interrupted=True),
            )

    await talk.until(lambda: talk.sink.audio)
    talk.sink.on_publish = answer_clear
    # What was sent so far must be more than is reported.
    await talk.until(lambda: len(talk.sink.audio) * 0.04 > 0.75)
    await talk.speak("Wait, let me say it again.")
    await talk.until_quiet(2)

    cut = talk.sink.spoken[0]
    assert cut.interrupted
    assert cut.played_seconds == pytest.approx(0.7, abs=0.01)


@together
async def test_a_listeners_sound_does_not_end_the_sentence(start_talk, engine):
    engine.words = ["mhm", "", "okay right"]
    talk = await start_talk(greeting=LONG)
    await talk.until(lambda: talk.sink.audio)

    for _ in range(3):
        await talk.sound(sounds.cough())
        await talk.sound(sounds.quiet(0.6))
    assert talk.sink.spoken == []
    await talk.until_quiet(1)
    assert len(engine.heard_seconds) >= 2

    assert talk.host.turns == []
    assert talk.host.calls == ["open"]
    [line] = talk.sink.spoken
    assert (line.text, line.interrupted) == (LONG, False)
    assert talk.sink.events(AudioCleared) == []


@together
async def test_a_long_sound_without_words_silences_only_for_a_moment(start_talk, engine):
    engine.words = [""]
    talk = await start_talk(greeting=LONG)
    await talk.until(lambda: talk.sink.audio)

    await talk.speak("Hmm, hmm, hmm.", tail=1.4)
    await talk.until_quiet(1, seconds=12)

    assert talk.host.turns == []
    assert len(talk.sink.events(AudioCleared)) == 1
    assert talk.sink.events(TranscriptDropped)
    [line] = talk.sink.spoken
    assert (line.text, line.interrupted) == (LONG, False)
    # Nothing of the sentence was left out, and nothing was said twice by more than the lead.
    sent = sum(len(audio.pcm) for _, audio in talk.sink.audio) / 48_000
    assert line.played_seconds <= sent <= line.played_seconds + 0.6
    assert {audio.segment for _, audio in talk.sink.audio} == {1}


@together
async def test_quiet_and_hiss_are_no_turn(start_talk, engine):
    talk = await start_talk()
    await talk.until_quiet(1)

    await talk.sound(sounds.quiet(0.3) + sounds.noise(0.6) + sounds.quiet(0.6))

    assert talk.host.turns == []
    assert engine.heard_seconds == []


@together
async def test_typing_interrupts_and_is_answered_in_sound(start_talk):
    talk = await start_talk(greeting=LONG)
    await talk.until(lambda: talk.sink.audio)
    turn = VisitorTurn("seg_typed", "I would rather type", is_typed=True, client_id="c1")

    await talk.voice.say_text(turn)
    await talk.until_quiet(2)
    await talk.voice.say_text(turn)
    await asyncio.sleep(0.1)

    assert talk.host.turns == [turn]
    assert talk.host.calls == ["open", "reply"]
    assert [line.interrupted for line in talk.sink.spoken] == [True, False]


@together
async def test_done_speaking_does_not_wait_for_the_pause(start_talk, engine):
    engine.words = ["that is all"]
    talk = await start_talk()
    await talk.until_quiet(1)

    await talk.sound(sounds.say("That is all."))
    assert talk.host.turns == []
    talk.voice.finish_turn()
    # Not one piece of silence is sent: without the order it would wait for ever.
    await talk.until(lambda: talk.host.turns)

    assert talk.host.turns[0].text == "that is all"


@together
async def test_muted_nothing_is_heard_and_what_was_said_before_counts(start_talk, engine):
    engine.words = ["before the mute", "never"]
    talk = await start_talk()
    await talk.until_quiet(1)

    await talk.sound(sounds.say("Before the mute."))
    talk.voice.set_muted(True)
    await talk.until_quiet(2)
    await talk.speak("Said while muted.")
    assert [turn.text for turn in talk.host.turns] == ["before the mute"]

    talk.voice.set_muted(False)
    await talk.speak("Heard again.")
    await talk.until(lambda: len(talk.host.turns) == 2)


@together
async def test_a_pause_holds_the_sentence_and_resume_goes_on(start_talk):
    talk = await start_talk(greeting=LINE)
    await talk.until(lambda: talk.sink.events(AgentCaption))

    talk.voice.set_paused(True)
    sent = len(talk.sink.audio)
    await asyncio.sleep(0.3)
    assert len(talk.sink.audio) == sent
    assert talk.sink.spoken == []
    talk.voice.set_paused(False)
    await talk.until_quiet(1, seconds=12)

    [line] = talk.sink.spoken
    assert (line.text, line.interrupted) == (LINE, False)
    assert [event.generation for event in talk.sink.events(AudioCleared)] == [1]
    assert talk.sink.events(AudioEnded)[-1].generation == 1


@together
async def test_a_lost_browser_is_waited_for_and_hears_the_rest(start_talk):
    talk = await start_talk(greeting=LINE)
    await talk.until(lambda: talk.sink.events(AgentCaption))

    talk.voice.audio.set_connected(False)
    await asyncio.sleep(0.3)
    talk.voice.audio.set_connected(True)
    await talk.until_quiet(1, seconds=12)

    [line] = talk.sink.spoken
    assert (line.text, line.interrupted) == (LINE, False)


@together
async def test_the_survey_goes_through_its_tools(start_talk, engine):
    engine.words = ["four out of five"]
    talk = await start_talk(briefing=VoiceBriefing(is_survey=True))
    talk.host.answers = ["And why four?"]
    await talk.until_quiet(1)

    await talk.speak("Four out of five.")
    await talk.until_quiet(2)

    assert talk.host.calls == ["open", "record_answer"]
    assert talk.sink.spoken[1].text == "And why four?"
    assert not talk.sink.spoken[1].is_from_model


@together
async def test_words_during_a_slow_reply_are_not_lost(start_talk, engine):
    engine.words = ["the delivery was good", "but it was late"]
    host = StubHost(greeting="Hi.", delay=1.0)
    talk = await start_talk(host=host, briefing=VoiceBriefing(is_survey=True))
    await talk.until_quiet(1)

    await talk.speak("It was good.", tail=0.7)
    await talk.speak("But it was late.")
    await talk.until(lambda: len(host.turns) == 2)
    await talk.until(lambda: any(not line.interrupted for line in talk.sink.spoken[1:]))

    assert [turn.text for turn in host.turns] == ["the delivery was good", "but it was late"]
    heard = [line for line in talk.sink.spoken[1:] if not line.interrupted]
    assert len(heard) == 1


@together
async def test_a_model_talks_in_a_plain_chat_and_is_paid_for(start_talk, engine):
    engine.words = ["how are you"]
    engine.model = StubModel("I am fine.")
    briefing = VoiceBriefing(instructions="Be kind.", reply_source=ReplySource.MODEL)
    talk = await start_talk(briefing=briefing)
    await talk.until_quiet(1)

    await talk.speak("How are you?")
    await talk.until_quiet(2)
    await talk.stop()

    assert talk.host.calls == ["open"]
    line = talk.sink.spoken[1]
    assert (line.text, line.is_from_model) == ("I am fine.", True)
    assert [turn.text for turn in talk.host.turns] == ["how are you"]
    usage = [event for event in talk.sink.stored if isinstance(event, UsageMeasured)][-1]
    [model] = [entry for entry in usage.models if entry.kind == "llm"]
    assert (model.model, model.input_tokens, model.output_tokens) == ("gpt-4o-mini", 20, 5)
    # 20 tokens at 0.15 and 5 at 0.60 dollars a million.
    assert model.cost_micros == 6


@together
async def test_without_an_answer_of_the_model_the_host_answers(start_talk, engine):
    engine.words = ["how are you"]
    engine.model = StubModel(*[APIConnectionError("down", retryable=False)] * 3)
    talk = await start_talk(briefing=VoiceBriefing(reply_source=ReplySource.MODEL))
    talk.host.answers = ["I cannot reach my model."]
    await talk.until_quiet(1)

    await talk.speak("How are you?")
    await talk.until_quiet(2)

    assert talk.sink.spoken[1].text == "I cannot reach my model."
    assert talk.sink.events(VoiceFault)[0].code is VoiceErrorCode.MODEL_UNAVAILABLE


@together
async def test_after_the_closing_words_the_agent_goes(start_talk, engine):
    engine.words = ["nothing more"]
    host = StubHost(greeting="Hi.", answers=["Goodbye then."], closes_after=1)
    talk = await start_talk(host=host)
    await talk.until_quiet(1)

    await talk.speak("Nothing more.")
    await talk.until(lambda: talk.sink.ended is not None)

    assert talk.sink.ended.reason is VoiceEnd.CLOSED
    assert talk.sink.spoken[-1].text == "Goodbye then."
    assert not talk.sink.spoken[-1].interrupted
    # The end is told a moment before the manager lets go.
    await talk.until(lambda: talk.manager.count == 0)


@together
async def test_the_state_follows_the_talk(start_talk, engine):
    engine.words = ["fine"]
    talk = await start_talk()
    await talk.until_quiet(1)
    await talk.speak("It was fine.")
    await talk.until_quiet(2)
    await asyncio.sleep(0.05)

    states = [event.state for event in talk.sink.events(AgentStateChanged)]
    assert states[0] is AgentState.INITIALIZING
    assert states[-4:] == [
        AgentState.LISTENING,
        AgentState.THINKING,
        AgentState.SPEAKING,
        AgentState.LISTENING,
    ]
