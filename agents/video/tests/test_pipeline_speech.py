from __future__ import annotations

import array
import asyncio
import itertools
import json
import math
import subprocess
import sys
import wave
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.video.factory import read_options
from agents.video.pipeline import ffmpeg
from agents.video.pipeline.context import SpeechOptions
from agents.video.pipeline.speech import espeak, remote
from agents.video.pipeline.speech.captions import format_time, write_captions, write_chapters
from agents.video.pipeline.speech.phrases import CAPTION_CHARS, Phrase, split_narration
from agents.video.pipeline.speech.track import Cue, Timeline, trim_silence, write_track
from agents.video.pipeline.types import PipelineError, Scene, SceneKind
from agents.video.tests.pipeline_stage import (
    Stage,
    decode_sound,
    heard_spans,
    make_script,
    none_left,
    read_cues,
    read_sound,
)
from tests.fakes.speech_server import SpeechServer

ROOT = Path(__file__).resolve().parents[3]


def captions(text):
    return [phrase.caption for phrase in split_narration(0, text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("It costs 3.50 now. Dr. Smith paid.", ["It costs 3.50 now.", "Dr. Smith paid."]),
        ("「そうです。」はい。", ["「そうです。」", "はい。"]),
        ("كيف حالك؟ بخير", ["كيف حالك؟", "بخير"]),
        ("First line\nsecond line", ["First line", "second line"]),
        ("Well done! 🚀", ["Well done! 🚀"]),
        ("🚀", []),
        ("  \n ", []),
    ],
)
def test_narration_is_spoken_sentence_by_sentence(text, expected):
    assert captions(text) == expected


def test_long_sentences_are_cut_where_they_pause():
    text = (
        "He said that it was far too much for a cold pizza that had travelled through the city, "
        "although the app had promised it within thirty minutes of the order"
    )

    pieces = captions(text)

    assert pieces[0].startswith("He said")
    assert " ".join(pieces) == text
    assert any(piece.endswith("city,") for piece in pieces)
    assert [phrase.ends_sentence for phrase in split_narration(0, text)][-1] is True


@pytest.mark.parametrize("text", ["x" * 5000, "word " * 1000, "a, " * 1666, "،" * 3000 + "a"])
def test_five_thousand_characters_without_an_end_are_cut_and_nothing_is_lost(text):
    pieces = captions(text)

    assert all(0 < len(piece) <= CAPTION_CHARS for piece in pieces)
    spoken = "".join("".join(pieces).split())
    assert spoken == "".join(text.split()) or text.startswith("،")


@given(st.text(max_size=400))
def test_any_narration_becomes_captions_of_two_lines_at_most(text):
    for phrase in split_narration(0, text):
        assert len(phrase.caption) <= CAPTION_CHARS
        assert phrase.spoken.strip() == phrase.spoken != ""
        assert any(one.isalnum() for one in phrase.spoken)


def tone(seconds, rate, level=8000):
    return array.array(
        "h", (round(level * math.sin(0.3 * n)) for n in range(int(seconds * rate)))
    ).tobytes()


