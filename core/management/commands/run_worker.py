"""`manage.py run_worker`: run background jobs in a process of their own (PostgreSQL)."""

from __future__ import annotations

import argparse
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from core.jobs.registry import LANES


class Command(BaseCommand):
    """Run jobs, cron jobs and sweeps until SIGINT or SIGTERM."""

    help = "Run background jobs from the PostgreSQL queue. Start as many as there is work for."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the lanes."""
        parser.add_argument(
            "--lanes",
            default=",".join(LANES),
            help=f"which lanes to serve, separated by commas (default: {','.join(LANES)})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the worker, or say what to do instead.

        Raises:
            CommandError: jobs do not run in workers with these settings.
        """
        if not settings.PROCRASTINATE_ENABLED:
            raise CommandError(
                "With SQLite the web server runs background jobs itself, so there is no worker to "
                "start. To run jobs in processes of their own, set DATABASE_URL to a PostgreSQL "
                "database, run 'manage.py migrate', and start this command again."
            )
        if settings.JOBS_MODE == "inline":
            raise CommandError("JOBS_MODE=inline is for tests; unset it to run a worker.")
        from core.jobs.postgres import run_worker

        lanes = [lane.strip() for lane in options["lanes"].split(",") if lane.strip()]
        try:
            run_worker(lanes)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
