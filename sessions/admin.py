"""Conversations in the admin: to look at, to end, never to rewrite."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyAdmin
from sessions.models import (
    EndReason,
    RoomClaim,
    RoomEvent,
    SessionRecording,
    SessionStatus,
    TranscriptSegment,
    VoiceLatency,
    VoiceSession,
    VoiceUsage,
)
from sessions.services.endings import end_session


@admin.register(VoiceSession)
class VoiceSessionAdmin(ReadOnlyAdmin):
    """A conversation. Its private columns are left out: prompts and briefings are its company's."""

    list_display = ("public_id", "kind", "status", "end_reason", "company", "created_at")
    list_filter = ("kind", "status", "end_reason", "transport", "language")
    search_fields = ("public_id", "room_name")
    list_select_related = ("company",)
    date_hierarchy = "created_at"
    exclude = ("token_digest", "system_prompt", "briefing", "interview_state")
    # The read-only base allows none; this one goes through the service.
    actions: Any = ("end_selected",)

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Let those end conversations who may change them elsewhere in the admin's terms."""
        user: Any = request.user
        return bool(user.has_perm("voice_sessions.change_voicesession"))

    @admin.action(description="End the selected conversations", permissions=["end"])
    def end_selected(self, request: HttpRequest, queryset: QuerySet[VoiceSession]) -> None:
        """End those that still run, as stopped."""
        running = list(queryset.exclude(status=SessionStatus.ENDED))
        for voice_session in running:
            end_session(voice_session=voice_session, reason=EndReason.STOPPED)
        self.message_user(
            request, f"{len(running)} conversations were ended.", level=messages.SUCCESS
        )


@admin.register(TranscriptSegment)
class TranscriptSegmentAdmin(ReadOnlyAdmin):
    """What was said. Words are shown on the segment's own page only."""

    list_display = ("public_id", "voice_session", "position", "role", "recorded_as", "is_late")
    list_filter = ("role", "source", "is_late", "had_hidden_text")
    search_fields = ("public_id", "voice_session__public_id")
    list_select_related = ("voice_session",)

    @admin.display(description="recorded as")
    def recorded_as(self, segment: TranscriptSegment) -> str:
        """Return how the words came here."""
        return segment.get_source_display()


@admin.register(RoomClaim)
class RoomClaimAdmin(ReadOnlyAdmin):
    """A room name somebody holds."""

    list_display = ("room_name", "owner", "expires_at")
    search_fields = ("room_name",)
    list_select_related = ("owner",)


@admin.register(SessionRecording)
class SessionRecordingAdmin(ReadOnlyAdmin):
    """A sound file. Listening is for those its route admits, not for the admin."""

    list_display = ("public_id", "voice_session", "duration_seconds", "byte_count", "started_at")
    list_filter = ("erase_requested_at",)
    search_fields = ("public_id", "voice_session__public_id")
    list_select_related = ("voice_session",)
    exclude = ("storage_key",)


@admin.register(VoiceUsage)
class VoiceUsageAdmin(ReadOnlyAdmin):
    """What a conversation used of a speech model."""

    list_display = ("voice_session", "part", "provider", "model", "audio_seconds", "cost_micros")
    list_filter = ("part", "provider", "model")
    search_fields = ("voice_session__public_id",)
    list_select_related = ("voice_session",)


@admin.register(VoiceLatency)
class VoiceLatencyAdmin(ReadOnlyAdmin):
    """One wait of a spoken conversation."""

    list_display = ("voice_session", "kind", "milliseconds", "created_at")
    list_filter = ("kind",)
    search_fields = ("voice_session__public_id",)
    list_select_related = ("voice_session",)


@admin.register(RoomEvent)
class RoomEventAdmin(ReadOnlyAdmin):
    """A webhook of the LiveKit server."""

    list_display = ("event_id", "kind", "room_name", "received_at")
    list_filter = ("kind",)
    search_fields = ("event_id", "room_name")