def test_times_are_counted_in_samples_and_slides_change_on_the_grid(tmp_path):
    rate = 22_050
    phrases = [
        Phrase(0, "one", "one", True),
        Phrase(0, "two", "two", True),
        Phrase(2, "three", "three", True),
    ]
    silence = bytes(2 * rate // 5)
    path = tmp_path / "track.wav"
    done = []

    timeline = write_track(
        path,
        scene_count=3,
        phrases=phrases,
        spoken=[silence + tone(length, rate) + silence for length in (1.0, 2.0, 1.5)],
        sample_rate=rate,
        on_phrase=done.append,
    )

    samples, _ = read_sound(path)
    heard = heard_spans(path)
    assert done == [1, 2, 3]
    assert len(samples) / rate == pytest.approx(timeline.seconds, abs=1 / rate)
    assert [round(seconds / 0.2, 6) % 1 for seconds in timeline.scene_seconds] == [0, 0, 0]
    assert timeline.scene_seconds[1] == pytest.approx(2.4)
    for cue, (first, last) in zip(timeline.cues, heard, strict=True):
        assert abs(cue.start - first) < 0.012
        assert abs(cue.end - last) < 0.012
    starts = [0.0, timeline.scene_seconds[0], sum(timeline.scene_seconds[:2])]
    assert all(cue.start >= starts[cue.scene] + 0.39 for cue in timeline.cues)
    assert Timeline.from_json(json.loads(json.dumps(timeline.to_json()))) == timeline


def test_silence_is_trimmed_and_all_silence_is_nothing():
    assert trim_silence(bytes(1000), 1000) == b""
    kept = trim_silence(bytes(2000) + tone(0.1, 1000) + bytes(2000), 1000)
    assert 2 * 100 <= len(kept) <= 2 * 112


def test_captions_are_webvtt_with_markup_as_text():
    cues = [
        Cue(0, 0.4, 2.0, "a <b>bold</b> claim & more --> here"),
        Cue(0, 2.0, 2.0, "never heard"),
        Cue(1, 3661.5, 3662.25, "This one is long enough to be broken into two lines of text"),
    ]

    written = write_captions(cues)

    assert written == (
        "WEBVTT\n\n1\n00:00:00.400 --> 00:00:02.000\n"
        "a &lt;b&gt;bold&lt;/b&gt; claim &amp; more --&gt; here\n\n"
        "3\n01:01:01.500 --> 01:01:02.250\n"
        "This one is long enough to be\nbroken into two lines of text\n"
    )
    chapters = write_chapters(["<One>", "  "], Timeline((2.4, 3.0), ()))
    assert read_cues(chapters) == [(0.0, 2.4, "&lt;One&gt;"), (2.4, 5.4, "2")]
    assert format_time(59.9996) == "00:01:00.000"


@pytest.mark.parametrize("language", ["en", "es-419", "de", "ar", "zh-Hans", "pt-BR", "EN-us"])
def test_the_offline_voice_speaks_many_languages_in_a_process_of_its_own(tmp_path, language):
    track = tmp_path / "track.wav"
    phrases = [{"scene": 0, "caption": "1 2", "spoken": "1 2 3", "endsSentence": True}]
    order = {"phrases": phrases, "sceneCount": 1, "track": str(track), "voice": ""}

    done = subprocess.run(
        [sys.executable, "-m", "agents.video.pipeline.speech.worker"],
        input=json.dumps({**order, "language": language}),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )

    (start, end), *_ = heard_spans(track)
    assert 0.38 < start < 0.45
    assert end > start + 0.2
    last = json.loads(done.stdout.splitlines()[-1])
    assert len(last["end"]["cues"]) == 1


def test_without_a_voice_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(espeak, "find_backend", lambda: "")

    with pytest.raises(espeak.VoiceError, match="espeakng-loader") as caught:
        espeak.open_voice(language="en", voice="")

    assert caught.value.code == "voice_missing"


@pytest.mark.parametrize(("language", "voice"), [("tlh", ""), ("en", "nobody-at-all")])
def test_an_unknown_voice_is_refused(language, voice):
    program = (
        "from agents.video.pipeline.speech import espeak\n"
        f"try: espeak.open_voice(language={language!r}, voice={voice!r})\n"
        "except espeak.VoiceError as error: print(error.code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "voice_unknown"


@pytest.mark.skipif(espeak._find_program() == "", reason="needs the program espeak-ng")
def test_the_program_speaks_where_the_library_is_missing(monkeypatch):
    monkeypatch.setattr(espeak, "find_backend", lambda: "program")

    voice = espeak.open_voice(language="es-419", voice="")
    samples = voice.speak("--version; una frase")

    assert voice.sample_rate == 22_050
    assert len(trim_silence(samples, voice.sample_rate)) > 2 * 22_050
    with pytest.raises(espeak.VoiceError):
        espeak.open_voice(language="tlh", voice="")


@pytest.mark.parametrize("level", [200, 3000, 30000])
async def test_loudness_is_brought_to_16_lufs_without_moving_anything(tmp_path, level):
    rate = 22_050
    raw = tmp_path / "raw.wav"
    with wave.open(str(raw), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(bytes(rate) + tone(3.0, rate, level) + bytes(rate))
    target = tmp_path / "level.wav"

    await ffmpeg.level_loudness(ffmpeg.find_ffmpeg(), raw, target, scratch=tmp_path)

    measured = await ffmpeg.measure_loudness(ffmpeg.find_ffmpeg(), target, scratch=tmp_path)
    samples, new_rate = read_sound(target)
    # The quietest would need more than the most that is added.
    assert measured == pytest.approx(-16.0, abs=1.0) or (level == 200 and measured > -32)
    assert new_rate == 48_000
    assert max(map(abs, samples)) <= 0.86 * 32768
    (start, _), *_ = heard_spans(target, threshold=300)
    assert start == pytest.approx(0.5, abs=0.02)


async def test_silence_is_not_made_louder(tmp_path):
    scenes = [Scene(SceneKind.TITLE, "Quiet", "")]
    stage = Stage(tmp_path, script=make_script(scenes))

    result = await stage.run()

    samples, _ = read_sound(decode_sound(stage.path(result.video_key), tmp_path / "heard.wav"))
    assert max(map(abs, samples)) < 50


@pytest.fixture(scope="module")
def speech_server():
    with SpeechServer() as server:
        yield server


def options(server, **fields):
    wanted = {"api_key": "key-of-the-test", "base_url": server.base_url, "voice": "ash", **fields}
    return SpeechOptions(**wanted)


async def test_with_a_key_the_providers_voice_speaks_and_is_paid_for(tmp_path, speech_server):
    before = len(speech_server.requests("speech"))
    stage = Stage(tmp_path, option_fields={"speech": options(speech_server)})

    result = await stage.run()

    asked = speech_server.requests("speech")[before:]
    # The title scene has two sentences, the chart one.
    assert len(asked) == 3
    assert {one["voice"] for one in asked} == {"ash"}
    costs = [cost for update in stage.updates for cost in update.new_costs if cost.amount_usd]
    assert len(costs) == 3
    assert len({cost.reference for cost in costs}) == 3
    assert {cost.unit for cost in costs} == {"seconds"}
    total = sum(cost.amount_usd for cost in costs)
    seconds = sum(cost.quantity for cost in costs)
    assert total == pytest.approx(seconds * Decimal("0.015") / 60, abs=Decimal("0.00001"))
    last = {update.agent.value: update for update in stage.updates}
    assert last["Agent4"].cost == last["Orchestrator"].cost == result.cost_usd == total
    sound = decode_sound(stage.path(result.video_key), tmp_path / "heard.wav")
    cues = read_cues(stage.path(result.captions_key).read_text())
    heard = heard_spans(sound, gap_seconds=0.28)
    assert abs(cues[0][0] - heard[0][0]) <= 0.05
    assert abs(cues[-1][1] - heard[-1][1]) <= 0.05


async def test_an_outage_is_tried_again(speech_server, monkeypatch):
    monkeypatch.setattr(remote, "BACKOFF_BASE_SECONDS", 0.01)
    speech_server.script("speech", status=503, times=2)

    async with remote.RemoteVoice(options(speech_server)) as voice:
        spoken = await voice.speak("Hello there.", reference="phrase-0")

    assert len(spoken.samples) > 10_000
    assert spoken.sample_rate >= 16_000


@pytest.mark.parametrize(
    ("status", "times", "code", "word"),
    [
        (401, 1, "speech_refused", "OPENAI_API_KEY"),
        (404, 1, "speech_refused", "VIDEO_VOICE=offline"),
        (400, 1, "speech_refused", "voice"),
        (500, 3, "speech_unavailable", "later"),
    ],
)
async def test_a_provider_that_refuses_fails_the_run_with_what_to_do(
    tmp_path, speech_server, monkeypatch, status, times, code, word
):
    monkeypatch.setattr(remote, "BACKOFF_BASE_SECONDS", 0.01)
    speech_server.script("speech", status=status, times=times)
    scenes = [Scene(SceneKind.TITLE, "One", "One sentence.")]
    stage = Stage(
        tmp_path,
        script=make_script(scenes),
        option_fields={"speech": options(speech_server)},
    )

    with pytest.raises(PipelineError) as caught:
        await stage.run()

    assert caught.value.error == code
    assert word in caught.value.reason
    assert "key-of-the-test" not in caught.value.reason
    assert none_left(tmp_path)


async def test_an_administrators_price_counts_for_videos_too(speech_server, settings):
    settings.OPENAI_API_KEY = "key-of-the-test"
    settings.OPENAI_BASE_URL = speech_server.base_url
    settings.VIDEO_VOICE = "openai"
    speech_server.script("speech", hum=0.5, times=3)
    told = []
    for model, own in (
        ("tts-1", {}),
        ("tts-1", {"tts-1": {"characters": 2.0}}),
        ("house-voice", {"house-voice": {"minute": 0.6}}),
    ):
        settings.VOICE_TTS_MODEL, settings.VOICE_PRICES = model, own
        async with remote.RemoteVoice(read_options().speech) as voice:
            cost = (await voice.speak("Hello there, all of you.", reference="x")).cost
        told.append((cost.unit, cost.quantity, cost.amount_usd))

    # 24 characters at 15 and at 2 dollars a million; half a second at 0.60 dollars a minute.
    assert told == [
        ("characters", Decimal(24), Decimal("0.000360")),
        ("characters", Decimal(24), Decimal("0.000048")),
        ("seconds", Decimal("0.5"), Decimal("0.005000")),
    ]


async def test_a_server_that_is_not_there_is_unavailable(monkeypatch):
    monkeypatch.setattr(remote, "BACKOFF_BASE_SECONDS", 0.01)
    nowhere = SpeechOptions(api_key="k", base_url="http://127.0.0.1:9/v1")

    async with remote.RemoteVoice(nowhere) as voice:
        with pytest.raises(PipelineError, match="speech_unavailable"):
            await voice.speak("Hello.", reference="x")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "audio/pcm"),
        (b"RIFF", "audio/wav"),
        (b"RIFF" + bytes(60), "audio/wav"),
        (b"ID3" + bytes(100), "audio/mpeg"),
        (b'{"error": "no"}', "application/json"),
    ],
)
def test_what_is_no_sound_is_refused(content, kind):
    with pytest.raises(PipelineError, match="speech_refused"):
        remote.read_sound(content, kind)


def test_a_wav_file_is_taken_whatever_length_it_claims(tmp_path):
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(b"ab" * 50)
    content = path.read_bytes()
    streamed = content.replace((100).to_bytes(4, "little"), b"\xff\xff\xff\xff")

    assert remote.read_sound(content, "audio/wav") == (b"ab" * 50, 16_000)
    assert remote.read_sound(streamed, "audio/wav") == (b"ab" * 50, 16_000)
    assert remote.read_sound(b"abc", "audio/pcm; rate=24000") == (b"ab", 24_000)


async def test_speaking_does_not_hold_the_loop_up(tmp_path):
    ticks = []

    async def tick():
        while True:
            ticks.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    await Stage(tmp_path).run()
    ticking.cancel()

    longest = max(b - a for a, b in itertools.pairwise(ticks))
    assert longest < 0.25
