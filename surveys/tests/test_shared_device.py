"""Several people at one browser, seen from the server: a token found there is nobody else's way in.

What pages show of it, and forget, is in ``tests/browser/test_shared_device.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client

from accounts.models import Company, User
from surveys.models import Survey
from surveys.services import identity
from surveys.services.wallets import attach_wallet
from surveys.tests.builders import Visitor, make_survey
from surveys.tests.test_identity import signed

pytestmark = pytest.mark.django_db
UNKNOWN = {"device_key": "dev_shared"}


def account(survey: Survey, user: User) -> dict[str, Any]:
    """Return what the hosted page sends for the person it was sent to."""
    return {**UNKNOWN, "account_token": identity.account_token(survey=survey, user=user)}


def test_who_says_who_they_are_does_not_go_on_with_what_another_began(
    acme: Company, vera: User, carla: User
) -> None:
    survey = make_survey(acme)
    customer, another = ({"user": signed(survey, user_id=name)} for name in ("c-7", "c-8"))
    for begun_as, comes_as in (
        (UNKNOWN, account(survey, vera)),
        (account(survey, vera), account(survey, carla)),
        (account(survey, vera), customer),
        (customer, another),
        (UNKNOWN, customer),
    ):
        first = Visitor(survey)
        token = first.start(**begun_as)["session_token"]
        again = Visitor(survey).start(expect=200, session_token=token, **begun_as)
        assert again["session_id"] == first.session_id
        # The token alone stays enough for a client that names nobody.
        Visitor(survey).start(expect=200, session_token=token)
        other = Visitor(survey).start(session_token=token, **comes_as)
        assert other["session_id"] != first.session_id
        assert other["resumed"] is False


def test_an_account_goes_on_with_what_it_began_before_its_wallet_was_attached(
    acme: Company, vera: User
) -> None:
    survey = make_survey(acme)
    visitor = Visitor(survey)
    token = visitor.start()["session_token"]
    attach_wallet(wallet=visitor.response.wallet, user=vera)

    again = Visitor(survey).start(expect=200, session_token=token, **account(survey, vera))

    assert again["session_id"] == visitor.session_id


def test_pages_say_whose_they_are_by_a_mark_that_names_nobody(
    acme: Company, vera: User, carla: User, browser_of: Callable[..., Client]
) -> None:
    survey = make_survey(acme)
    marks = []
    for browser in (browser_of(vera), browser_of(vera), browser_of(carla)):
        page = browser.get(f"/s/{survey.public_id}").content.decode()
        [mark] = re.findall(r'<html lang="en" data-person="(\w{16})">', page)
        assert f'data-visitor="{mark}"' in page
        assert 'data-resume="ask"' in page
        marks.append(mark)
    assert marks[0] == marks[1] != marks[2]

    unknown = Client().get(f"/s/{survey.public_id}").content.decode()
    assert '<html lang="en" data-person="">' in unknown
    assert "data-visitor" not in unknown
    assert 'data-resume="ask"' in unknown


def test_a_page_that_does_not_know_who_is_here_does_not_say_that_nobody_is() -> None:
    assert "data-person" not in render_to_string("500.html")
