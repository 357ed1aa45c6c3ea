"""What this app holds about a person with a login: their own chats and rooms.

Answers to surveys belong to the app above, which erases their conversations with `transcripts`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction

from core import clock
from core.privacy import Person, Section, export_rows
from sessions.models import (
    RoomClaim,
    SessionKind,
    SessionRecording,
    TranscriptSegment,
    VoiceSession,
)
from sessions.services.transcripts import erase_conversation

# What the agent was told is not about the person.
PRIVATE = ("system_prompt", "briefing", "interview_state", "allowed_origins")
PURGE_BATCH = 200


def export_conversation(voice_session: VoiceSession) -> dict[str, Any]:
    """Return one conversation as its person may have it: without the agent's instructions."""
    return {
        **export_rows(VoiceSession.objects.filter(pk=voice_session.pk), without=PRIVATE)[0],
        "transcript": export_rows(
            TranscriptSegment.objects.filter(voice_session=voice_session),
            without=("voice_session",),
        ),
        "recordings": export_rows(
            SessionRecording.objects.filter(
                voice_session=voice_session, erase_requested_at__isnull=True
            ),
            without=("voice_session",),
        ),
    }


def _export(person: Person) -> dict[str, Any]:
    if person.user_pk is None:
        return {}
    chats = VoiceSession.objects.filter(owner_id=person.user_pk).order_by("pk")
    return {
        "conversations": [export_conversation(row) for row in chats],
        "rooms": export_rows(RoomClaim.objects.filter(owner_id=person.user_pk)),
    }


def _erase(person: Person) -> None:
    if person.user_pk is None:
        return
    for row in VoiceSession.objects.filter(owner_id=person.user_pk):
        with transaction.atomic():
            erase_conversation(voice_session=row)
            VoiceSession.objects.filter(pk=row.pk).update(owner=None)
    RoomClaim.objects.filter(owner_id=person.user_pk).delete()


def purge_chats(*, days: int, limit: int = PURGE_BATCH) -> int:
    """Erase plain chats whose last word is older than that; return how many. Safe to run twice."""
    before = clock.now() - timedelta(days=days)
    old = VoiceSession.objects.filter(last_activity_at__lt=before, segments__isnull=False).exclude(
        kind=SessionKind.SURVEY
    )
    found = list(old.order_by("last_activity_at").distinct()[:limit])
    for row in found:
        erase_conversation(voice_session=row)
    return len(found)


SECTION = Section(
    name="conversations",
    export=_export,
    erase=_erase,
    models=frozenset(
        {
            "voice_sessions.VoiceSession",
            "voice_sessions.TranscriptSegment",
            "voice_sessions.SessionRecording",
            "voice_sessions.RoomClaim",
            "core.LiveStream",
            "core.LiveEvent",
        }
    ),
    kept={
        "voice_sessions.VoiceSession": "That a conversation took place, and its times; no word.",
        "voice_sessions.VoiceUsage": "What a conversation cost us; names nobody.",
        "voice_sessions.VoiceLatency": "How fast we answered; names nobody.",
        "voice_sessions.RoomEvent": "Notices of the room server, which go after 30 days.",
    },
)
