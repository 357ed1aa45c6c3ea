"""The sound of a whole video, put together phrase by phrase, with the time of each.

Owns pauses, trimming and the grid slides change on. Times are counted in samples as they are
written, so they cannot drift. Knows no voice.
"""

from __future__ import annotations

import sys
import wave
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agents.video.pipeline.speech.phrases import Phrase

LEAD_SECONDS: Final = 0.4
"""Silence at the start of each scene: a slide is seen before it is spoken about."""
TAIL_SECONDS: Final = 0.7
SENTENCE_PAUSE_SECONDS: Final = 0.32
PHRASE_PAUSE_SECONDS: Final = 0.12
LEAST_SCENE_SECONDS: Final = 2.4
GRID_SECONDS: Final = 0.2
"""Scenes last a multiple of this, so that slides change on a frame at any usual frame rate."""
SILENCE: Final = 220
"""Samples quieter than this, of 32768, count as silence at either end of a phrase."""
MARGIN_SECONDS: Final = 0.006


@dataclass(frozen=True, slots=True)
class Cue:
    """A caption and when it is heard, in seconds from the start of the video."""

    scene: int
    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """When everything is heard and seen."""

    scene_seconds: tuple[float, ...]
    cues: tuple[Cue, ...]

    @property
    def seconds(self) -> float:
        """Of the whole video."""
        return sum(self.scene_seconds)

    def to_json(self) -> dict[str, Any]:
        """Return what the manifest keeps."""
        return {
            "sceneSeconds": list(self.scene_seconds),
            "cues": [[cue.scene, cue.start, cue.end, cue.text] for cue in self.cues],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Timeline:
        """Return what `to_json` made.

        Raises:
            KeyError, TypeError, ValueError: it did not.
        """
        return cls(
            tuple(float(one) for one in value["sceneSeconds"]),
            tuple(
                Cue(int(scene), float(start), float(end), str(text))
                for scene, start, end, text in value["cues"]
            ),
        )


def write_track(
    path: Path,
    *,
    scene_count: int,
    phrases: Sequence[Phrase],
    spoken: Iterable[bytes],
    sample_rate: int,
    on_phrase: Callable[[int], None],
) -> Timeline:
    """Write the sound as a mono WAV file and return when everything is heard.

    Args:
        path: of the file.
        scene_count: scenes without a phrase get silence.
        phrases: ordered by scene.
        spoken: the samples of each phrase, signed 16 bits mono.
        sample_rate: of the samples, in hertz.
        on_phrase: called with the number of phrases written so far.
    """
    cues: list[Cue] = []
    lengths: list[float] = []
    pieces = iter(zip(phrases, spoken, strict=True))
    ahead = next(pieces, None)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(sample_rate)
        written = 0
        for scene in range(scene_count):
            started = written
            written += _write_silence(sound, LEAD_SECONDS, sample_rate)
            while ahead is not None and ahead[0].scene == scene:
                phrase, samples = ahead
                heard = trim_silence(samples, sample_rate)
                sound.writeframesraw(heard)
                end = written + len(heard) // 2
                cues.append(Cue(scene, written / sample_rate, end / sample_rate, phrase.caption))
                pause = SENTENCE_PAUSE_SECONDS if phrase.ends_sentence else PHRASE_PAUSE_SECONDS
                written = end + _write_silence(sound, pause, sample_rate)
                on_phrase(len(cues))
                ahead = next(pieces, None)
            wanted = max(LEAST_SCENE_SECONDS, (written - started) / sample_rate + TAIL_SECONDS)
            seconds = round(-(-wanted // GRID_SECONDS) * GRID_SECONDS, 3)
            lengths.append(seconds)
            # Counted from the start of the video: rounding in one scene moves no other.
            missing = round(sum(lengths) * sample_rate) - written
            written += _write_silence(sound, missing / sample_rate, sample_rate)
    return Timeline(tuple(lengths), tuple(cues))


def trim_silence(samples: bytes, sample_rate: int) -> bytes:
    """Return the samples without the silence before and after what is heard."""
    values = array("h", samples[: len(samples) // 2 * 2])
    first = next((place for place, one in enumerate(values) if abs(one) > SILENCE), None)
    if first is None:
        return b""
    last = next(place for place in range(len(values) - 1, -1, -1) if abs(values[place]) > SILENCE)
    margin = int(MARGIN_SECONDS * sample_rate)
    kept = values[max(0, first - margin) : last + 1 + margin]
    if sys.byteorder == "big":
        kept.byteswap()
    return kept.tobytes()


def _write_silence(sound: wave.Wave_write, seconds: float, sample_rate: int) -> int:
    count = round(seconds * sample_rate)
    sound.writeframesraw(bytes(2 * count))
    return count
