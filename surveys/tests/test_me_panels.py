"""What surveys show on a person's own page: wallet and answers, of that person alone."""

from __future__ import annotations

import pytest

from surveys.selectors.money import wallet_of_user
from surveys.tests.builders import OTHER_ANSWERS, Visitor, make_survey

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
