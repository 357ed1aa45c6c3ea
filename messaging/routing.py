"""Sockets of the messaging app."""

from __future__ import annotations

from typing import Any

from django.urls import path

from messaging.consumers import InboxConsumer

websocket_urlpatterns: list[Any] = [
    path("ws/inbox/", InboxConsumer.as_asgi()),
    path("ws/inbox/<str:conversation_id>", InboxConsumer.as_asgi()),
]
