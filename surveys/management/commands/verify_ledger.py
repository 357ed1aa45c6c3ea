"""Check the books: exit status 0 when they are right, 1 with a line for each thing that is not."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from surveys.models import LedgerEntry, LedgerTransaction
from surveys.selectors.ledger_check import verify_ledger


class Command(BaseCommand):
    """``manage.py verify_ledger``."""

    help = "Check that the ledger balances and agrees with payouts, reservations and withdrawals."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what is wrong, or that nothing is."""
        problems = verify_ledger()
        for problem in problems:
            self.stderr.write(problem)
        if problems:
            sys.exit(1)
        self.stdout.write(
            f"The ledger is right: {LedgerTransaction.objects.count()} transactions, "
            f"{LedgerEntry.objects.count()} entries."
        )
