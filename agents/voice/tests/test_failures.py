"""Speech and models that fail or answer with nothing: said, shown as words, ended in typing."""

from __future__ import annotations

import asyncio

from livekit.agents import APIStatusError

from agents.voice.tests.stubs import StubHost, StubModel, StubSink
from agents.voice.tests.together import together
from agents.voice.types import (
    ReplySource,
    SpeechGivenUp,
    VisitorTurn,
    VoiceBriefing,
    VoiceEnd,
    VoiceErrorCode,
    VoiceFault,
)


def typed(text):
    return VisitorTurn("seg_typed", text, is_typed=True, client_id="typed-1")


@together
async def test_a_voice_that_fails_shows_its_words_and_hands_over(start_talk, engine):
    engine.speaking_fails = 9
    await see_it_handed_over(start_talk)


@together
async def test_a_voice_that_makes_no_sound_shows_its_words_and_hands_over(start_talk, engine):
    engine.is_mute = True
    await see_it_handed_over(start_talk)


async def see_it_handed_over(start_talk):
    talk = await start_talk(greeting="Hello there.")

    # Nobody speaks: who hears no question gives no answer.
    await talk.until(lambda: talk.sink.ended is not None)

    [line] = talk.sink.spoken
    assert (line.text, line.interrupted) == ("Hello there.", False)
    codes = [event.code for event in talk.sink.events(VoiceFault)]
    assert codes == [VoiceErrorCode.SPEECH_RETRYING, VoiceErrorCode.SPEECH_UNAVAILABLE]
    assert talk.sink.ended.reason is VoiceEnd.PROVIDER_FAILED


@together
async def test_a_voice_that_failed_once_goes_on(start_talk, engine):
    engine.speaking_fails = 1
    talk = await start_talk(greeting="Hello there.")
    await talk.until(lambda: engine.spoken == ["One moment."])
    await talk.voice.say_text(typed("It was fine."))
    await talk.until_quiet(2)

    [fault] = talk.sink.events(VoiceFault)
    assert fault.code is VoiceErrorCode.SPEECH_RETRYING
    assert talk.sink.spoken[1].played_seconds > 0.1
    assert talk.voice.is_running


@together
async def test_a_stop_after_speech_was_given_up_still_tells_of_the_provider(start_talk, engine):
    engine.speaking_fails = 9
    talk = await start_talk()
    await talk.until(lambda: talk.voice._failures.given_up)
    assert SpeechGivenUp() not in talk.sink.stored

    await talk.stop()

    assert talk.sink.ended.reason is VoiceEnd.PROVIDER_FAILED


@together
async def test_that_speech_is_over_is_stored_before_it_is_told(start_talk, engine):
    class SlowToStore(StubSink):
        told_early = False

        async def store(self, event):
            if isinstance(event, SpeechGivenUp):
                await asyncio.sleep(0.2)
                self.told_early = any(fault.is_fatal for fault in self.events(VoiceFault))
            await super().store(event)

    engine.speaking_fails = 9
    talk = await start_talk(sink=SlowToStore())
    await talk.until(lambda: talk.sink.ended is not None)

    assert not talk.sink.told_early
    assert talk.sink.events(VoiceFault)[-1].is_fatal
    assert SpeechGivenUp() in talk.sink.stored


@together
async def test_speech_that_makes_no_words_is_told(start_talk, engine):
    talk = await start_talk()
    await talk.until_quiet(1)

    await talk.speak("Nothing of this is understood.")

    await talk.until(lambda: talk.sink.events(VoiceFault))
    assert talk.sink.events(VoiceFault)[0].code is VoiceErrorCode.SPEECH_RETRYING
    assert talk.host.turns == []
    assert talk.voice.is_running


@together
async def test_a_model_without_words_is_told_and_the_host_answers(start_talk, engine):
    await see_the_host_answer(start_talk, engine, "")


@together
async def test_a_model_that_fails_is_told_and_the_host_answers(start_talk, engine):
    error = APIStatusError("scripted", status_code=500, retryable=False)
    await see_the_host_answer(start_talk, engine, error)


async def see_the_host_answer(start_talk, engine, answer):
    engine.model = StubModel(answer, answer)
    briefing = VoiceBriefing(instructions="Be brief.", reply_source=ReplySource.MODEL)
    host = StubHost(greeting="Hi.", answers=["I cannot reach my model."])
    talk = await start_talk(briefing=briefing, host=host)
    await talk.until_quiet(1)

    await talk.voice.say_text(typed("Are you there?"))
    await talk.until_quiet(2)

    assert talk.sink.spoken[1].text == "I cannot reach my model."
    assert [event.code for event in talk.sink.events(VoiceFault)] == [
        VoiceErrorCode.MODEL_UNAVAILABLE
    ]
