"""Delete what orchestration no longer needs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from messaging.services.pruning import RAW_DAYS, RECORD_DAYS, prune_orchestration


class Command(BaseCommand):
    """``manage.py orchestration_prune``."""

    help = (
        "Delete old webhook bodies and turn records, and empty the state of dialogues that are "
        "over. Messages, contacts, carts, orders and tickets stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the ages."""
        parser.add_argument("--raw-days", type=int, default=RAW_DAYS, help="age of bodies to go")
        parser.add_argument(
            "--record-days", type=int, default=RECORD_DAYS, help="age of turn records to go"
        )
        parser.add_argument("--dry-run", action="store_true", help="count, change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prune and say what went.

        Raises:
            CommandError: an age so short that repeats could not be recognised any more.
        """
        if options["raw_days"] < 8 or options["record_days"] < 1:
            raise CommandError(
                "--raw-days is at least 8 (WhatsApp repeats a body for 7 days), "
                "--record-days at least 1."
            )
        pruned = prune_orchestration(
            raw_days=options["raw_days"],
            record_days=options["record_days"],
            is_dry_run=options["dry_run"],
        )
        word = "would go" if options["dry_run"] else "gone"
        for name, count in asdict(pruned).items():
            self.stdout.write(f"{name} {word}: {count}")
