"""Create a company from the shell, with an owner who can sign in when one is named."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.services.companies import create_company
from core.errors import ParleyError


class Command(BaseCommand):
    help = "Create a company and print its slug."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="The company's name, as respondents read it.")
        parser.add_argument(
            "--slug", default="", help="Short name; made from the name if left out."
        )
        parser.add_argument(
            "--owner", default="", help="E-mail address of a person with an account."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        owner = None
        if options["owner"]:
            owner = User.objects.filter(email__iexact=options["owner"]).first()
            if owner is None:
                raise CommandError(
                    f"Nobody signs in as {options['owner']}. They can sign up at /account/signup/."
                )
        try:
            company = create_company(name=options["name"], owner=owner, slug=options["slug"])
        except ParleyError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(company.slug)
