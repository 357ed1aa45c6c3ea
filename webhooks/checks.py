"""System checks: settings of webhooks that are for a development machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, register


@register("parley")
def check_loopback(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Say when webhooks may go to this machine itself."""
    if not settings.WEBHOOK_ALLOW_LOOPBACK:
        return []
    return [
        checks.Warning(
            "Webhooks may be sent to programs on this machine, without TLS.",
            hint="Unset WEBHOOK_ALLOW_LOOPBACK unless you are trying webhooks out.",
            id="webhooks.W001",
        )
    ]
