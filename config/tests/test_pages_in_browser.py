"""What only a browser can tell of the shared pages: policy, width, themes, keyboard, dialogs."""

import os
import re
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATHS = ("/", "/styleguide/", "/account/login/", "/no-such-page")


@pytest.fixture
def open_page(live_server, settings):
    """Return a function that opens a page with given context options and collects complaints.

    Tests use it before they touch the database again: playwright's loop runs in this thread.
    """
    settings.DEBUG = True  # the styleguide exists for development alone
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert executable, "Chromium is missing: run 'make test-browser', which installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)

        def open_in(**options):
            context = browser.new_context(base_url=live_server.url, **options)
            page = context.new_page()
            page.complaints = []
            page.on(
                "console",
                lambda message: (
                    page.complaints.append(message.text)
                    if message.type == "error" and "status of 404" not in message.text
                    else None
                ),
            )
            page.on("pageerror", lambda error: page.complaints.append(str(error)))
            return page

        yield open_in
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1280])
def test_pages_fit_and_break_no_policy(open_page, settings, width, scheme):
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)

    for path in PATHS:
        # Django's own 404 page for developers is not ours.
        settings.DEBUG = path == "/styleguide/"
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert page.complaints == []


def test_the_chosen_theme_is_there_before_the_page_is_painted(open_page):
    page = open_page(color_scheme="light")
    page.goto("/styleguide/")
    toggle = page.get_by_role("button", name=re.compile("^Colour theme: system"))
    toggle.click()
    page.get_by_role("button", name=re.compile("^Colour theme: light")).click()
    dark = "rgb(17, 21, 19)"
    expect(page.locator("body")).to_have_css("background-color", dark)

    page.route(
        "**/*.js",
        lambda route: route.abort() if "base.js" in route.request.url else route.continue_(),
    )
    page.goto("/")

    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    expect(page.locator("body")).to_have_css("background-color", dark)


def test_a_form_is_sent_only_after_it_was_confirmed(open_page):
    page = open_page()
    page.goto("/styleguide/")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if "?" in request.url else None)

    page.get_by_role("button", name="Ask first").click()
    dialog = page.get_by_role("dialog", name="Delete this survey?")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert sent == []

    page.get_by_role("button", name="Ask first").click()
    with page.expect_navigation():
        dialog.get_by_role("button", name="Delete").click()
    assert len(sent) == 1


def test_a_busy_form_is_sent_once(open_page):
    page = open_page()
    page.goto("/styleguide/")
    page.evaluate(
        """() => {
          window.sent = 0;
          document.addEventListener("submit", (event) => {
            if (!event.defaultPrevented) window.sent += 1;
            event.preventDefault();
          });
          document.querySelector("form[data-busy]").noValidate = true;
        }"""
    )

    button = page.locator("form[data-busy] button[type=submit]")
    button.click()
    button.click()

    assert page.evaluate("window.sent") == 1
    expect(button).to_have_text("Saving")
    expect(button).to_have_attribute("aria-busy", "true")


def test_the_menu_of_a_phone_works_by_keyboard(open_page):
    page = open_page(viewport={"width": 360, "height": 740})
    page.goto("/")
    menu = page.locator("summary", has=page.get_by_label("Menu"))

    menu.focus()
    page.keyboard.press("Enter")
    link = page.locator(".menu__panel").get_by_role("link", name="Log in")
    expect(link).to_be_visible()
    page.keyboard.press("Escape")

    expect(link).to_be_hidden()
    expect(menu).to_be_focused()


def test_the_skip_link_leads_past_the_navigation(open_page):
    page = open_page()
    page.goto("/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()


def test_times_are_shown_in_the_readers_own_zone(open_page):
    page = open_page(timezone_id="America/Lima", locale="en-US")
    page.goto("/styleguide/")

    shown = page.locator("time[data-local-time=datetime]").first

    # 12:04 UTC; the browser puts a narrow space before AM.
    expect(shown).to_have_text(re.compile(r"^Nov 20, 2026, 7:04\sAM$"))
    expect(shown).to_have_attribute("title", "20 Nov 2026, 12:04 UTC")


def test_pages_can_be_used_without_scripts(open_page):
    page = open_page(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page.goto("/")

    page.locator("summary.menu__button").click()

    expect(page.locator(".menu__panel").get_by_role("link", name="Log in")).to_be_visible()
    expect(page.locator("[data-theme-toggle]")).to_be_hidden()


@pytest.fixture
def cookie(browser_of, vera, settings, live_server):
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": browser_of(vera).cookies[name].value, "url": live_server.url}


@pytest.mark.parametrize("has_scripts", [True, False])
def test_filters_fold_on_a_phone_and_lie_open_where_there_is_room(cookie, open_page, has_scripts):
    for width in (360, 1280):
        page = open_page(
            viewport={"width": width, "height": 740},
            java_script_enabled=has_scripts,
        )
        page.context.add_cookies([cookie])
        page.goto("/history?lang=es")
        words, fold = page.get_by_label("Palabras"), page.locator("summary.fold__summary")

        if width == 360:
            expect(words).to_be_hidden()
            fold.focus()
            page.keyboard.press("Enter")
        else:
            expect(fold).to_be_hidden()
        words.fill("autobús")
        words.press("Enter")

        page.wait_for_url("**/history?lang=es&words=autob*")
        expect(words).to_be_visible()
        assert page.complaints == []
