"""Sound files of conversations: written beside the agent, stored when complete.

Owns the draft on this machine's disk and the WAV format. The file storage gets whole files only:
its row is written last, so a crash leaves a draft and no half recording.
"""

from __future__ import annotations

import logging
import wave
from datetime import datetime
from typing import BinaryIO, Final

from django.core.files import File
from django.core.files.storage import default_storage

from agents.voice.types import OUTPUT_RATE
from core import clock
from sessions.models import VoiceSession
from sessions.services import recordings

logger = logging.getLogger(__name__)

SHORTEST_SECONDS: Final = 0.5


class WavRecording:
    """Implements `agents.voice.types.Recording` for one life of one agent."""

    def __init__(self, voice_session: VoiceSession, *, fence: int) -> None:
        self._row = voice_session
        self._fence = fence
        self._path = recordings.drafts_folder() / f"{voice_session.public_id}-{fence}.wav"
        self._file: BinaryIO | None = None
        self._writer: wave.Wave_write | None = None
        self._started_at: datetime = clock.now()

    def write(self, pcm: bytes) -> None:
        """Append mono PCM16."""
        if self._writer is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = self._path.open("wb")
            self._writer = wave.open(self._file, "wb")  # noqa: SIM115 - open as long as the agent
            self._writer.setnchannels(1)
            self._writer.setsampwidth(2)
            self._writer.setframerate(OUTPUT_RATE)
        self._writer.writeframesraw(pcm)

    def close(self, *, seconds: float) -> None:
        """Complete the file, store it, then write its row."""
        if self._writer is None or self._file is None:
            return
        self._writer.close()
        self._file.close()
        try:
            if seconds >= SHORTEST_SECONDS:
                self._keep(seconds)
        finally:
            self._path.unlink(missing_ok=True)

    def _keep(self, seconds: float) -> None:
        # The fence is in the name: what a late process stores replaces nothing.
        wanted = f"recordings/{self._row.public_id}/{self._fence}.wav"
        with self._path.open("rb") as draft:
            key = default_storage.save(wanted, File(draft))
        recordings.record_recording(
            voice_session_pk=self._row.pk,
            fence=self._fence,
            storage_key=key,
            started_at=self._started_at,
            duration_seconds=seconds,
            byte_count=self._path.stat().st_size,
        )
