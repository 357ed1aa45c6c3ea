"""Addresses of the sockets."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from sessions.consumers import TranscriptConsumer

# Django's path functions are typed for views; Channels routes ASGI applications with them.
_transcript: Any = TranscriptConsumer.as_asgi()

websocket_urlpatterns: list[Any] = [
    re_path(r"^ws/transcript/(?P<session_id>[^/]+)/?$", _transcript),
]
