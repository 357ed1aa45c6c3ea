"""Addresses a client needs beyond the one it called. Knows no request."""

from __future__ import annotations

from django.urls import reverse

from sessions.models import SessionRecording, VoiceSession


def socket_url(voice_session: VoiceSession, own_origin: str) -> str:
    """Return the address of a conversation's socket.

    Args:
        own_origin: scheme and host by which the client reached this server. The token does not
            belong into the address: it is offered as a subprotocol.
    """
    scheme, _, host = own_origin.partition("://")
    return f"{'wss' if scheme == 'https' else 'ws'}://{host}{socket_path(voice_session)}"


def socket_path(voice_session: VoiceSession) -> str:
    """Return the path of a conversation's socket."""
    return f"/ws/transcript/{voice_session.public_id}"


def transcript_path(voice_session: VoiceSession, file_type: str = "") -> str:
    """Return the path of a transcript: JSON, or ``txt`` or ``vtt``."""
    if file_type:
        return reverse("transcript_file", args=[voice_session.public_id, file_type])
    return reverse("transcript", args=[voice_session.public_id])


def watch_path(voice_session: VoiceSession) -> str:
    """Return the path that brings a watcher's events where a socket is blocked."""
    return reverse("transcript_events", args=[voice_session.public_id])


def recording_path(recording: SessionRecording) -> str:
    """Return the path of a sound file."""
    return reverse(
        "session_recording", args=[recording.voice_session.public_id, recording.public_id]
    )
