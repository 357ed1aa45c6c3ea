"""The nightly aggregation: from runs and results to the figures that recommendations stand on.

Everything is counted anew each time, so a correction, a rejected proof or an erased person is gone
from the figures the night after. Safe to run twice, at the same time, and to be killed: figures
change in one transaction, or not at all.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from datetime import datetime

from django.db import connection, transaction

from core import clock
from core.errors import ConflictError
from workflows.aggregation import fitting, postgresql
from workflows.models import AggregationRun, AggregationState

logger = logging.getLogger(__name__)


class AggregationRunningError(ConflictError):
    """Another aggregation is under way, or finished while this one was counting."""

    def __init__(self) -> None:
        super().__init__(
            "aggregation_running", "Another aggregation is under way; its figures will do."
        )


def aggregate_performance(*, now: datetime | None = None) -> AggregationRun:
    """Count successes and values of every workflow, market and cohort anew.

    The run's row is written first, in a transaction of its own, so that a killed aggregation shows;
    the next one marks it interrupted.

    Args:
        now: the moment the figures stand for; the present one by default.

    Raises:
        AggregationRunningError: another one is faster; nothing is changed.
    """
    run = AggregationRun.objects.create(started_at=now or clock.now())
    begun = time.monotonic()
    try:
        if connection.vendor == "postgresql":
            _count_on_postgresql(run)
        else:
            _count_on_sqlite(run)
    except Exception as error:
        AggregationRun.objects.filter(pk=run.pk, state=AggregationState.RUNNING).update(
            state=AggregationState.FAILED, ended_at=clock.now(), error=type(error).__name__
        )
        raise
    run.seconds = round(time.monotonic() - begun, 3)
    AggregationRun.objects.filter(pk=run.pk).update(seconds=run.seconds)
    logger.info(
        "aggregation.completed",
        extra={
            "run_id": run.public_id,
            "outcomes": run.outcomes_read,
            "votes": run.votes_counted,
            "rows": run.rows_written,
            "seconds": run.seconds,
        },
    )
    return run


def _count_on_postgresql(run: AggregationRun) -> None:
    with transaction.atomic():
        if not postgresql.take_lock():
            raise AggregationRunningError
        run.outcomes_read, values = postgresql.write_values(run.pk)
        run.votes_counted, counts = postgresql.write_successes(run.pk, run.started_at)
        _finish(run, values + counts)


def _count_on_sqlite(run: AggregationRun) -> None:
    # Imported here: it loads NumPy, which no server and no installation on PostgreSQL needs.
    from workflows.aggregation import sqlite

    # Reading first: a transaction here would keep everybody else from writing for seconds.
    (run.outcomes_read, values), (run.votes_counted, counts) = sqlite.read_all(run.started_at)
    with transaction.atomic():
        if AggregationRun.objects.filter(pk__gt=run.pk, state=AggregationState.COMPLETED).exists():
            raise AggregationRunningError
        sqlite.write_values(run.pk, values)
        sqlite.write_successes(run.pk, counts)
        _finish(run, len(values) + len(counts))


def _finish(run: AggregationRun, rows: int) -> None:
    """Fit, and close the run, in the transaction that changes the figures."""
    run.fitted = asdict(fitting.fit_strengths())
    run.rows_written = rows + fitting.write_spreads(run.pk)
    run.state = AggregationState.COMPLETED
    run.ended_at = clock.now()
    run.save()
    # An earlier one still marked as running was killed, or will find that it came too late.
    AggregationRun.objects.filter(pk__lt=run.pk, state=AggregationState.RUNNING).update(
        state=AggregationState.INTERRUPTED, ended_at=run.ended_at
    )
