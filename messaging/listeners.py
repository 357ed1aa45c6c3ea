"""What messaging does when something below it happens."""

from __future__ import annotations

from messaging.services import survey_runs
from sessions.models import VoiceSession


def follow_session_end(voice_session: VoiceSession) -> None:
    """Look after the WhatsApp run of a survey conversation that has just ended."""
    survey_runs.note_session_ended(voice_session)
