"""Fills the database of a server under test. Runs in a process of its own, with its environment.

    python -m tests.browser.world

Prints a company key and the secret of its signatures; the tests then work as a company would.
"""

from __future__ import annotations

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def seed() -> dict[str, str]:
    """Make the tables, a company with money, its key and the secret it signs its users with."""
    from django.core.management import call_command

    from accounts.models import User
    from accounts.services.api_keys import create_api_key
    from accounts.services.companies import create_company
    from surveys.services.funding import fund_company
    from surveys.services.identity import identity_secret

    call_command("migrate", interactive=False, verbosity=0)
    owner = User.objects.create_user("ana@acme.test", "a-long-password-1", full_name="Ana Ruiz")
    company = create_company(name="Acme", owner=owner)
    fund_company(
        company=company,
        amount_minor=10_000_000,
        currency="USD",
        note="for the tests",
        idempotency_key="browser-tests",
    )
    return {
        "key": create_api_key(company=company, name="browser tests").plain,
        "identity_secret": identity_secret(company),
    }


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(seed()))
