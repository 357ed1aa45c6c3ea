"""`manage.py restore`: put a backup back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.backup.manifest import BackupError
from core.backup.service import restore_backup


class Command(BaseCommand):
    """Refuse a target that is not empty, unless forced."""

    help = (
        "Replace the database and the files by those of a backup, after comparing every checksum. "
        "Stop the web servers and workers first."
    )
    # The checks of some apps ask tables that a restore is about to make.
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take which backup, and whether what is there may be lost."""
        parser.add_argument("folder", type=Path, help="folder that `manage.py backup` printed")
        parser.add_argument(
            "--force", action="store_true", help="replace what is there; it is lost"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore it and say what to do next.

        Raises:
            CommandError: it was not restored.
        """
        try:
            done = restore_backup(
                folder=options["folder"], is_forced=options["force"], report=self.stdout.write
            )
        except BackupError as error:
            raise CommandError(str(error)) from error
        if done.waiting_migrations:
            self.stdout.write(
                f"This code has {done.waiting_migrations} newer migrations: run "
                "'python manage.py migrate'."
            )
        self.stdout.write("Restored. Look at the books with 'python manage.py verify_ledger'.")
