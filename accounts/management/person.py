"""How commands name whom they are about: by login, phone or wallet."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import User
from accounts.services.leaving import person_of
from core.privacy import Person


def add_person_arguments(parser: CommandParser) -> None:
    """Add the three ways to name somebody."""
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--email", help="of a login")
    group.add_argument("--phone", help="of a WhatsApp contact, with country code")
    group.add_argument("--wallet", help="wallet_… of a respondent without a login")


def read_person(options: dict[str, Any]) -> tuple[Person, User | None]:
    """Return who is meant, and their login if that is how they were named.

    Raises:
        CommandError: there is no such login, or the number has no digits.
    """
    if options["email"]:
        user = User.objects.filter(email__iexact=options["email"].strip()).first()
        if user is None:
            raise CommandError("There is no login with this e-mail address.")
        return person_of(user), user
    if options["phone"]:
        digits = "".join(char for char in options["phone"] if char in "0123456789")
        if len(digits) < 6:
            raise CommandError("Give the phone number with its country code, such as +34600111222.")
        return Person(phone=digits), None
    return Person(wallet_id=options["wallet"].strip()), None
