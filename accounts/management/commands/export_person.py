"""Print everything held about one person, in all apps, as JSON."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.management.person import add_person_arguments, read_person
from core import audit
from core.privacy import export_everything


class Command(BaseCommand):
    help = "Print everything held about a person as JSON, for a request of access."

    def add_arguments(self, parser: CommandParser) -> None:
        add_person_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        person, user = read_person(options)
        found = export_everything(person)
        audit.record_event(
            actor="system", action="person.exported", object_ref=user or person.wallet_id or "phone"
        )
        self.stdout.write(json.dumps(found, ensure_ascii=False, indent=2))
