"""The ffmpeg program: where it is, what it is told, how far it is.

Owns the command lines and the reading of what it prints. Runs it as a guarded process; nothing of
it is loaded into ours, so it can be ended at any time and can crash without harm.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from agents.video.pipeline.processes import describe_exit, program_command, run_process
from agents.video.pipeline.steps import first_cause
from agents.video.pipeline.types import PipelineError
from agents.video.pipeline.workspace import disk_full_error

FRAMES_A_SECOND: Final = 5
"""Slides stand still: more frames cost time and show nothing."""
KEY_FRAME_SECONDS: Final = 10
SAMPLE_RATE: Final = 48_000
AUDIO_BITS_A_SECOND: Final = 96_000
TARGET_LUFS: Final = -16.0
"""Loudness of speech on the web; podcasts and streaming services use the same."""
PEAK_LIMIT: Final = 0.84
"""About -1.5 dB below full scale."""
MAX_GAIN_DB: Final = 24.0
SILENT_LUFS: Final = -60.0

INSTALL_HINT: Final = (
    "Install ffmpeg (for instance apt install ffmpeg) or the Python package imageio-ffmpeg, or set "
    "FFMPEG to the program's path."
)
#: ISO 639-2 codes, which MP4 wants, of the languages people ask for most.
_LANGUAGES: Final = {
    "ar": "ara",
    "ca": "cat",
    "cs": "ces",
    "da": "dan",
    "de": "deu",
    "el": "ell",
    "en": "eng",
    "es": "spa",
    "fa": "fas",
    "fi": "fin",
    "fr": "fra",
    "he": "heb",
    "hi": "hin",
    "hu": "hun",
    "id": "ind",
    "it": "ita",
    "ja": "jpn",
    "ko": "kor",
    "nb": "nob",
    "nl": "nld",
    "pl": "pol",
    "pt": "por",
    "ro": "ron",
    "ru": "rus",
    "sv": "swe",
    "tr": "tur",
    "uk": "ukr",
    "vi": "vie",
    "zh": "zho",
}
_LOUDNESS: Final = re.compile(r"I:\s+(-?\d+(?:\.\d+)?|-inf|nan)\s+LUFS")

OnSeconds = Callable[[float], Awaitable[None]]


def find_ffmpeg(setting: str = "") -> str:
    """Return the path of the program: the setting, else PATH, else the wheel's.

    Raises:
        PipelineError: ``ffmpeg_missing``, saying what to install.
    """
    if setting:
        found = shutil.which(setting)
        if found is None:
            raise PipelineError(
                "ffmpeg_missing", f"FFMPEG names a program that is not there. {INSTALL_HINT}"
            )
        return found
    found = shutil.which("ffmpeg")
    if found is not None:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise PipelineError(
            "ffmpeg_missing", f"There is no ffmpeg on this machine. {INSTALL_HINT}"
        ) from error


async def run_ffmpeg(
    program: str, arguments: Sequence[str], *, scratch: Path, error: str, what: str
) -> str:
    """Run ffmpeg to its end and return the last of what it said.

    Raises:
        PipelineError: `error` when it fails, ``disk_full`` when that is why.
    """

    async def ignore(line: str) -> None:
        return None

    return await _run(program, arguments, scratch=scratch, on_line=ignore, error=error, what=what)


async def measure_loudness(program: str, sound: Path, *, scratch: Path) -> float:
    """Return the integrated loudness in LUFS (EBU R 128)."""
    said = await run_ffmpeg(
        program,
        ["-nostats", "-i", str(sound), "-af", "ebur128=framelog=verbose", "-f", "null", "-"],
        scratch=scratch,
        error="narration_failed",
        what="Measuring the loudness",
    )
    found = _LOUDNESS.findall(said)
    value = float(found[-1]) if found else -math.inf
    return value if math.isfinite(value) else -math.inf


async def level_loudness(program: str, sound: Path, target: Path, *, scratch: Path) -> float:
    """Write the sound at the target loudness, 48 kHz mono, and return how many dB were added.

    One gain for the whole: nothing is shifted in time and quiet sentences stay quieter.
    """
    loudness = await measure_loudness(program, sound, scratch=scratch)
    gain = 0.0 if loudness < SILENT_LUFS else min(MAX_GAIN_DB, TARGET_LUFS - loudness)
    await run_ffmpeg(
        program,
        [
            *("-nostats", "-y", "-i", str(sound)),
            *("-af", f"volume={gain:.2f}dB,alimiter=limit={PEAK_LIMIT}:level=disabled"),
            *("-ar", str(SAMPLE_RATE), "-ac", "1", "-c:a", "pcm_s16le", str(target)),
        ],
        scratch=scratch,
        error="narration_failed",
        what="Levelling the loudness",
    )
    return gain


def compose_arguments(
    *,
    slides: Path,
    sound: Path,
    captions: Path | None,
    metadata: Path,
    target: Path,
    seconds: float,
    language: str,
) -> list[str]:
    """Return what makes the video.

    Args:
        slides: list for ffmpeg's concat reader.
        sound: WAV file.
        captions: WebVTT file; None where nothing is said.
        metadata: chapters and title in ffmpeg's own form.
        target: file to write.
        seconds: length of the whole.
        language: BCP 47 code.
    """
    code = _LANGUAGES.get(language.lower().split("-")[0], "und")
    inputs = ["-f", "concat", "-safe", "0", "-i", str(slides), "-i", str(sound)]
    maps = ["-map", "0:v:0", "-map", "1:a:0"]
    texts: list[str] = []
    if captions is not None:
        inputs += ["-i", str(captions)]
        maps += ["-map", "2:s:0"]
        texts = ["-c:s", "mov_text", "-metadata:s:s:0", f"language={code}"]
    inputs += ["-f", "ffmetadata", "-i", str(metadata)]
    last = "3" if captions is not None else "2"
    return [
        *("-nostats", "-progress", "pipe:1", "-stats_period", "0.25", "-y"),
        *inputs,
        *maps,
        *("-map_metadata", last, "-map_chapters", last),
        # One conversion a slide: the frame rate is made of converted pictures. Without the matrix
        # named, colours of pictures this large would come out shifted.
        "-vf",
        "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,"
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709,"
        f"fps={FRAMES_A_SECOND}",
        *("-c:v", "libx264", "-preset", "veryfast", "-tune", "stillimage", "-crf", "20"),
        *("-profile:v", "high", "-g", str(FRAMES_A_SECOND * KEY_FRAME_SECONDS)),
        # Still pictures need little foresight, and it is what costs memory.
        *("-rc-lookahead", "10"),
        *("-c:a", "aac", "-b:a", str(AUDIO_BITS_A_SECOND), "-ac", "1", "-ar", str(SAMPLE_RATE)),
        *("-metadata:s:a:0", f"language={code}"),
        *texts,
        *("-t", f"{seconds:.3f}", "-movflags", "+faststart", "-f", "mp4", str(target)),
    ]


async def compose(
    program: str, arguments: Sequence[str], *, scratch: Path, on_seconds: OnSeconds
) -> None:
    """Run the composition.

    Args:
        program: of `find_ffmpeg`.
        arguments: of `compose_arguments`.
        scratch: the run's folder.
        on_seconds: awaited with the length of video made so far.

    Raises:
        PipelineError: ``composition_failed``, also when ffmpeg says it is well but never said it
            came to the end; ``disk_full``.
    """
    has_ended = False

    async def read(line: str) -> None:
        nonlocal has_ended
        name, _, value = line.partition("=")
        if name == "progress":
            has_ended = value.strip() == "end"
        elif name == "out_time_us" and value.strip().isdigit():
            await on_seconds(int(value) / 1_000_000)

    await _run(
        program,
        arguments,
        scratch=scratch,
        on_line=read,
        error="composition_failed",
        what="Composing the video",
    )
    if not has_ended:
        raise PipelineError(
            "composition_failed", "ffmpeg stopped before the end of the video. Start it again."
        )


def escape_metadata(text: str) -> str:
    """Return text as a value in ffmpeg's metadata file."""
    flat = " ".join(text.split())
    return re.sub(r"([=;#\\])", r"\\\1", flat)


async def _run(
    program: str,
    arguments: Sequence[str],
    *,
    scratch: Path,
    on_line: Callable[[str], Awaitable[None]],
    error: str,
    what: str,
) -> str:
    command = program_command(program, "-hide_banner", "-nostdin", *arguments)
    try:
        code, said = await run_process(command, scratch=scratch, on_line=on_line)
    except BaseExceptionGroup as group:
        raise first_cause(group) from group
    except (FileNotFoundError, PermissionError) as failure:
        raise PipelineError(
            "ffmpeg_missing", f"ffmpeg could not be started. {INSTALL_HINT}"
        ) from failure
    if code == 0:
        return said
    if "No space left on device" in said:
        raise disk_full_error()
    raise PipelineError(error, f"{what} failed: ffmpeg did not finish, {describe_exit(code)}.")
