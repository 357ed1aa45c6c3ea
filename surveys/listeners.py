"""What surveys hang on conversations (`sessions.hooks`).

The services behind are imported at the first call: they bring the agents along, which a process
that only runs a management command never needs.
"""

from __future__ import annotations

from sessions.models import VoiceSession


def follow_end(voice_session: VoiceSession) -> None:
    """Bring a survey's answer on its way when its conversation has ended."""
    from surveys.services import completion

    completion.note_session_ended(voice_session)


def follow_participation(voice_session: VoiceSession) -> None:
    """See to it that somebody who goes on talking can still be paid."""
    from surveys.services import completion

    completion.note_participation(voice_session)
