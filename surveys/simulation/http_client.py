"""A small JSON client over the standard library, for talking to a running server.

Owns nothing but the wire: one connection, JSON both ways, problem details as exceptions.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 60.0


class RefusedError(Exception):
    """The server answered with a problem."""

    def __init__(self, status: int, body: Any) -> None:
        detail = body.get("detail") if isinstance(body, dict) else body
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.body = body


class UnreachableError(Exception):
    """Nobody answers at the address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: dict[str, str]


class JsonClient:
    """Calls one server."""

    def __init__(self, url: str) -> None:
        """Take the server's address.

        Raises:
            ValueError: it is no http or https address.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("give an address such as http://127.0.0.1:8000")
        self.url = url.rstrip("/")
        self._is_tls = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._prefix = parts.path.rstrip("/")

    def call(
        self, method: str, path: str, *, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send one request and return the answer.

        Raises:
            RefusedError: the answer is a 4xx or 5xx.
            UnreachableError: there is no server, or it did not answer in time.
        """
        connection: http.client.HTTPConnection = (
            http.client.HTTPSConnection if self._is_tls else http.client.HTTPConnection
        )(self._host, self._port, timeout=TIMEOUT_SECONDS)
        sent = {"Accept": "application/json", **(headers or {})}
        payload = None
        if body is not None:
            payload = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        try:
            connection.request(method, self._prefix + path, payload, sent)
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(
                f"No answer from {self.url}. Is the server running ('manage.py demo')?"
            ) from error
        finally:
            connection.close()
        try:
            decoded = json.loads(raw) if raw else None
        except ValueError:
            decoded = raw.decode(errors="replace")[:300]
        if response.status >= 400:
            raise RefusedError(response.status, decoded)
        return Answer(response.status, decoded, dict(response.getheaders()))
