"""Several people at one browser: nobody reads, goes on with, or is paid for what another began."""

from __future__ import annotations

import hashlib
import hmac
import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.steps import GOOD_ANSWER, begin, finish, open_panel, say, shadow
from tests.browser.test_workflow_story import sign_up

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

BEGUN = "An interview was begun on this device"
ANSWERED = "This survey was answered on this device"
CLOCK = r"\d{1,2}:\d\d"


def hosted(page, survey):
    page.goto(f"{survey.server.url}/s/{survey.survey_id}")
    expect(shadow(page, ".panel")).to_be_visible()
    return page


def text_of(page) -> str:
    """Return every word the page holds, seen or not, in the widget and around it."""
    return page.evaluate(
        "document.body.textContent + document.querySelector('parley-widget').shadowRoot.textContent"
    )


def kept(page) -> list[str]:
    """Return the names under which this browser keeps a conversation, or that there was one."""
    return page.evaluate(
        """() => [localStorage, sessionStorage].flatMap((area) => Object.keys(area)
            .filter((name) => /^parley:survey_/.test(name) && /session|isMine/.test(area[name])))"""
    )


def sign_out(page, server):
    page.goto(f"{server.url}/me/")
    page.locator("details[data-menu] summary").last.click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(lambda url: "/me/" not in url)
    page.wait_for_load_state()


@pytest.mark.parametrize("comes_by", ["a new tab", "a reload"])
def test_the_hosted_page_asks_before_it_shows_what_was_begun(ask, visitor, check_access, comes_by):
    survey = ask()
    context = visitor()
    first = hosted(context.new_page(), survey)
    begin(first)
    say(first, GOOD_ANSWER)
    first.get_by_label("Your answer").fill("words not sent")

    if comes_by == "a new tab":
        page = hosted(context.new_page(), survey)
    else:
        page = first
        page.reload()

    expect(page.get_by_role("heading", name=BEGUN)).to_be_visible()
    expect(shadow(page, ".screen")).to_contain_text(re.compile(rf"It was begun .*{CLOCK}"))
    assert "sister" not in text_of(page)
    assert "words not sent" not in text_of(page)
    check_access(page, "asked whose it is", "html")
    page.get_by_role("button", name="Go on with it").click()
    expect(shadow(page, ".turn--visitor .turn__text")).to_have_text([GOOD_ANSWER])
    expect(page.get_by_label("Your answer")).to_have_value("words not sent")
    assert [row["state"] for row in survey.sessions()] == ["open"]


def test_who_starts_anew_sees_nothing_of_the_former(ask, visitor):
    survey = ask()
    context = visitor()
    first = hosted(context.new_page(), survey)
    begin(first)
    say(first, GOOD_ANSWER)
    first.get_by_label("Your answer").fill("words not sent")
    first.close()

    page = hosted(context.new_page(), survey)
    page.get_by_role("button", name="Start anew").click()
    sure = page.get_by_role("alertdialog")
    expect(sure).to_contain_text("is not paid")
    sure.get_by_role("button", name="Start anew").click()
    begin(page)

    assert "sister" not in text_of(page)
    expect(page.get_by_label("Your answer")).to_have_value("")
    assert sorted(row["state"] for row in survey.sessions()) == ["ended_unpaid", "open"]


def test_a_result_and_its_pay_are_not_the_next_persons(ask, visitor):
    survey, another = ask(), ask(title="Your next order")
    context = visitor()
    first = hosted(context.new_page(), survey)
    begin(first)
    say(first, GOOD_ANSWER)
    finish(first)
    first.close()

    page = hosted(context.new_page(), survey)
    expect(page.get_by_role("heading", name=ANSWERED)).to_be_visible()
    assert shadow(page, ".message, .score, [href*=wallet]").count() == 0

    # On another survey the pay goes into the first person's wallet only if they say it is theirs.
    for is_theirs in (False, True):
        other = hosted(context.new_page(), another)
        other.get_by_role("button", name="Start", exact=True).click()
        mine = other.get_by_role("checkbox", name="is mine")
        expect(mine).not_to_be_checked()
        mine.set_checked(is_theirs)
        with other.expect_request("**/session/start") as asked:
            other.get_by_role("button", name="Agree and start").click()
        assert ("receipt_token" in asked.value.post_data_json) is is_theirs
        expect(other.get_by_label("Your answer")).to_be_visible()
        other.evaluate(
            "localStorage.removeItem(Object.keys(localStorage).find((name) => "
            f"name === 'parley:{another.survey_id}'))"
        )
        other.close()

    page.get_by_role("button", name="Show my result").click()
    expect(shadow(page, ".message")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Forget it").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Forget it").click()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    assert f"parley:{survey.survey_id}" not in kept(page)


