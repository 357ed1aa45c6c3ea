"""A shop with a number, an operator and a survey to open by a word, for tests of the chat's pages.

    python -m tests.browser.shop

Runs in a process of its own with the server's environment; again changes nothing.
"""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

PASSWORD = "a-long-password-1"
PHONE_NUMBER_ID = "300000000000001"
CODE = "CAFE"


def seed() -> None:
    """Give Acme a shop, Beto as its operator, and a survey in Spanish."""
    from accounts.models import Company, Membership, Role, User
    from messaging.demo import prepare_shop
    from messaging.models import BusinessNumber
    from messaging.services.survey_runs import save_keyword
    from surveys.tests.builders import make_survey

    company = Company.objects.get(name="Acme")
    if BusinessNumber.objects.filter(company=company).exists():
        return
    prepare_shop(company)
    BusinessNumber.objects.create(
        company=company,
        phone_number_id=PHONE_NUMBER_ID,
        display_number="+52 55 3000 0000",
        label="Kettle & Co",
    )
    beto = User.objects.create_user("beto@acme.test", PASSWORD, full_name="Beto Lima")
    Membership.objects.create(company=company, user=beto, role=Role.OPERATOR)
    save_keyword(survey=make_survey(company, languages=["es", "en"]), code=CODE)


if __name__ == "__main__":
    django.setup()
    seed()
