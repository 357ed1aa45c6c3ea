"""Meta's Cloud API over HTTP: the only module that knows its addresses and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from django.conf import settings

from messaging.whatsapp.base import (
    Accepted,
    ErrorClass,
    MediaGoneError,
    Recipient,
    Sender,
    SendError,
    classify_error,
)

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
MEDIA_HOSTS: Final = (".facebook.com", ".fbcdn.net", ".fbsbx.com", ".whatsapp.net")
"""Where Meta says its files lie."""


class CloudBackend:
    """Calls the Graph API.

    Args:
        base_url: with the version, without a slash at the end.
    """

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS), follow_redirects=False
        )

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def send(
        self, sender: Sender, recipient: Recipient, message: Mapping[str, Any], *, opaque: str
    ) -> Accepted:
        """Send a message; see `WhatsAppBackend`."""
        answer = self._post(
            sender,
            f"/{sender.phone_number_id}/messages",
            {**message, "biz_opaque_callback_data": opaque},
        )
        messages = answer.get("messages")
        wamid = messages[0].get("id") if isinstance(messages, list) and messages else None
        if not isinstance(wamid, str) or not wamid:
            # It said yes and not to what: only a status can tell.
            raise SendError(ErrorClass.AMBIGUOUS, "no_message_id")
        return Accepted(wamid)

    def mark_read(self, sender: Sender, wamid: str, *, is_typing: bool) -> None:
        """Mark a message as read; see `WhatsAppBackend`."""
        body: dict[str, Any] = {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": wamid,
        }
        if is_typing:
            body["typing_indicator"] = {"type": "text"}
        self._post(sender, f"/{sender.phone_number_id}/messages", body)

    def fetch_media(self, sender: Sender, media_id: str, *, limit_bytes: int) -> tuple[bytes, str]:
        """Download a file; see `WhatsAppBackend`."""
        found = self._call(sender, "GET", f"{self._base_url}/{media_id}")
        url = found.get("url")
        if not isinstance(url, str) or not self._may_fetch(url):
            raise MediaGoneError("no_url")
        headers = {"Authorization": f"Bearer {sender.token}"}
        try:
            with self._client.stream("GET", url, headers=headers) as answer:
                if answer.status_code != 200:
                    raise MediaGoneError(str(answer.status_code))
                content = b""
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > limit_bytes:
                        raise MediaGoneError("too_large")
                kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        except httpx2.HTTPError as error:
            raise SendError(ErrorClass.RETRY, type(error).__name__) from error
        return content, kind

    def _may_fetch(self, url: str) -> bool:
        """Tell whether a file's address is Meta's own: our token travels there."""
        try:
            parts, own = urlsplit(url), urlsplit(self._base_url)
            if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
                return True
            host = parts.hostname or ""
            return (
                parts.scheme == "https"
                and parts.port in (None, 443)
                and (host.endswith(MEDIA_HOSTS))
            )
        except ValueError:
            return False

    def upload_media(self, sender: Sender, content: bytes, *, mime_type: str, name: str) -> str:
        """Upload a file; see `WhatsAppBackend`."""
        try:
            answer = self._call(
                sender,
                "POST",
                f"{self._base_url}/{sender.phone_number_id}/media",
                data={"messaging_product": "whatsapp", "type": mime_type},
                files={"file": (name, content, mime_type)},
            )
        except SendError as error:
            if error.error_class is not ErrorClass.AMBIGUOUS:
                raise
            # Nobody sees a file that was uploaded twice; the message itself was not sent.
            raise SendError(ErrorClass.RETRY, error.code) from error
        media_id = answer.get("id")
        if not isinstance(media_id, str):
            raise SendError(ErrorClass.RETRY, "no_media_id")
        return media_id

    def _post(self, sender: Sender, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._call(sender, "POST", f"{self._base_url}{path}", json=dict(body))

    def _call(self, sender: Sender, method: str, url: str, **fields: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {sender.token}"}
        try:
            answer = self._client.request(method, url, headers=headers, **fields)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            # No connection, so nothing was taken.
            raise SendError(ErrorClass.RETRY, type(error).__name__) from error
        except httpx2.HTTPError as error:
            raise SendError(ErrorClass.AMBIGUOUS, type(error).__name__) from error
        return _read_answer(answer)


def _read_answer(answer: httpx2.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if answer.status_code < 300:
        if not isinstance(body, dict):
            raise SendError(ErrorClass.AMBIGUOUS, "unreadable_answer")
        return body
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    number = code if isinstance(code, int) and not isinstance(code, bool) else -1
    # A proxy's 502 or 504 may hide that Meta had taken it.
    if number == -1 and answer.status_code in (502, 504):
        raise SendError(ErrorClass.AMBIGUOUS, f"http_{answer.status_code}")
    raise SendError(
        classify_error(number, answer.status_code),
        str(number) if number != -1 else f"http_{answer.status_code}",
        retry_after_seconds=_retry_after(answer),
    )


def _retry_after(answer: httpx2.Response) -> float:
    try:
        return max(0.0, min(3600.0, float(answer.headers.get("retry-after", "0"))))
    except ValueError:
        return 0.0


def build_cloud_backend() -> CloudBackend:
    """Return the back end of this installation's settings."""
    return CloudBackend(settings.WHATSAPP_BASE_URL)
