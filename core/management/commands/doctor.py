"""`manage.py doctor`: look at every configured service and say what to do."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.doctor import DEADLINE_SECONDS, examine, probe_names


class Command(BaseCommand):
    """Exit status 0 when nothing fails, 1 when something does."""

    help = "Look at each configured service: OK, WARN or FAIL, and what to do. Changes nothing."
    # The probes run them, and say what they find in the same form as the rest.
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take which probes run, for how long, and how the answer looks."""
        parser.add_argument("--only", nargs="+", metavar="PROBE", help="run these probes alone")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--timeout",
            type=float,
            default=DEADLINE_SECONDS,
            help=f"seconds for all probes together (default {DEADLINE_SECONDS:g})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each probe.

        Raises:
            CommandError: --only names none that exists.
        """
        known = probe_names()
        unknown = sorted(set(options["only"] or ()) - set(known))
        if unknown:
            raise CommandError(f"No probe {', '.join(unknown)}. There are: {', '.join(known)}.")
        found = examine(options["only"] or known, deadline_seconds=options["timeout"])
        failed = [one for one in found if one.status == "FAIL"]
        if options["json"]:
            answer = {
                "status": "fail" if failed else "ok",
                "probes": [one.as_json() for one in found],
            }
            self.stdout.write(json.dumps(answer, indent=2))
        else:
            width = max(len(one.name) for one in found)
            styles = {
                "OK": self.style.SUCCESS,
                "WARN": self.style.WARNING,
                "FAIL": self.style.ERROR,
            }
            for one in found:
                word = styles[one.status](f"{one.status:<4}")
                self.stdout.write(f"{word}  {one.name:<{width}}  {one.what}  ({one.ms} ms)")
                if one.advice and one.status != "OK":
                    self.stdout.write(f"      {'':<{width}}  → {one.advice}")
            warned = sum(one.status == "WARN" for one in found)
            self.stdout.write(f"{len(found)} probes, {warned} warnings, {len(failed)} failures")
        if failed:
            sys.exit(1)
