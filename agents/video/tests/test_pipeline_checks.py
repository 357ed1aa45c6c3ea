from __future__ import annotations

from agents.video import checks
from agents.video.factory import read_options
from agents.video.pipeline.slides.fonts import FontBook
from agents.video.pipeline.speech import espeak


def ids(messages):
    return [message.id for message in messages]


def test_a_machine_that_has_all_is_told_nothing():
    assert ids(checks.check_programs()) == []


def test_a_missing_ffmpeg_is_named_with_what_to_install(settings):
    settings.FFMPEG = "/nowhere/ffmpeg"

    (message,) = checks.check_programs()

    assert message.id == "video.W001"
    assert "imageio-ffmpeg" in message.hint


def test_a_missing_voice_is_named_unless_the_provider_speaks(settings, monkeypatch):
    monkeypatch.setattr(espeak, "find_backend", lambda: "")
    assert ids(checks.check_programs()) == ["video.W002"]

    settings.OPENAI_API_KEY = "key"
    assert ids(checks.check_programs()) == []

    settings.VIDEO_VOICE = "offline"
    assert ids(checks.check_programs()) == ["video.W002"]


def test_settings_that_cannot_hold_are_named(settings, tmp_path):
    settings.VIDEO_VOICE = "openai"
    settings.VIDEO_FONT_DIR = str(tmp_path / "nothing")

    assert ids(checks.check_programs()) == ["video.W003", "video.W004"]


def test_other_fonts_than_inter_are_mentioned(monkeypatch):
    def book(family):
        return lambda folder: FontBook(family, None, None, None, [])

    monkeypatch.setattr("agents.video.pipeline.slides.fonts.open_book", book("DejaVu Sans"))
    assert ids(checks.check_looks()) == ["video.I001"]

    monkeypatch.setattr("agents.video.pipeline.slides.fonts.open_book", book("Inter"))
    assert ids(checks.check_looks()) == []


def test_the_provider_speaks_with_a_key_and_only_when_asked_without(settings):
    settings.OPENAI_API_KEY = ""
    settings.OPENAI_BASE_URL = "http://127.0.0.1:9/v1"
    assert read_options().speech is None

    settings.VIDEO_VOICE = "openai"
    assert read_options().speech.base_url == "http://127.0.0.1:9/v1"

    settings.VIDEO_VOICE = "auto"
    settings.OPENAI_API_KEY = "key"
    settings.VOICE_TTS_VOICE = "coral"
    assert (read_options().speech.api_key, read_options().speech.voice) == ("key", "coral")

    settings.VIDEO_VOICE = "offline"
    assert read_options().speech is None
