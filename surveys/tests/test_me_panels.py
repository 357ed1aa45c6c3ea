"""What surveys show on a person's own page: wallet and answers, of that person alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from core import clock
from surveys.models import SurveyResponse
from surveys.selectors.money import wallet_of_user
from surveys.tests.builders import OTHER_ANSWERS, Visitor, make_survey, slow_down

pytestmark = pytest.mark.django_db


def attach(browser, visitor: Visitor):
    answer = browser.post(
        "/api/wallet/attach",
        {"receipt_token": visitor.started["receipt_token"]},
        content_type="application/json",
    )
    assert answer.status_code == 200, answer.content


def test_nobody_who_never_answered_is_told_how_pay_gets_here(vera, browser_of):
    page = browser_of(vera).get("/me/").content.decode()

    assert "once you attach its wallet to your account" in page
    assert "Surveys answered" not in page


def test_an_attached_wallet_shows_its_credit_and_the_answers_behind_it(vera, acme, browser_of):
    browser = browser_of(vera)
    first = Visitor(make_survey(acme, title="About the export"))
    paid = first.answer_all()
    attach(browser, first)
    running = Visitor(make_survey(acme, title="About the trip"))
    running.start(receipt_token=first.started["receipt_token"])

    page = browser.get("/me/").content.decode()

    assert paid["payment_status"] == "success"
    amount = f"${paid['payment_amount']:.2f}"
    assert f'<dd class="stat__value">{amount}</dd>' in page
    assert "Credit in USD, play money" in page
    assert f"{paid['score']} of 100" in page
    assert paid["message"].replace("'", "&#x27;") in page
    assert page.index("About the trip") < page.index("About the export")
    assert "Not finished" in page


def test_nobody_sees_the_wallet_of_somebody_else(vera, carla, acme, browser_of):
    visitor = Visitor(make_survey(acme, title="About the export"))
    visitor.answer_all()
    attach(browser_of(vera), visitor)

    page = browser_of(carla).get("/me/").content.decode()

    assert "About the export" not in page
    assert "once you attach its wallet to your account" in page
    assert wallet_of_user(carla) is None


def test_more_answers_cost_no_more_queries(vera, acme, browser_of, django_assert_max_num_queries):
    browser = browser_of(vera)
    for title, answers in (("One", None), ("Two", OTHER_ANSWERS)):
        visitor = Visitor(make_survey(acme, title=title))
        visitor.answer_all(answers) if answers else visitor.answer_all()
        attach(browser, visitor)

    with django_assert_max_num_queries(15):
        page = browser.get("/me/").content.decode()

    assert "One<br>" in page
    assert "Two<br>" in page


def hosted_token(browser, survey) -> str:
    """Return what the hosted page says of who is signed in; empty for nobody."""
    page = browser.get(f"/s/{survey.public_id}")
    assert "no-store" in page["Cache-Control"], "the page is this person's own"
    found = re.search(r'data-account="([^"]+)"', page.content.decode())
    return found[1] if found else ""


def test_an_answer_on_the_hosted_page_is_the_signed_in_persons_at_once(vera, acme, browser_of):
    """Nobody attaches anything; and pay that somebody else earned in this browser stays theirs."""
    browser, survey = browser_of(vera), make_survey(acme, title="About the export")
    elsewhere = Visitor(make_survey(acme, title="Of somebody before"))
    earlier = elsewhere.answer_all()
    visitor = Visitor(survey)
    visitor.start(
        account_token=hosted_token(browser, survey),
        receipt_token=elsewhere.started["receipt_token"],
    )
    assert "Not finished" in browser.get("/me/").content.decode()
    visitor.talk(OTHER_ANSWERS)
    slow_down(visitor.session)
    paid = visitor.done()

    assert paid["payment_status"] == "success"
    page = browser.get("/me/").content.decode()
    assert f'<dd class="stat__value">${paid["payment_amount"]:.2f}</dd>' in page
    assert f"{paid['score']} of 100" in page
    assert "Of somebody before" not in page
    assert elsewhere.response.wallet.user is None
    assert earlier["payment_status"] == "success"
    # Once a person, on whatever device.
    for again in (
        {"device_key": "dev_another"},
        {"receipt_token": elsewhere.started["receipt_token"]},
    ):
        refused = Visitor(survey).start(
            expect=409, account_token=hosted_token(browser, survey), **again
        )
        assert refused["code"] == "already_answered"


def test_only_the_page_sent_to_a_person_names_them(vera, carla, acme, browser_of, settings):
    survey, other = make_survey(acme), make_survey(acme)
    token = hosted_token(browser_of(vera), survey)

    assert hosted_token(Client(), survey) == ""
    for wrong in (hosted_token(browser_of(vera), other), token[:-1], f"{carla.pk}", "x" * 300):
        refused = Visitor(survey).start(expect=401, account_token=wrong)
        assert refused["code"] == "invalid_account_token"
    assert SurveyResponse.objects.count() == 0

    with time_machine.travel(clock.now() + timedelta(hours=13), tick=False):
        visitor = Visitor(survey)
        visitor.start(account_token=token)
    assert visitor.response.wallet.user is None, "too old: nobody known, as with a receipt"
    assert wallet_of_user(vera) is None
