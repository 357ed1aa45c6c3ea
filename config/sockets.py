"""Every socket of the product, gathered from the apps. Import it once the apps are loaded."""

from __future__ import annotations

from itertools import chain
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.urls import re_path

from agents.video import routing as video
from core.asgi import refuse_socket
from messaging import routing as messaging
from sessions import routing as sessions

websocket_urlpatterns: list[Any] = list(
    chain.from_iterable(app.websocket_urlpatterns for app in (sessions, messaging, video))
)


def build_socket_application() -> Any:
    """Return the application behind every WebSocket.

    Who may open a socket from where is decided by the consumers: the widget runs elsewhere.
    """
    unserved: Any = refuse_socket
    return AuthMiddlewareStack(URLRouter([*websocket_urlpatterns, re_path(r"", unserved)]))
