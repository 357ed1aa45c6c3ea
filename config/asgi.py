"""The ASGI application: pages and REST by Django, sockets by Channels.

Importing this module is what makes a process a server: it takes the one-server lock where the
database is SQLite and starts the background jobs that run beside the web.
"""

from __future__ import annotations

from typing import Any

from channels.routing import ProtocolTypeRouter
from django.conf import settings

from config.env import choose_settings
from core.asgi import BodyLimit, LifespanAware, build_django_application
from core.single_process import ServerLock


def build_application() -> LifespanAware:
    """Load the apps and return the application; imports no consumer before that."""
    choose_settings()
    django_application = build_django_application()
    from config.sockets import build_socket_application
    from messaging.webhook_front import WebhookFront

    routes: dict[str, Any] = {
        "http": BodyLimit(WebhookFront(django_application)),
        "websocket": build_socket_application(),
    }
    return LifespanAware(ProtocolTypeRouter(routes))


def start_server_process() -> ServerLock | None:
    """Take the lock, where there is one to take, and start the job threads.

    Where a model is configured its library is loaded here: that takes over a second, which the
    first visitor would otherwise wait for.

    Raises:
        ServerAlreadyRunningError: another process serves the same SQLite database.
    """
    from core.jobs import start_in_server

    lock = None
    if settings.DATABASE_IS_SQLITE:
        lock = ServerLock(settings.DATA_DIR)
        lock.acquire()
    start_in_server()
    if settings.LLM_ENABLED:
        from agents.llm.factory import get_llm_client

        get_llm_client()
    return lock


application: Any = build_application()
if settings.VOICE_IN_PROCESS:
    from sessions.voice.process import prepare_voice_process

    application = prepare_voice_process(application)
# Kept in a name for as long as the process lives: the lock goes with the object.
server_lock = start_server_process()
