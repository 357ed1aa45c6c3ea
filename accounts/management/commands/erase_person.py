"""Erase one person in all apps, once nothing stands in the way."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.management.person import add_person_arguments, read_person
from accounts.services.leaving import carry_out, request_erasure
from core import audit
from core.errors import ParleyError
from core.privacy import erase_everywhere, find_obstacles


class Command(BaseCommand):
    help = "Erase a person in all apps. Books of payments stay, without a name."

    def add_arguments(self, parser: CommandParser) -> None:
        add_person_arguments(parser)
        parser.add_argument(
            "--give-up-credit",
            action="store_true",
            help="they know that the money left in their wallet is lost to them",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        person, user = read_person(options)
        gives_up = options["give_up_credit"]
        try:
            if user is not None:
                row = request_erasure(user=user, gives_up_credit=gives_up, actor="system")
                if not carry_out(request_id=row.public_id):
                    self.stdout.write(
                        "The account is closed. Something cannot go yet (an answer is being "
                        "scored, or a film made); a job tries again until it is done."
                    )
                    return
            else:
                for obstacle in find_obstacles(person):
                    if not (obstacle.can_be_waived and gives_up):
                        raise CommandError(obstacle.detail)
                erase_everywhere(person)
                audit.record_event(
                    actor="system", action="person.erased", object_ref=person.wallet_id or "phone"
                )
        except ParleyError as error:
            raise CommandError(error.detail) from error
        self.stdout.write("Erased.")
