"""What only a browser can tell of the console: the builder's script, the try-out, its width."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect, sync_playwright

from accounts.models import Company, User
from surveys.models import Survey, SurveyResponse
from surveys.tests.builders import Visitor, make_survey

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--no-first-run"]
Opener = Callable[..., Page]


@pytest.fixture
def open_console(
    live_server: Any, acme: Company, ana: User, browser_of: Callable[..., Client]
) -> Iterator[Opener]:
    """Return a function that opens a page of the console as Ana.

    What a test needs from the database it makes before: playwright's loop runs in this thread.
    """
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert executable, "Chromium is missing: run 'make test-browser', which installs it"
    cookie = browser_of(ana).cookies["sessionid"].value
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)

        def open_in(path: str, *, init_script: str = "", **options: Any) -> Page:
            context = browser.new_context(base_url=live_server.url, **options)
            if init_script:
                context.add_init_script(init_script)
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
            page = context.new_page()
            page.on("pageerror", lambda error: pytest.fail(str(error)))
            page.goto(f"/console/{path}")
            return page

        yield open_in
        browser.close()


@pytest.fixture
def database_again() -> Iterator[None]:
    """Let Django's ORM be used in this thread while playwright's loop is there."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.mark.django_db(transaction=True)
def test_questions_are_added_moved_and_saved_in_the_order_of_the_page(
    open_console: Opener, database_again: None
) -> None:
    page = open_console("surveys/new/")
    page.fill("#id_title", "Checkout")
    page.fill("#q0-text", "First question?")
    page.fill("#q1-text", "Second question?")
    expect(page.locator("#q1-choices")).to_be_hidden()
    page.select_option("#q1-kind", "choice")
    page.fill("#q1-choices", "Yes please\nNo thanks")
    page.get_by_role("button", name="Add a question").click()
    expect(page.locator("#qn2-text")).to_be_focused()
    page.keyboard.type("Third question?")
    page.get_by_role("button", name="Up question 3").click()
    page.get_by_role("button", name="Remove question 1").click()
    page.fill("#id_payment_max", "40")
    expect(page.locator("[data-pay-at='85']")).to_have_text("$29.50")
    expect(page.locator("[data-curve-top]")).to_have_text("$40.00")
    expect(page.locator("[data-funds-note]")).to_contain_text("do not cover one answer at $40.00")
    page.get_by_role("button", name="Save as a draft").last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Checkout")
    survey = Survey.objects.get()
    assert survey.current_version is not None
    assert [item["text"] for item in survey.current_version.questions] == [
        "Third question?",
        "Second question?",
    ]
    assert survey.current_version.payment_max_minor == 4000


@pytest.mark.django_db(transaction=True)
def test_a_draft_is_tried_out_in_the_drawer(open_console: Opener, database_again: None) -> None:
    page = open_console("surveys/new/")
    page.fill("#q0-text", "Tell me about your <b>last</b> purchase.")
    page.get_by_role("button", name="Try it out").click()
    drawer = page.get_by_role("dialog", name="Try it out")
    expect(drawer.get_by_role("alert")).to_contain_text("Question 2: This field may not be empty.")
    page.keyboard.press("Escape")
    page.fill("#q1-text", "Which part was hardest?")
    page.get_by_role("button", name="Try it out").click()
    said = drawer.locator(".chat__turn--agent")
    expect(said).to_have_count(1)
    expect(said.first).to_contain_text("<b>last</b>")
    drawer.get_by_label("Your answer").fill("On Monday a grinder, and the page froze twice.")
    page.keyboard.press("Enter")
    expect(said).to_have_count(2)
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    assert not Survey.objects.exists()
    assert not SurveyResponse.objects.exists()


NO_SOCKETS = """
const Blocked = class extends EventTarget {
  constructor() { super(); setTimeout(() => this.dispatchEvent(new Event("error"))); }
};
window.WebSocket = Blocked;
"""


@pytest.mark.django_db(transaction=True)
def test_a_session_is_watched_by_http_where_sockets_are_blocked(
    acme: Company, open_console: Opener
) -> None:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        visitor = Visitor(make_survey(acme))
        visitor.start()
        visitor.call("post", "join", visitor.started["session_token"])
        page = open_console("sessions/", init_script=NO_SOCKETS)
        page.goto(f"/console/sessions/{visitor.session_id}/")
        said = page.locator("[data-live-list] .chat__text")
        expect(page.locator("[data-live-status]")).to_have_text(re.compile("Live|Not begun"))
        visitor.say("The till <b>froze</b> on Monday.", 1)
        expect(page.get_by_text("The till <b>froze</b> on Monday.")).to_be_visible(timeout=15_000)
        before = said.count()
        visitor.say("It came back after lunch.", 2)
        expect(page.get_by_text("It came back after lunch.")).to_have_count(1)
        assert said.count() > before
        visitor.done()
        expect(page.locator("[data-live-over]")).to_be_visible(timeout=10_000)
        expect(page.locator("[data-live-status]")).to_have_text("Over")
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone(acme: Company, open_console: Opener, scheme: str) -> None:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        survey = make_survey(acme, title="A title that is long " * 8)
        visitor = Visitor(survey)
        visitor.answer_all()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    own = f"surveys/{survey.public_id}/"
    paths = ["", "surveys/", "surveys/new/", own, f"{own}edit/", f"{own}versions/"]
    paths += [f"{own}preview/", f"{own}insights/", "sessions/", f"sessions/{visitor.session_id}/"]
    paths += [f"review/{visitor.session_id}/", "review/", "ledger/", "install/", "exports/"]
    page = open_console("", viewport={"width": 320, "height": 700}, color_scheme=scheme)
    wide = {}
    for path in paths:
        page.goto(f"/console/{path}")
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 320:
            wide[path] = width
    assert wide == {}
