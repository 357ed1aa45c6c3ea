"""Post money a company has paid in. For administrators: it is how funding enters the books."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.models import Company
from core.errors import InvalidInputError
from core.money import format_money, to_minor
from surveys.selectors.money import funds_of
from surveys.services import funding


class Command(BaseCommand):
    """``manage.py fund_company SLUG AMOUNT [--currency USD] [--note …] [--reference …]``."""

    help = "Post funding for a company; surveys that wait for a budget are filled from it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("company", help="slug of the company, such as demo")
        parser.add_argument("amount", help="decimal amount, such as 250.00")
        parser.add_argument("--currency", default="USD")
        parser.add_argument("--note", default="", help="where the money came from")
        parser.add_argument("--reference", help="of the payment; the same one is posted once")

    def handle(self, *args: Any, **options: Any) -> None:
        """Post the amount and say what the company has now."""
        company = Company.objects.filter(slug=options["company"]).first()
        if company is None:
            self._refuse(f"There is no company with the slug {options['company']!r}.")
            return
        currency = options["currency"].upper()
        try:
            funding.fund_company(
                company=company,
                amount_minor=to_minor(options["amount"], currency),
                currency=currency,
                note=options["note"],
                idempotency_key=options["reference"],
                actor="command",
            )
        except (ValueError, InvalidInputError) as error:
            self._refuse(str(error))
            return
        kind = "play money" if company.is_demo else "money"
        for funds in funds_of(company):
            self.stdout.write(
                f"{company.name}: {format_money(funds.posted_minor, funds.currency)} of {kind} "
                f"posted in all, {format_money(funds.funding_minor, funds.currency)} not set "
                "aside for a survey."
            )

    def _refuse(self, reason: str) -> None:
        self.stderr.write(reason)
        sys.exit(1)
