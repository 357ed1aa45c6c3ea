"""Probes of money: Stripe's key, and the rows that wait to be scored and paid."""

from __future__ import annotations

from django.conf import settings

from core.doctor import Finding, ask, judge_ages, register_probe
from surveys.metrics import read_gauges


def probe_stripe() -> Finding:
    """Read the balance, which needs the key and moves nothing."""
    key = settings.STRIPE_SECRET_KEY
    if not key:
        return Finding("OK", "not configured: pay stays in Parley's own ledger")
    status, body = ask(f"{settings.STRIPE_API_BASE}/v1/balance", basic=key)
    if status in (401, 403):
        return Finding("FAIL", f"Stripe refuses the key ({status})", "Set STRIPE_SECRET_KEY anew.")
    if status != 200:
        return Finding("FAIL", f"Stripe answers {status}", "Payouts wait and are tried again.")
    if settings.PRODUCTION and body.get("livemode") is False:
        return Finding("WARN", "this is a test key", "Payouts move no real money with it.")
    return Finding("OK", f"the key works ({'live' if body.get('livemode') else 'test'})")


def probe_pay_queue() -> Finding:
    """See how long scoring, pay and insights have waited."""
    return judge_ages(
        read_gauges(), "parley_queue_oldest_seconds", ("evaluation", "payout", "insights")
    )


register_probe("stripe", probe_stripe)
register_probe("pay-queue", probe_pay_queue)
