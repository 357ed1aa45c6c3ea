"""Play the widget's whole flow against a running server, without a front end."""

from __future__ import annotations

import json
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from accounts.models import Company
from accounts.services.api_keys import create_api_key
from surveys.demo.content import DEMO_SLUG
from surveys.simulation.flow import FlowOptions, WidgetFlow
from surveys.simulation.http_client import JsonClient, RefusedError, UnreachableError
from surveys.simulation.notes_app import DETAILED, QUICK


class Command(BaseCommand):
    help = (
        "Create a survey on a running server, talk to it as several visitors, show their pay and "
        "what the company learns. Needs a company key: --key, PARLEY_KEY, or the demo's data "
        "folder."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sessions", type=int, default=3, help="How many visitors, 1 to 20.")
        parser.add_argument("--url", help="Address of the server; this machine's by default.")
        parser.add_argument("--key", help="Company key (sk_…).")
        parser.add_argument(
            "--words-per-minute",
            type=float,
            default=220.0,
            help="How fast the visitors write. Faster than people can write is held for review.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["sessions"] <= 20:
            raise CommandError("--sessions is a number from 1 to 20.")
        if not 1 <= options["words_per_minute"] <= 1_000_000:
            raise CommandError("--words-per-minute is a number from 1 to 1000000.")
        url = options["url"] or f"http://127.0.0.1:{settings.PORT}"
        try:
            client = JsonClient(url)
        except ValueError as error:
            raise CommandError(f"--url: {error}.") from error
        key = options["key"] or os.environ.get("PARLEY_KEY") or self._demo_key()
        survey = json.loads((settings.BASE_DIR / "example_survey.json").read_text("utf-8"))
        flow = WidgetFlow(
            client,
            FlowOptions(
                key=key,
                sessions=options["sessions"],
                words_per_minute=options["words_per_minute"],
            ),
            self.stdout.write,
        )
        try:
            flow.run(survey, DETAILED, QUICK)
        except (RefusedError, UnreachableError, TimeoutError) as error:
            raise CommandError(str(error)) from error

    def _demo_key(self) -> str:
        """Mint a key for the demo company when its database is the one beside this command.

        A developer's own settings (DEBUG) may lie beside a demo's data folder; production never
        has a key minted for it in passing.
        """
        company = None if settings.PRODUCTION else _demo_company()
        if company is None:
            raise CommandError(
                "A company key is needed: pass --key or set PARLEY_KEY. "
                "'manage.py create_api_key --company SLUG' makes one."
            )
        return create_api_key(company=company, name="widget_flow").plain


def _demo_company() -> Company | None:
    try:
        return Company.objects.filter(slug=DEMO_SLUG, is_demo=True).first()
    except DatabaseError:
        # There is no database here yet: nobody has run the demo.
        return None
