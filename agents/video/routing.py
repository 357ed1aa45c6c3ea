"""Sockets of the video app."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from agents.video.consumers import StatusConsumer

# Django's path functions are typed for views; Channels routes ASGI applications with them.
_status: Any = StatusConsumer.as_asgi()

websocket_urlpatterns: list[Any] = [
    re_path(r"^ws/status/(?P<session_id>[^/]+)/?$", _status),
]
