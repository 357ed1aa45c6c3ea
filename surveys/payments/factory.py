"""Which provider stands behind a name, and whether this server has it."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from accounts.models import Company
from surveys.payments.base import PayoutProvider

#: Parley's own ledger: pay becomes credit in a wallet, no outside call.
LOCAL = "local"
STRIPE = "stripe"


def provider_name_for(company: Company) -> str:
    """Return which provider pays this company's respondents; play money never leaves the house."""
    return LOCAL if company.is_demo else str(settings.PAYOUT_PROVIDER)


def is_configured(name: str) -> bool:
    """Tell whether an outside provider can be used on this server."""
    return name == STRIPE and bool(settings.STRIPE_SECRET_KEY)


def configured_providers() -> tuple[str, ...]:
    """Return the names of the outside providers that can be used on this server."""
    return tuple(name for name in (STRIPE,) if is_configured(name))


def has_outside_provider() -> bool:
    """Tell whether credit on this server can become real money."""
    return bool(configured_providers())


def get_provider(name: str) -> PayoutProvider:
    """Return the outside provider of this name, ready to call.

    Raises:
        ImproperlyConfigured: there is none, or its key is not set.
    """
    if name == STRIPE and settings.STRIPE_SECRET_KEY:
        # Imported by need: the library takes a sixth of a second that most servers never use.
        from surveys.payments.stripe import StripeProvider

        return StripeProvider(
            secret_key=settings.STRIPE_SECRET_KEY,
            webhook_secret=settings.STRIPE_WEBHOOK_SECRET,
            api_base=settings.STRIPE_API_BASE,
            timeout_seconds=settings.STRIPE_TIMEOUT_SECONDS,
        )
    raise ImproperlyConfigured(
        f"No payout provider {name!r} is set up. For Stripe set STRIPE_SECRET_KEY."
    )
