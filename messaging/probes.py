"""Probes of WhatsApp: number, token and app secret at Meta, and the messages that wait."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings

from core.doctor import Finding, ask, judge_ages, register_probe
from messaging.metrics import read_gauges

_APP_SECRET_WRONG = 100
_TOKEN_WRONG = 190


def probe_whatsapp() -> Finding:
    """Read the number with the token, proved by the app secret: one call tests all three."""
    if settings.WHATSAPP_BACKEND != "cloud":
        return Finding("OK", "the simulator: no account is needed")
    missing = [
        name
        for name in ("WHATSAPP_TOKEN", "WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_VERIFY_TOKEN")
        if not getattr(settings, name)
    ]
    if missing:
        return Finding("FAIL", f"not set: {', '.join(missing)}", "Set them from the app's page.")
    token = settings.WHATSAPP_TOKEN
    proof = hmac.new(settings.WHATSAPP_APP_SECRET.encode(), token.encode(), hashlib.sha256)
    status, body = ask(
        f"{settings.WHATSAPP_BASE_URL}/{settings.WHATSAPP_PHONE_NUMBER_ID}",
        bearer=token,
        parameters={
            "fields": "display_phone_number,quality_rating",
            "appsecret_proof": proof.hexdigest(),
        },
    )
    if status == 200:
        quality = str(body.get("quality_rating") or "unknown")
        if quality == "RED":
            return Finding("WARN", "Meta rates the number's quality RED", "Write less, and wanted.")
        return Finding("OK", f"Meta knows the number, quality {quality}")
    error = body.get("error") if isinstance(body.get("error"), dict) else {}
    code = error.get("code") if isinstance(error, dict) else None
    said = str(error.get("message", "")) if isinstance(error, dict) else ""
    if code == _APP_SECRET_WRONG and "appsecret_proof" in said:
        return Finding(
            "FAIL",
            "the app secret does not belong to this token's app",
            "Set WHATSAPP_APP_SECRET from the app's page: until then every webhook is refused.",
        )
    if code == _TOKEN_WRONG or status == 401:
        return Finding("FAIL", "Meta refuses the token", "Make a new one and set WHATSAPP_TOKEN.")
    return Finding(
        "FAIL",
        f"Meta answers {status}, error {code}",
        "See that WHATSAPP_PHONE_NUMBER_ID is the number's id, not the number.",
    )


def probe_message_queue() -> Finding:
    """See how long messages have waited for an answer, or to be sent."""
    return judge_ages(read_gauges(), "parley_whatsapp_queue_oldest_seconds", ("inbox", "outbox"))


register_probe("whatsapp", probe_whatsapp)
register_probe("message-queue", probe_message_queue)
