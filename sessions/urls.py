"""Addresses of conversations: the routes of the API and the pages for people."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path

from sessions import views
from sessions.api import views as api
from sessions.api import voice, watching

urlpatterns: list[URLPattern | URLResolver] = [
    path("session", api.SessionCollection.as_view(), name="session_create"),
    path("session/<str:session_id>", api.SessionItem.as_view(), name="session"),
    path("session/<str:session_id>/join", api.SessionJoin.as_view(), name="session_join"),
    path("session/<str:session_id>/turns", api.SessionTurns.as_view(), name="session_turns"),
    path("session/<str:session_id>/events", api.SessionEvents.as_view(), name="session_events"),
    path("session/<str:session_id>/pause", api.SessionPause.as_view(), name="session_pause"),
    path("session/<str:session_id>/resume", api.SessionResume.as_view(), name="session_resume"),
    path("session/<str:session_id>/voice", voice.SessionVoice.as_view(), name="session_voice"),
    path(
        "session/<str:session_id>/recordings/<str:recording_id>",
        voice.RecordingFile.as_view(),
        name="session_recording",
    ),
    path("webhook/livekit", voice.LiveKitWebhook.as_view(), name="livekit_webhook"),
    path("token", api.RoomToken.as_view(), name="room_token"),
    re_path(
        r"^transcripts/(?P<session_id>[^/.]+)\.(?P<file_type>txt|vtt)$",
        api.TranscriptFile.as_view(),
        name="transcript_file",
    ),
    path(
        "transcripts/<str:session_id>/events",
        watching.WatchEvents.as_view(),
        name="transcript_events",
    ),
    path("transcripts/<str:session_id>", api.TranscriptItem.as_view(), name="transcript"),
    path("chat", views.show_chat, name="chat"),
    path("history", views.show_history, name="history"),
    path("history/<str:session_id>", views.show_replay, name="history_replay"),
]
