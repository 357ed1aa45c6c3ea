"""The ASGI application: pages and REST by Django, sockets by Channels.

Importing this module is what makes a process a server: it takes the one-server lock where the
database is SQLite and starts the background jobs that run beside the web.
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Before any consumer is imported: it loads the apps.
django_application = get_asgi_application()

from django.conf import settings  # noqa: E402 - after the apps are loaded
from django.urls import re_path  # noqa: E402

from core.asgi import BodyLimit, LifespanAware, refuse_socket  # noqa: E402
from core.jobs import start_in_server  # noqa: E402
from core.single_process import ServerLock  # noqa: E402


def _websocket_patterns() -> list[Any]:
    if find_spec("sessions.routing") is None:
        return []
    found: list[Any] = import_module("sessions.routing").websocket_urlpatterns
    return found


server_lock = ServerLock(settings.DATA_DIR)
if settings.DATABASE_IS_SQLITE:
    server_lock.acquire()
start_in_server()

# Who may open a socket from where is decided by the consumers: the widget runs on other sites.
application = LifespanAware(
    ProtocolTypeRouter(
        {
            "http": BodyLimit(django_application),
            "websocket": AuthMiddlewareStack(
                URLRouter([*_websocket_patterns(), re_path(r"", refuse_socket)])
            ),
        }
    )
)
