"""A Graph API of our own, for the simulator's page: it takes messages, fails and answers as told.

Owns what Meta's servers would do with a send: refuse it, take it and say so, or take it and not
say so; and which webhooks follow. Knows nothing of conversations: only phones and bodies.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from core import clock
from core.ids import new_id
from core.jobs import nudge
from messaging.models import (
    BusinessNumber,
    SimulatedFaults,
    SimulatedMessage,
    SimulatedPhone,
    SimulatedWebhook,
)
from messaging.storage import read_media, save_media
from messaging.whatsapp.base import (
    Accepted,
    ErrorClass,
    MediaGoneError,
    Recipient,
    Sender,
    SendError,
    classify_error,
)

DELIVER_JOB = "messaging.deliver_simulated"
WINDOW_HOURS = 24
STATUS_STEP_SECONDS = 0.4
TYPING_SECONDS = 25.0
FOLDER = "simulator"
_ATTACHMENT = re.compile(rf"{FOLDER}/file_[0-9a-z]+")


class SimulatorBackend:
    """See `WhatsAppBackend`."""

    def send(
        self, sender: Sender, recipient: Recipient, message: Mapping[str, Any], *, opaque: str
    ) -> Accepted:
        """Show a message on the phone, or fail as the faults say."""
        number = BusinessNumber.objects.get(phone_number_id=sender.phone_number_id)
        faults, _ = SimulatedFaults.objects.get_or_create(number=number)
        if faults.latency_milliseconds:
            time.sleep(min(20_000, faults.latency_milliseconds) / 1000)
        if faults.error_code is not None and _use_up(faults, "error_count"):
            raise SendError(classify_error(faults.error_code, 400), str(faults.error_code))
        phone = _phone_of(number, recipient)
        if message.get("type") != "template" and not _is_open(phone, faults):
            raise SendError(ErrorClass.WINDOW, "131047")
        wamid = f"wamid.sim.{new_id('m')}"
        with transaction.atomic():
            SimulatedMessage.objects.create(
                phone=phone,
                is_outgoing=False,
                wamid=wamid,
                type=str(message.get("type", "")),
                body=dict(message),
                opaque=opaque,
                status="accepted",
                at=clock.now(),
            )
            SimulatedPhone.objects.filter(pk=phone.pk).update(typing_until=None)
            if not faults.has_no_statuses:
                for step, status in enumerate(("sent", "delivered")):
                    queue_status(
                        phone,
                        wamid,
                        status,
                        opaque=opaque,
                        delay_seconds=faults.status_delay_seconds + step * STATUS_STEP_SECONDS,
                    )
        if _use_up(faults, "loses_answers"):
            raise SendError(ErrorClass.AMBIGUOUS, "ReadTimeout")
        return Accepted(wamid)

    def mark_read(self, sender: Sender, wamid: str, *, is_typing: bool) -> None:
        """Give the person's messages up to this one their blue ticks, and show the typing sign."""
        marked = SimulatedMessage.objects.filter(wamid=wamid, is_outgoing=True).first()
        if marked is None:
            return
        SimulatedMessage.objects.filter(
            phone=marked.phone_id, is_outgoing=True, pk__lte=marked.pk
        ).update(status="read")
        if is_typing:
            SimulatedPhone.objects.filter(pk=marked.phone_id).update(
                typing_until=clock.now() + timedelta(seconds=TYPING_SECONDS)
            )

    def fetch_media(self, sender: Sender, media_id: str, *, limit_bytes: int) -> tuple[bytes, str]:
        """Return a file that was attached on the phone."""
        content = read_attachment(media_id)
        if content is None:
            raise MediaGoneError("not_found")
        if len(content) > limit_bytes:
            raise MediaGoneError("too_large")
        return content, ""

    def upload_media(self, sender: Sender, content: bytes, *, mime_type: str, name: str) -> str:
        """Keep a file for the phone to show."""
        return save_media(content, folder=FOLDER)


