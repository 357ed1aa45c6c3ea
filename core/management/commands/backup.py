"""`manage.py backup`: copy database and files, with a manifest of checksums."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.backup.manifest import BackupError
from core.backup.service import make_backup


class Command(BaseCommand):
    """Print the folder of the backup last."""

    help = (
        "Copy the database (one consistent moment) and the files into a folder with a manifest. "
        "The product goes on meanwhile. Secrets of the environment are not in it: keep SECRET_KEY "
        "and the other keys elsewhere."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take where it goes and what is in it."""
        parser.add_argument("--into", type=Path, help="folder (default: DATA_DIR/backups)")
        parser.add_argument(
            "--include-bucket", action="store_true", help="copy the files of the S3 bucket too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it.

        Raises:
            CommandError: it could not be made.
        """
        into = options["into"] or settings.DATA_DIR / "backups"
        try:
            folder = make_backup(
                into=Path(into),
                include_bucket=options["include_bucket"],
                report=self.stderr.write,
            )
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(str(folder))
