"""Print a fresh company key and nothing else, so that a shell can catch it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Company
from accounts.services.api_keys import create_api_key


class Command(BaseCommand):
    help = "Create an API key for a company and print it. It is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--company", required=True, help="The company's slug, such as demo.")
        parser.add_argument("--name", default="command line", help="What the key is called.")

    def handle(self, *args: Any, **options: Any) -> None:
        company = Company.objects.filter(slug=options["company"]).first()
        if company is None:
            raise CommandError(
                f"There is no company '{options['company']}'. Run 'manage.py demo' once, or "
                "'manage.py create_company'."
            )
        self.stdout.write(create_api_key(company=company, name=options["name"]).plain)
