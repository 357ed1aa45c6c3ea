"""Voice activity detection: which model, with which times. One object serves every conversation.

Owns the loading of livekit's plugins, which must happen on the main thread.
"""

from __future__ import annotations

import importlib
from typing import Final

from livekit.agents import vad

SILENCE_SECONDS: Final = 0.4
"""After so much silence an utterance is over and its words are asked for; the turn may go on
until `VoiceOptions.endpointing_seconds`."""
SPEECH_SECONDS: Final = 0.05
PADDING_SECONDS: Final = 0.3
"""Sound before the start that belongs to it: the first consonant is quiet."""


def load_plugins() -> None:
    """Register the speech plugins; cheap when it was done before."""
    for name in ("openai", "silero"):
        importlib.import_module(f"livekit.plugins.{name}")


def load_detector() -> vad.VAD:
    """Return silero's detector, ready. Takes about 0.1 s and 25 MB."""
    from livekit.plugins import silero

    return silero.VAD.load(
        min_speech_duration=SPEECH_SECONDS,
        min_silence_duration=SILENCE_SECONDS,
        prefix_padding_duration=PADDING_SECONDS,
        activation_threshold=0.5,
        sample_rate=16_000,
        force_cpu=True,
    )
