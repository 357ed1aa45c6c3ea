"""Speech and models that fail or answer with nothing: said, shown as words, ended in typing."""

from __future__ import annotations

import pytest
from livekit.agents import APIStatusError

from agents.voice.tests.stubs import StubHost, StubModel
from agents.voice.tests.together import together
from agents.voice.types import (
    ReplySource,
    VisitorTurn,
    VoiceBriefing,
    VoiceEnd,
    VoiceErrorCode,
    VoiceFault,
)


def typed(text):
    return VisitorTurn("seg_typed", text, is_typed=True, client_id="typed-1")


@pytest.mark.parametrize("fault", [{"speaking_fails": 9}, {"is_mute": True}])
async def test_a_voice_that_fails_shows_its_words_and_hands_over(start_talk, engine, fault):
    for name, value in fault.items():
        setattr(engine, name, value)
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
    assert talk.sink.spoken[1].played_seconds > 0.5
    assert talk.voice.is_running


@together
async def test_a_stop_after_speech_was_given_up_still_tells_of_the_provider(start_talk, engine):
    engine.speaking_fails = 9
    talk = await start_talk()
    await talk.until(lambda: [event for event in talk.sink.events(VoiceFault) if event.is_fatal])

    await talk.stop()

    assert talk.sink.ended.reason is VoiceEnd.PROVIDER_FAILED


@together
async def test_speech_that_makes_no_words_is_told(start_talk, engine):
    talk = await start_talk()
    await talk.until_quiet(1)

    await talk.speak("Nothing of this is understood.")

    await talk.until(lambda: talk.sink.events(VoiceFault))
    assert talk.sink.events(VoiceFault)[0].code is VoiceErrorCode.SPEECH_RETRYING
    assert talk.host.turns == []
    assert talk.voice.is_running


@pytest.mark.parametrize(
    "answer", ["", APIStatusError("scripted", status_code=500, retryable=False)]
)
async def test_a_model_without_words_is_told_and_the_host_answers(start_talk, engine, answer):
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
