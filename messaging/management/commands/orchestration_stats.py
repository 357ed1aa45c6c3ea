"""Show how the orchestration of WhatsApp conversations is doing, over all companies."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from messaging.metrics import read_stats


class Command(BaseCommand):
    """``manage.py orchestration_stats``."""

    help = "Count messages, turns and what waits. Numbers only: nothing anybody wrote."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the one option."""
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the figures."""
        stats = read_stats()
        if options["json"]:
            self.stdout.write(json.dumps(stats, sort_keys=True))
            return
        width = max(len(name) for name in stats)
        for name, value in stats.items():
            if isinstance(value, dict):
                shown = ", ".join(f"{part} {one}" for part, one in value.items() if one != {})
                self.stdout.write(f"{name.ljust(width)}  {shown or '-'}")
            else:
                self.stdout.write(f"{name.ljust(width)}  {value}")
