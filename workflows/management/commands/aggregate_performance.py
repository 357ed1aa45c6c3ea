"""Count the figures that recommendations stand on, now instead of tonight."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workflows.services.aggregation import AggregationRunningError, aggregate_performance


class Command(BaseCommand):
    help = "Count successes and values of workflows anew; the scheduler does so every night."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = aggregate_performance()
        except AggregationRunningError as error:
            raise CommandError(error.detail) from None
        self.stdout.write(
            f"{run.outcomes_read} outcomes and {run.votes_counted} starts counted, "
            f"{run.rows_written} rows written in {run.seconds:.2f} s ({run.public_id})."
        )
