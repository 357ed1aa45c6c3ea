"""Which way to pay stands behind a name, and which one a company's orders use."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from accounts.models import Company
from messaging.payments.base import PaymentProvider

#: Parley's own page with play money; no outside call.
LOCAL = "local"
STRIPE = "stripe"


def provider_name_for(company: Company) -> str:
    """Return how this company's orders are paid; a demo's money is never real."""
    if company.is_demo or settings.ORDER_PAYMENTS != STRIPE:
        return LOCAL
    return STRIPE


def is_configured(name: str) -> bool:
    """Tell whether an outside provider can be used on this server."""
    return name == STRIPE and bool(settings.STRIPE_SECRET_KEY)


def get_provider(name: str) -> PaymentProvider:
    """Return the outside provider of this name, ready to call.

    Raises:
        ImproperlyConfigured: there is none, or its key is not set.
    """
    if is_configured(name):
        # Imported by need: the library takes a sixth of a second that most servers never use.
        from messaging.payments.stripe import StripeCheckout

        return StripeCheckout(
            secret_key=settings.STRIPE_SECRET_KEY,
            webhook_secret=settings.STRIPE_ORDERS_WEBHOOK_SECRET,
            api_base=settings.STRIPE_API_BASE,
            timeout_seconds=settings.STRIPE_TIMEOUT_SECONDS,
        )
    raise ImproperlyConfigured(
        f"No way to pay orders called {name!r} is set up. For Stripe set STRIPE_SECRET_KEY."
    )
