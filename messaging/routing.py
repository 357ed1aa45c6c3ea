"""Sockets of the messaging app."""

from __future__ import annotations

from typing import Any

from django.urls import path

from messaging.consumers import InboxConsumer

# Django's path functions are typed for views; Channels routes ASGI applications with them.
_inbox: Any = InboxConsumer.as_asgi()

websocket_urlpatterns: list[Any] = [
    path("ws/inbox/", _inbox),
    path("ws/inbox/<str:conversation_id>", _inbox),
]
