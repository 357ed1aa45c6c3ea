"""Write a survey's answers to standard output or a file, as the console's export does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Company
from core.csv_export import iter_csv, iter_jsonl
from core.errors import NotFoundError
from surveys.selectors.surveys import survey_of
from surveys.services import exports


class Command(BaseCommand):
    help = "Export a survey's answers as CSV or JSON lines."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("survey_id", help="survey_…")
        parser.add_argument("--company", required=True, help="The company's slug.")
        parser.add_argument("--format", choices=["csv", "jsonl"], default="csv")
        parser.add_argument("--bom", action="store_true", help="Byte order mark, for Excel.")
        parser.add_argument("--output", help="File to write; standard output without it.")

    def handle(self, *args: Any, **options: Any) -> None:
        company = Company.objects.filter(slug=options["company"]).first()
        if company is None:
            raise CommandError(f"There is no company '{options['company']}'.")
        try:
            survey = survey_of(company, options["survey_id"])
        except NotFoundError as error:
            raise CommandError(error.detail) from error
        if options["format"] == "csv":
            chunks = iter_csv(
                exports.csv_header(survey), exports.csv_rows(survey), bom=options["bom"]
            )
        else:
            chunks = iter_jsonl(exports.jsonl_rows(survey))
        if options["output"] is None:
            for chunk in chunks:
                self.stdout.write(chunk, ending="")
            return
        with Path(options["output"]).open("w", encoding="utf-8", newline="") as handle:
            handle.writelines(chunks)
