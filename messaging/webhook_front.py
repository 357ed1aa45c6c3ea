"""Takes WhatsApp's webhooks before Django does: verified in the event loop, stored in groups.

A webhook needs none of what stands around a page, and a burst of them must not wait for one
transaction each. Bodies that arrive while a transaction is under way share the next one; nobody
waits for company. The answers are those of `messaging.api.webhook`, which serves everything else
at the address and every server that is not started through `config.asgi`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from django.db import DatabaseError, close_old_connections

from core import metrics
from core.clock import monotonic
from core.errors import AuthenticationFailedError
from core.errors_http import problem_response
from core.logs import request_id_var
from messaging.services import intake

logger = logging.getLogger(__name__)
access_logger = logging.getLogger("parley.access")

PATH: Final = "/webhooks/whatsapp"
GROUP_MOST: Final = 64
"""Bodies in one transaction."""
GROUP_BYTES: Final = 4_000_000
ATTEMPTS: Final = 3
RETRY_AFTER_SECONDS: Final = 5

ASGIApp = Any
Scope = Any


class GroupCommit:
    """Stores bodies on one thread, each transaction with all that came during the last one."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="webhook-intake")
        self._lock = threading.Lock()
        self._waiting: deque[tuple[bytes, Future[None]]] = deque()
        self._is_working = False

    def submit(self, raw: bytes) -> Future[None]:
        """Return what ends when the body's transaction has committed.

        Its exception is what the database said; then nothing of the body is stored.
        """
        stored: Future[None] = Future()
        with self._lock:
            self._waiting.append((raw, stored))
            must_start = not self._is_working
            self._is_working = True
        if must_start:
            self._executor.submit(self._work)
        return stored

    def _work(self) -> None:
        close_old_connections()
        try:
            while group := self._take():
                _store(group)
        finally:
            close_old_connections()

    def _take(self) -> list[tuple[bytes, Future[None]]]:
        group: list[tuple[bytes, Future[None]]] = []
        size = 0
        with self._lock:
            while self._waiting and len(group) < GROUP_MOST and size < GROUP_BYTES:
                raw, stored = self._waiting.popleft()
                # From here on it cannot be cancelled. Who left before gets no answer and, being
                # Meta, sends it again.
                if stored.set_running_or_notify_cancel():
                    group.append((raw, stored))
                    size += len(raw)
            self._is_working = bool(group)
        return group


def _store(group: list[tuple[bytes, Future[None]]]) -> None:
    try:
        intake.receive_webhooks(raws=[raw for raw, _ in group])
    except Exception:
        # Whatever it was, it may be one body's own: each must have its chance alone.
        logger.warning("webhook.group_failed", extra={"size": len(group)}, exc_info=True)
        for raw, stored in group:
            _store_alone(raw, stored)
    else:
        for _, stored in group:
            stored.set_result(None)


def _store_alone(raw: bytes, stored: Future[None]) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            intake.receive_webhooks(raws=[raw])
        except DatabaseError as error:
            close_old_connections()
            if attempt == ATTEMPTS:
                stored.set_exception(error)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits, never dropped
            stored.set_exception(error)
            return
        else:
            stored.set_result(None)
            return


class WebhookFront:
    """Answer ``POST /webhooks/whatsapp``; pass everything else on.

    Args:
        app: Django's application. Body limits stand outside of both.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._commits = GroupCommit()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        started = monotonic()
        request_id = secrets.token_hex(12)
        binding = request_id_var.set(request_id)
        try:
            raw = await _read_body(receive)
            if raw is None:
                return
            status, headers, content = await self._answer(scope, raw)
            headers += [(b"x-request-id", request_id.encode())]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": content})
            seconds = monotonic() - started
            metrics.observe_request("POST", PATH, status, seconds)
            access_logger.info(
                "request.completed",
                extra={
                    "method": "POST",
                    "route": PATH,
                    "status": status,
                    "duration_ms": round(seconds * 1000, 1),
                },
            )
        finally:
            request_id_var.reset(binding)

    async def _answer(
        self, scope: Scope, raw: bytes
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        given = [value for name, value in scope["headers"] if name == b"x-hub-signature-256"]
        try:
            intake.check_signature(raw, given[0].decode("latin-1") if len(given) == 1 else "")
        except AuthenticationFailedError as error:
            return _problem(error.status, error.code, error.detail)
        try:
            await asyncio.wrap_future(self._commits.submit(raw))
        except Exception:
            logger.exception("webhook.not_stored")
            return _problem(
                503,
                "unavailable",
                "The message could not be stored. Send it again later.",
                {"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        content = b'{"received":true}'
        return 200, _headers(b"application/json", content), content


async def _read_body(receive: Any) -> bytes | None:
    """Return the whole body, or None when the sender has gone."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _headers(content_type: bytes, content: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", content_type),
        (b"content-length", str(len(content)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    ]


def _problem(
    status: int, code: str, detail: str, more: dict[str, str] | None = None
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    made = problem_response(status=status, code=code, detail=detail, instance=PATH, headers=more)
    headers = _headers(made.headers["Content-Type"].encode(), made.content)
    headers += [(name.lower().encode(), value.encode()) for name, value in (more or {}).items()]
    return status, headers, made.content
