"""Pacing, captions, holding and cutting of one sentence, by a clock the test moves."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from agents.voice.options import VoiceOptions
from agents.voice.playout import BYTES_PER_SECOND, LEAD_SECONDS, Hold, Playout
from agents.voice.tests.stubs import StubSink, tone
from agents.voice.types import (
    AgentCaption,
    AgentLine,
    AudioCleared,
    AudioEnded,
    PlaybackReport,
)

TEXT = "one two three four five six seven eight nine ten"


class Listener:
    def __init__(self):
        self.outcomes = []
        self.lines = [AgentLine(TEXT, f"seg_{number}") for number in range(1, 9)]

    def take_line(self):
        return self.lines.pop(0)

    def line_started(self, spoken): ...

    def line_held(self, is_held): ...

    def line_ended(self, outcome):
        self.outcomes.append(outcome)

    def sound_sent(self, pcm): ...


class Stage:
    def __init__(self):
        self.now = 100.0
        self.sink = StubSink()
        self.listener = Listener()
        self.playout = Playout(self.sink, VoiceOptions(), self.listener, now=lambda: self.now)

    def sent_seconds(self, generation=None):
        return (
            sum(
                len(audio.pcm)
                for _, audio in self.sink.audio
                if generation is None or audio.generation == generation
            )
            / BYTES_PER_SECOND
        )

    async def pass_time(self, seconds):
        """Move the clock on; the task looks after each step."""
        for _ in range(max(1, round(seconds / 0.05))):
            self.now += 0.05
            self.playout._wake.set()
            for _ in range(4):
                await asyncio.sleep(0)

    def say(self, seconds=2.0, text=TEXT):
        self.playout.add_text(text)
        self.playout.end_text()
        self.playout.add_sound(tone(seconds))
        self.playout.end_sound()

    @property
    def outcome(self):
        [found] = self.listener.outcomes
        return found


@pytest_asyncio.fixture
async def stage():
    made = Stage()
    yield made
    await made.playout.aclose()


async def test_sound_goes_out_400_ms_ahead_and_no_more(stage):
    stage.say(2.0)

    await stage.pass_time(0.05)
    assert stage.sent_seconds() == pytest.approx(0.4, abs=0.04)
    await stage.pass_time(1.0)
    assert stage.sent_seconds() == pytest.approx(0.4 + 1.0, abs=0.12)


async def test_a_sentence_ends_when_its_last_sound_was_heard(stage):
    stage.say(1.0)

    await stage.pass_time(0.9)
    assert stage.listener.outcomes == []
    await stage.pass_time(0.3)

    assert (stage.outcome.heard_text, stage.outcome.interrupted) == (TEXT, False)
    assert stage.outcome.played_seconds == pytest.approx(1.0)
    assert stage.sink.events(AudioEnded) == [AudioEnded("seg_1", 1, 0)]
    assert stage.sink.events(AgentCaption)[-1].text == TEXT


async def test_a_cut_keeps_the_words_that_were_heard(stage):
    stage.say(2.0)
    await stage.pass_time(1.1 + LEAD_SECONDS)

    stage.playout.cut()

    assert stage.outcome.interrupted
    assert stage.outcome.heard_text == "one two three four five"
    assert stage.sink.events(AudioCleared) == [AudioCleared(1)]


async def test_a_browsers_report_at_the_cut_is_believed_up_to_what_it_got(stage):
    for told_ms, heard in ((600, 0.6), (60_000, 1.4)):
        fresh = Stage()
        fresh.say(2.0)
        await fresh.pass_time(0.5)
        fresh.playout.report(PlaybackReport("seg_1", 440))
        await fresh.pass_time(0.5)

        fresh.playout.cut()
        assert fresh.listener.outcomes == []
        fresh.playout.report(PlaybackReport("seg_1", told_ms, interrupted=True))

        assert fresh.outcome.played_seconds == pytest.approx(heard, abs=0.12)
        await fresh.playout.aclose()


async def test_a_missing_report_is_replaced_by_the_timer(stage):
    stage.say(2.0)
    await stage.pass_time(0.5)
    stage.playout.report(PlaybackReport("seg_1", 440))
    await stage.pass_time(0.5)

    stage.playout.cut()
    await asyncio.sleep(0.25)

    assert stage.outcome.played_seconds == pytest.approx(0.94, abs=0.12)


async def test_a_held_sentence_goes_on_where_it_was_heard_in_a_new_generation(stage):
    stage.say(2.0)
    await stage.pass_time(1.0)

    stage.playout.hold(Hold.BARGE_IN)
    stage.playout.report(PlaybackReport("seg_1", 900, interrupted=True))
    await stage.pass_time(3.0)
    assert stage.listener.outcomes == []
    stage.playout.release(Hold.BARGE_IN)
    await stage.pass_time(1.4)

    assert stage.sent_seconds(generation=1) == pytest.approx(2.0 - 0.9, abs=0.01)
    assert {audio.segment for _, audio in stage.sink.audio} == {1}
    assert (stage.outcome.heard_text, stage.outcome.interrupted) == (TEXT, False)


async def test_two_holds_want_two_releases(stage):
    stage.say(1.0)
    await stage.pass_time(0.2)
    stage.playout.hold(Hold.BARGE_IN)
    stage.playout.hold(Hold.LEFT)
    sent = len(stage.sink.audio)

    stage.playout.release(Hold.BARGE_IN)
    await stage.pass_time(2.0)
    assert len(stage.sink.audio) == sent
    stage.playout.release(Hold.LEFT)
    await stage.pass_time(1.5)

    assert stage.outcome.interrupted is False
    assert stage.sink.events(AudioCleared) == [AudioCleared(1)]


async def test_a_long_hold_does_not_count_as_hearing(stage):
    stage.say(2.0)
    await stage.pass_time(0.5)
    stage.playout.hold(Hold.PAUSED)
    await stage.pass_time(300.0)
    stage.playout.release(Hold.PAUSED)

    await stage.pass_time(0.5)

    assert stage.listener.outcomes == []


async def test_a_browser_that_may_not_play_does_not_stop_the_talk(stage):
    stage.say(1.0)
    for _ in range(70):
        await stage.pass_time(0.05)
        stage.playout.report(PlaybackReport("seg_1", 0))

    assert (stage.outcome.heard_text, stage.outcome.interrupted) == (TEXT, False)


async def test_reports_of_other_segments_and_nonsense_change_nothing(stage):
    stage.say(1.0)
    await stage.pass_time(0.1)
    for report in (PlaybackReport("seg_9", 900), PlaybackReport("", 10**9)):
        stage.playout.report(report)
    await stage.pass_time(0.5)
    assert stage.listener.outcomes == []

    stage.playout.report(PlaybackReport("seg_1", 10**9))
    assert stage.playout._line.base <= stage.playout._line.sent


async def test_a_sentence_without_sound_is_shown_in_full(stage):
    stage.playout.add_text(TEXT)
    stage.playout.end_text()
    stage.playout.end_sound()
    await asyncio.sleep(0.1)

    assert stage.outcome.reached_sound is False
    assert stage.outcome.interrupted is False
    assert stage.sink.audio == []


async def test_a_voice_that_pauses_for_breath_starts_its_clock_anew(stage):
    stage.playout.add_text(TEXT)
    stage.playout.add_sound(tone(0.5))
    await stage.pass_time(3.0)
    assert stage.listener.outcomes == []

    stage.playout.add_sound(tone(0.5))
    stage.playout.end_sound()
    stage.playout.end_text()
    await stage.pass_time(0.2)
    assert stage.listener.outcomes == []
    await stage.pass_time(0.6)

    assert stage.outcome.played_seconds == pytest.approx(1.0)
