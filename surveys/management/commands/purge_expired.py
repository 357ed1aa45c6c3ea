"""Erase answers whose retention period is over, now instead of tonight."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from surveys.services.erasure import purge_expired


class Command(BaseCommand):
    help = "Erase answers older than their survey's or company's retention period."

    def handle(self, *args: Any, **options: Any) -> None:
        total = 0
        while purged := purge_expired():
            total += purged
        self.stdout.write(f"Erased {total} answers whose retention period is over.")
