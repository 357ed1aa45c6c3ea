"""What a page does with the widget by script: open, close, on, identify, and its colours."""

import hashlib
import hmac
import json
import time

import pytest
from playwright.sync_api import expect

from tests.browser.steps import GOOD_ANSWER, begin, finish, open_panel, say, shadow

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_a_page_opens_closes_listens_and_stops_listening(ask, host_page, visitor):
    page = visitor().new_page()
    page.goto(host_page(ask()))
    expect(shadow(page, ".bar")).to_be_visible()
    page.evaluate("""() => {
        window.heard = [];
        window.stop = window.Parley.on("consent", (detail) => window.heard.push(detail));
    }""")
    page.evaluate("window.Parley.open()")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.evaluate("window.Parley.close()")
    expect(dialog).to_be_hidden()
    open_panel(page)
    page.get_by_role("button", name="Start", exact=True).click()
    page.evaluate("window.stop()")
    page.get_by_role("button", name="Agree and start").click()
    expect(page.get_by_label("Your answer")).to_be_visible()
    # The page's own list heard it by its DOM event; who has stopped listening did not.
    expect(page.locator("#events li[data-event=consent]")).to_have_count(1)
    assert page.evaluate("window.heard") == []


def test_whom_a_page_identifies_is_checked_before_the_start(ask, host_page, visitor):
    survey = ask()
    page = visitor().new_page()
    page.goto(host_page(survey))
    expect(shadow(page, ".bar")).to_be_visible()
    user = {"user_id": "vera", "exp": int(time.time()) + 600, "hmac": "0" * 64}
    page.evaluate(
        "(user) => window.Parley.identify({ ...user, attributes: { plan: 'gold' } })", user
    )
    open_panel(page)
    page.get_by_role("button", name="Start", exact=True).click()
    with page.expect_request("**/session/start") as asked:
        page.get_by_role("button", name="Agree and start").click()
    sent = json.loads(asked.value.post_data)
    assert (sent["user"], sent["attributes"]) == (user, {"plan": "gold"})
    # Signed by nobody: said in words, and no session began.
    expect(page.get_by_role("alert")).to_contain_text("signature does not match")
    assert survey.sessions() == []


def test_a_signed_user_answers_once_whatever_the_browser(ask, host_page, visitor):
    survey = ask(max_responses=2)
    exp = int(time.time()) + 600
    # As the guide has the company's own server do it.
    message = f"{survey.survey_id}|vera|{exp}".encode()
    signature = hmac.new(survey.server.identity_secret.encode(), message, hashlib.sha256)
    user = {"user_id": "vera", "exp": exp, "hmac": signature.hexdigest()}

    def arrive():
        page = visitor().new_page()
        page.goto(host_page(survey))
        expect(shadow(page, ".bar")).to_be_visible()
        page.evaluate("(user) => window.Parley.identify(user)", user)
        open_panel(page)
        return page

    first = arrive()
    begin(first)
    say(first, GOOD_ANSWER)
    finish(first)

    second = arrive()
    second.get_by_role("button", name="Start", exact=True).click()
    second.get_by_role("button", name="Agree and start").click()
    expect(second.get_by_role("dialog")).to_contain_text("You have answered this survey already")
    assert len(survey.sessions()) == 1


def test_the_corners_and_colour_are_the_pages_own(ask, host_page, visitor):
    page = visitor().new_page()
    page.goto(host_page(ask()))
    page.evaluate("""() => {
        const style = document.documentElement.style;
        style.setProperty("--parley-radius", "5px");
        style.setProperty("--parley-color", "#123456");
    }""")
    open_panel(page)
    expect(page.get_by_role("dialog")).to_have_css("border-top-left-radius", "5px")
    start = page.get_by_role("button", name="Start", exact=True)
    expect(start).to_have_css("background-color", "rgb(18, 52, 86)")
