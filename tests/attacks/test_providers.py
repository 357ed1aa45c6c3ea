"""Messages that claim to come from a provider, and what they may not make us do."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from django.conf import settings

from accounts.models import Company
from config.tests.test_settings import PRODUCTION, start
from core.jobs.testing import drain
from messaging.models import InboundMedia, OutboundMessage
from messaging.services.intake import receive_webhook
from messaging.tests.shop_world import Phone, make_shop
from messaging.whatsapp.base import MediaGoneError, Sender, SendError
from messaging.whatsapp.cloud import CloudBackend


def _status(number_id: str, wamid: str, status: str, opaque: str = "") -> bytes:
    item = {"id": wamid, "status": status, "timestamp": "1790000000", "recipient_id": "1"}
    if opaque:
        item["biz_opaque_callback_data"] = opaque
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": number_id},
        "statuses": [item],
    }
    change = {"field": "messages", "value": value}
    return json.dumps(
        {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}
    ).encode()


@pytest.mark.django_db
def test_a_status_of_another_number_changes_nothing(acme: Company, globex: Company) -> None:
    phone = Phone(make_shop(acme))
    make_shop(globex, "200000000000002")
    phone.says("hola")
    sent = OutboundMessage.objects.filter(conversation__contact__phone=phone.wa_id).first()
    assert sent is not None
    before = (sent.state, sent.read_at, sent.failed_at)
    wamid = sent.wamid or "wamid.none"

    for number_id in ("200000000000002", "999"):
        for status in ("failed", "read"):
            receive_webhook(raw=_status(number_id, wamid, status, sent.public_id))
    receive_webhook(raw=_status(phone.number.phone_number_id, "wamid.unknown", "failed"))
    drain()

    sent.refresh_from_db()
    assert (sent.state, sent.read_at, sent.failed_at) == before


def test_production_without_the_app_secret_does_not_start(tmp_path: Path) -> None:
    done = start(tmp_path, ["manage.py", "check"], {**PRODUCTION, "WHATSAPP_BACKEND": "cloud"})

    assert done.returncode == 1
    assert "WHATSAPP_APP_SECRET" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.django_db
def test_an_address_in_a_message_is_not_fetched(
    acme: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    asked: list[Any] = []
    look_up = socket.getaddrinfo

    def ask(host: Any, *more: Any, **options: Any) -> Any:
        # The services this installation runs on are its own: Redis, where there is one.
        if host == urlsplit(settings.REDIS_URL).hostname:
            return look_up(host, *more, **options)
        asked.append(host)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    phone = Phone(make_shop(acme))
    inside = "http://169.254.169.254/latest/meta-data/"

    phone.send(
        {
            "type": "image",
            "image": {"id": "media-1", "mime_type": "image/png", "link": inside, "url": inside},
        }
    )
    phone.says(inside)

    assert asked == []
    assert InboundMedia.objects.get().media_id == "media-1"


@pytest.mark.parametrize(
    ("address", "is_fetched"),
    [
        ("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1", True),
        ("https://scontent.whatsapp.net/v/1", True),
        ("https://evil.test/file", False),
        ("https://evilfbsbx.com/file", False),
        ("https://lookaside.fbsbx.com.evil.test/file", False),
        ("https://lookaside.fbsbx.com@evil.test/file", False),
        ("https://graph.facebook.com:8443/file", False),
        ("http://lookaside.fbsbx.com/file", False),
        ("http://169.254.169.254/latest/", False),
        ("https://[::1/", False),
    ],
)
def test_our_token_goes_to_metas_files_alone(
    address: str, is_fetched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    client = CloudBackend("https://graph.facebook.com/v23.0")

    def stream(method: str, url: str, **options: Any) -> Any:
        asked.append(url)
        raise httpx2.ConnectError("not reached in a test")

    monkeypatch.setattr(client, "_call", lambda *a, **k: {"url": address})
    monkeypatch.setattr(client, "_client", SimpleNamespace(stream=stream))
    sender = Sender(phone_number_id="1", token="secret")

    with pytest.raises(SendError if is_fetched else MediaGoneError):
        client.fetch_media(sender, "1", limit_bytes=10)

    assert asked == ([address] if is_fetched else [])