def read_attachment(media_id: str) -> bytes | None:
    """Return a file a phone holds, or None: what is named may be anything, even another's file."""
    if not _ATTACHMENT.fullmatch(media_id):
        return None
    try:
        return read_media(media_id)
    except OSError:
        return None


def _use_up(faults: SimulatedFaults, counter: str) -> bool:
    """Take one of the failures that are left; of many sends at once each takes one."""
    left = SimulatedFaults.objects.filter(pk=faults.pk, **{f"{counter}__gt": 0})
    return bool(left.update(**{counter: F(counter) - 1}))


def _phone_of(number: BusinessNumber, recipient: Recipient) -> SimulatedPhone:
    phones = SimulatedPhone.objects.filter(number=number)
    found = None
    if recipient.phone:
        found = phones.filter(wa_id=recipient.phone).first()
    if found is None and recipient.bsuid:
        found = phones.filter(user_id=recipient.bsuid).first()
    if found is None:
        raise SendError(ErrorClass.NEVER, "131026")
    return found


def _is_open(phone: SimulatedPhone, faults: SimulatedFaults) -> bool:
    if faults.is_window_closed:
        return False
    last = SimulatedMessage.objects.filter(phone=phone, is_outgoing=True).order_by("-at").first()
    return last is not None and clock.now() - last.at < timedelta(hours=WINDOW_HOURS)


# --- webhooks --------------------------------------------------------------------------------


def queue_status(
    phone: SimulatedPhone,
    wamid: str,
    status: str,
    *,
    opaque: str = "",
    delay_seconds: float = 0,
    error_code: int | None = None,
) -> None:
    """Send a status webhook after a while; in the caller's transaction."""
    item: dict[str, Any] = {
        "id": wamid,
        "status": status,
        "timestamp": str(int(clock.now().timestamp())),
        "recipient_id": phone.wa_id,
    }
    if opaque:
        item["biz_opaque_callback_data"] = opaque
    if error_code is not None:
        item["errors"] = [{"code": error_code, "title": "Message undeliverable"}]
    queue_webhook(phone.number, {"statuses": [item]}, delay_seconds=delay_seconds)


def queue_message(phone: SimulatedPhone, item: Mapping[str, Any]) -> None:
    """Send a message webhook; in the caller's transaction."""
    contact: dict[str, Any] = {"profile": {"name": phone.name}, "user_id": phone.user_id}
    sent = {**item, "from_user_id": phone.user_id}
    if not phone.hides_phone:
        contact["wa_id"] = phone.wa_id
        sent["from"] = phone.wa_id
    faults, _ = SimulatedFaults.objects.get_or_create(number=phone.number)
    queue_webhook(
        phone.number,
        {"contacts": [contact], "messages": [sent]},
        delay_seconds=1.5 if faults.reorders and _is_even(str(item.get("id", ""))) else 0,
    )


def queue_webhook(
    number: BusinessNumber, value: Mapping[str, Any], *, delay_seconds: float = 0
) -> None:
    """Put a body on its way to our own webhook; in the caller's transaction."""
    body = {
        "object": "whatsapp_business_account",
        "entry": [
            {
                "id": "simulator",
                "changes": [
                    {
                        "field": "messages",
                        "value": {
                            "messaging_product": "whatsapp",
                            "metadata": {
                                "display_phone_number": number.display_number,
                                "phone_number_id": number.phone_number_id,
                            },
                            **value,
                        },
                    }
                ],
            }
        ],
    }
    faults = SimulatedFaults.objects.filter(number=number).first()
    SimulatedWebhook.objects.create(
        number=number,
        body=json.dumps(body, ensure_ascii=False),
        due_at=clock.now() + timedelta(seconds=delay_seconds),
        repeats_left=faults.repeats if faults else 0,
    )
    nudge(DELIVER_JOB)


def _is_even(text: str) -> bool:
    return hashlib.sha256(text.encode()).digest()[0] % 2 == 0
