"""Background jobs of money: one service call each, safe to run twice and in several processes."""

from __future__ import annotations

from core.jobs import job, sweep
from surveys.services import funding, reservations, sending, settlements
from surveys.services.provider_events import EVENTS_JOB, handle_events
from surveys.services.wallets import SEND_JOB


@job(SEND_JOB)
def send_money(key: str) -> None:
    """Send what is due; the key is not used, since one nudge stands for a batch."""
    sending.send_due()


@job(EVENTS_JOB)
def handle_provider_events(key: str) -> None:
    """Act upon stored webhooks; the key is not used."""
    handle_events()


@sweep("surveys.due_reservations", every_seconds=1)
def lapse_reservations() -> None:
    """Give back the reservations of sessions nobody finished in time."""
    reservations.lapse_due()


@sweep("surveys.due_money", every_seconds=1)
def find_due_money() -> None:
    """Nudge the sending of what is due: a lost job, a retry, a killed worker."""
    sending.nudge_due()


@sweep("surveys.standing_money", every_seconds=30)
def settle_standing_money() -> None:
    """Look after what waits for time, for money, or for a webhook that never came."""
    settlements.approve_due()
    funding.settle_budgets()
    settlements.fund_waiting()
    sending.wake_unclaimed()
    handle_events()