def test_each_account_has_its_own_and_signing_out_forgets_it(ask, visitor, parley):
    survey = ask()
    context = visitor()
    page = context.new_page()
    sign_up(page, parley, "nora")
    hosted(page, survey)
    begin(page)
    say(page, GOOD_ANSWER)
    page.reload()
    # Nobody else can be signed in as Nora: she is asked nothing.
    expect(shadow(page, ".turn--visitor .turn__text")).to_have_text([GOOD_ANSWER])

    watching = hosted(context.new_page(), survey)
    expect(watching.get_by_text("Welcome back")).to_be_visible()
    watching.get_by_role("button", name="Continue", exact=True).click()
    expect(shadow(watching, ".turn--visitor .turn__text")).to_have_text([GOOD_ANSWER])
    leaving = context.new_page()
    sign_out(leaving, parley)
    # A tab that was left open shows nothing any more either.
    expect(watching.get_by_role("button", name="Start", exact=True)).to_be_visible()
    assert "sister" not in text_of(watching)
    assert kept(watching) == []
    assert (
        watching.evaluate("'receipt_token' in JSON.parse(localStorage['parley:device'])") is False
    )
    assert watching.evaluate("JSON.parse(localStorage['parley:device']).device_key")

    sign_up(leaving, parley, "omar")
    hosted(leaving, survey)
    expect(leaving.get_by_role("button", name="Start", exact=True)).to_be_visible()
    assert "sister" not in text_of(leaving)


def test_a_login_that_ran_out_is_a_person_who_left(ask, visitor, parley):
    survey = ask()
    context = visitor()
    page = context.new_page()
    sign_up(page, parley, "rosa")
    hosted(page, survey)
    begin(page)
    say(page, GOOD_ANSWER)
    context.clear_cookies()

    later = hosted(context.new_page(), survey)

    expect(later.get_by_role("button", name="Start", exact=True)).to_be_visible()
    assert "sister" not in text_of(later)
    assert kept(later) == []


def test_what_an_unknown_person_began_is_not_for_who_signs_in(ask, visitor, parley):
    survey = ask()
    context = visitor()
    page = hosted(context.new_page(), survey)
    begin(page)
    say(page, GOOD_ANSWER)
    page.close()

    later = context.new_page()
    sign_up(later, parley, "pia")
    hosted(later, survey)

    expect(later.get_by_role("button", name="Start", exact=True)).to_be_visible()
    assert "sister" not in text_of(later)


def test_a_page_that_names_another_user_takes_the_interview_away(ask, host_page, visitor, parley):
    survey = ask()
    page = visitor().new_page()
    page.goto(host_page(survey))

    def identify(user_id):
        exp = int(time.time()) + 600
        message = f"{survey.survey_id}|{user_id}|{exp}".encode()
        signature = hmac.new(parley.identity_secret.encode(), message, hashlib.sha256).hexdigest()
        user = {"user_id": user_id, "exp": exp, "hmac": signature}
        page.evaluate("(user) => window.Parley.identify(user)", user)

    identify("vera@shop.test")
    open_panel(page)
    begin(page)
    say(page, GOOD_ANSWER)
    assert "vera" not in page.evaluate("JSON.stringify([localStorage, sessionStorage])")

    identify("carl@shop.test")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    assert "sister" not in text_of(page)

    # The page tells who it is after each load: what was open for that person opens again.
    page.reload()
    expect(shadow(page, ".bar")).not_to_contain_text("Continue")
    assert "sister" not in text_of(page)
    identify("vera@shop.test")
    expect(shadow(page, ".turn--visitor .turn__text")).to_have_text([GOOD_ANSWER])

    page.evaluate("window.Parley.forget()")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    assert "sister" not in text_of(page)
    assert kept(page) == []


def test_it_asks_in_spanish(ask, visitor, check_access):
    survey = ask(languages=["es"])
    context = visitor(locale="es-ES", viewport={"width": 360, "height": 700})
    page = hosted(context.new_page(), survey)
    page.get_by_role("button", name="Empezar").click()
    page.get_by_role("button", name="Aceptar y empezar").click()
    expect(shadow(page, ".turn--agent").first).to_be_visible()
    page.reload()

    expect(
        page.get_by_role("heading", name="En este dispositivo se empezó una entrevista")
    ).to_be_visible()
    expect(shadow(page, ".screen")).to_contain_text(re.compile(rf"Se empezó el .*{CLOCK}"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    check_access(page, "asked in Spanish", "html")
    page.get_by_role("button", name="Empezar de nuevo").click()
    expect(page.get_by_role("alertdialog")).to_contain_text("no se paga")
