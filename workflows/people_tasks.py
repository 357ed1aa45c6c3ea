"""Background jobs of plans and figures: one service call each, safe to run twice."""

from __future__ import annotations

import logging

from core.jobs import job, nudge, periodic, sweep
from workflows.services.aggregation import AggregationRunningError, aggregate_performance
from workflows.services.billing import CANCEL_JOB, cancel_due

logger = logging.getLogger(__name__)


@periodic("30 2 * * *", name="workflows.aggregate_performance")
def aggregate_every_night() -> None:
    """Count the figures of workflows anew, each night."""
    try:
        aggregate_performance()
    except AggregationRunningError:
        logger.info("aggregation.skipped")


@job(CANCEL_JOB)
def cancel_subscriptions(key: str) -> None:
    """Tell providers about subscriptions that ended here."""
    cancel_due()


@sweep("workflows.due_cancellations", every_seconds=30)
def find_due_cancellations() -> None:
    """Nudge cancellations nobody is working on: a killed job, a provider that was down."""
    nudge(CANCEL_JOB)
