"""Which sender this process uses."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from webhooks.outbound.base import WebhookSender
from webhooks.outbound.http import HttpSender


def get_sender() -> WebhookSender:
    """Return the sender; loading the system's authorities takes a while, so it is kept."""
    return _build(settings.WEBHOOK_TIMEOUT_SECONDS)


@lru_cache(maxsize=1)
def _build(timeout_seconds: float) -> HttpSender:
    return HttpSender(timeout_seconds=timeout_seconds)
