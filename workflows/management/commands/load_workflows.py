"""Load the catalogue of workflows from its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.catalogue_file import CATALOGUE_FILE, CatalogueRefusedError, read_catalogue
from workflows.services.catalogue import load_workflows


class Command(BaseCommand):
    help = "Make the catalogue what workflows.json says; running executions keep their version."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "path", nargs="?", type=Path, default=CATALOGUE_FILE, help="Another file."
        )
        parser.add_argument("--check", action="store_true", help="Check the file, store nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["check"]:
                count = len(read_catalogue(options["path"]))
                self.stdout.write(f"{count} workflows, all well formed.")
                return
            report = load_workflows(path=options["path"])
        except CatalogueRefusedError as error:
            listed = "\n".join(f"  {fault}" for fault in error.faults)
            raise CommandError(
                f"The file was refused, the catalogue stays as it was:\n{listed}"
            ) from None
        for word, names in (
            ("new", report.created),
            ("changed", report.changed),
            ("unchanged", report.unchanged),
            ("retired", report.retired),
        ):
            if names:
                self.stdout.write(f"{word}: {', '.join(names)}")
