"""System checks: what is switched off for want of a variable, and what that means.

Warnings, never errors: everything has a default that works without a key. Errors are left for
settings that contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register


@register("parley", deploy=True)
def check_switched_off(
    app_configs: Sequence[Any] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Name each part that runs in its built-in form (shown by ``check --deploy``)."""
    found: list[CheckMessage] = []

    def missing(number: int, off: str, what_to_set: str) -> None:
        found.append(checks.Warning(off, hint=what_to_set, id=f"parley.W{number:03}"))

    if settings.DATABASE_IS_SQLITE:
        missing(1, "SQLite allows one server process.", "Set DATABASE_URL to PostgreSQL.")
    if not settings.REDIS_URL:
        missing(2, "Live events and limits stay inside one process.", "Set REDIS_URL.")
    if not settings.LLM_ENABLED:
        missing(
            3,
            "The built-in rule-based agents interview and evaluate.",
            "Set OPENAI_API_KEY, or OPENAI_BASE_URL for a compatible server.",
        )
    if not settings.LIVEKIT_URL:
        missing(
            4,
            "Voice rooms are off.",
            "Set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET.",
        )
    if not settings.STRIPE_SECRET_KEY:
        missing(
            5,
            "Pay stays in Parley's own ledger.",
            "Set STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET and PAYOUT_PROVIDER=stripe.",
        )
    if not settings.EMAIL_HOST:
        missing(6, "E-mail is written to files in DATA_DIR.", "Set EMAIL_HOST and its companions.")
    if not settings.AWS_STORAGE_BUCKET_NAME:
        missing(7, "Files stay in a local folder.", "Set AWS_STORAGE_BUCKET_NAME.")
    if not settings.METRICS_TOKEN:
        missing(8, "Nobody can read /metrics.", "Set METRICS_TOKEN.")
    if not settings.SECURITY_CONTACT:
        missing(9, "There is no security.txt.", "Set SECURITY_CONTACT to an address or URL.")
    if not settings.ADMIN_REQUIRE_2FA:
        missing(10, "The admin asks for a password only.", "Set ADMIN_REQUIRE_2FA=true.")
    return found


@register(Tags.security)
def check_contradictions(
    app_configs: Sequence[Any] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Refuse settings that would fail, or be unsafe, only once somebody uses them."""
    found: list[CheckMessage] = []
    livekit = [settings.LIVEKIT_URL, settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET]
    if any(livekit) and not all(livekit):
        found.append(
            Error(
                "LiveKit is configured in part.",
                hint="Set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or none of them.",
                id="parley.E001",
            )
        )
    if settings.PAYOUT_PROVIDER == "stripe" and not settings.STRIPE_SECRET_KEY:
        found.append(
            Error(
                "PAYOUT_PROVIDER is stripe and there is no key for it.",
                hint="Set STRIPE_SECRET_KEY, or PAYOUT_PROVIDER=local.",
                id="parley.E002",
            )
        )
    if settings.STRIPE_SECRET_KEY and not settings.STRIPE_WEBHOOK_SECRET:
        found.append(
            Error(
                "Stripe's webhooks cannot be verified.",
                hint="Set STRIPE_WEBHOOK_SECRET to the signing secret of the endpoint.",
                id="parley.E003",
            )
        )
    if settings.PRODUCTION and len(settings.SECRET_KEY) < 40:
        found.append(
            Error(
                "SECRET_KEY is short enough to guess.",
                hint="Set SECRET_KEY to at least 50 random characters.",
                id="parley.E004",
            )
        )
    return found
