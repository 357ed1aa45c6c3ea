"""The process that speaks: phrases come in, one sound file and the times go out.

Run as a module with JSON on standard input: ``phrases`` (scene, caption, spoken, endsSentence),
``sceneCount``, ``track`` (the file to write) and either ``language`` and ``voice`` for the offline
voice or ``samples`` and ``sampleRate`` for files a speech provider has sent. Answers in JSON lines
as the drawing worker does.
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from agents.video.pipeline.speech.espeak import VoiceError, open_voice
from agents.video.pipeline.speech.phrases import Phrase
from agents.video.pipeline.speech.track import write_track

REFUSED: Final = 3


def speak(order: dict[str, Any]) -> None:
    """Write the track of the order."""
    phrases = [
        Phrase(one["scene"], one["caption"], one["spoken"], one["endsSentence"])
        for one in order["phrases"]
    ]
    spoken: Iterator[bytes]
    if "samples" in order:
        rate = int(order["sampleRate"])
        spoken = (Path(path).read_bytes() for path in order["samples"])
    else:
        voice = open_voice(language=order["language"], voice=order["voice"])
        rate = voice.sample_rate
        spoken = (voice.speak(phrase.spoken) for phrase in phrases)
    timeline = write_track(
        Path(order["track"]),
        scene_count=order["sceneCount"],
        phrases=phrases,
        spoken=spoken,
        sample_rate=rate,
        on_phrase=lambda done: _say({"done": done}),
    )
    _say({"end": timeline.to_json()})


def main() -> int:
    """Speak what standard input asks for and return the exit code."""
    try:
        speak(json.load(sys.stdin))
    except VoiceError as error:
        _say({"error": error.code, "reason": error.reason})
        return REFUSED
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _say({"error": "disk_full", "reason": "No space is left for the sound. Free some."})
        return REFUSED
    return 0


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
