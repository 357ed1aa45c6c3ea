"""Chooses the back end of this installation."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from messaging.whatsapp.base import WhatsAppBackend

CLOUD = "cloud"
SIMULATOR = "simulator"


def get_backend() -> WhatsAppBackend:
    """Return the back end of the present settings."""
    if settings.WHATSAPP_BACKEND == CLOUD:
        return _cloud(settings.WHATSAPP_BASE_URL)
    from messaging.whatsapp.simulator import SimulatorBackend

    return SimulatorBackend()


@lru_cache(maxsize=4)
def _cloud(base_url: str) -> WhatsAppBackend:
    from messaging.whatsapp.cloud import CloudBackend

    return CloudBackend(base_url)
