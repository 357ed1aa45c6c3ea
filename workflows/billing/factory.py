"""Which way to pay stands behind a name, and which one new purchases use."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from workflows.billing.base import PlanBilling
from workflows.billing.local import LocalBilling

LOCAL = "local"
STRIPE = "stripe"


def default_provider() -> str:
    """Return how new purchases are paid; a demo's money is never real."""
    if settings.DEMO or settings.PLAN_PAYMENTS != STRIPE:
        return LOCAL
    return STRIPE


def is_configured(name: str) -> bool:
    """Tell whether a way to pay can be used on this server."""
    return name == LOCAL or (name == STRIPE and bool(settings.STRIPE_SECRET_KEY))


def get_provider(name: str) -> PlanBilling:
    """Return the way to pay of this name, ready to call.

    Raises:
        ImproperlyConfigured: there is none, or its key is not set.
    """
    if name == LOCAL:
        return LocalBilling()
    if is_configured(name):
        # Imported by need: the library takes a sixth of a second that most servers never use.
        from workflows.billing.stripe import StripeBilling

        return StripeBilling(
            secret_key=settings.STRIPE_SECRET_KEY,
            webhook_secret=settings.STRIPE_PLANS_WEBHOOK_SECRET,
            api_base=settings.STRIPE_API_BASE,
            timeout_seconds=settings.STRIPE_TIMEOUT_SECONDS,
        )
    raise ImproperlyConfigured(
        f"No way to pay plans called {name!r} is set up. For Stripe set STRIPE_SECRET_KEY."
    )
