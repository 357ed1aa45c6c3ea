"""The widget on a page of another origin, under a strict Content-Security-Policy."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import listening
from tests.browser.steps import GOOD_ANSWER, begin, finish, open_panel, say, shadow, told

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def focused(page):
    """Return what has the focus, inside the widget if it is there."""
    return page.evaluate(
        """() => {
            let at = document.activeElement;
            while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
            return at.getAttribute("aria-label") || at.textContent.trim() || at.tagName;
        }"""
    )


def tab_to(page, name):
    """Press Tab until something with this name has the focus."""
    seen = []
    for _ in range(40):
        if focused(page) == name:
            return
        page.keyboard.press("Tab")
        seen.append(focused(page))
    raise AssertionError(f"Tab never reached {name!r}: {seen}")


def test_the_whole_conversation_by_keyboard_alone(ask, host_page, visitor, check_access):
    survey = ask(allowed_origins=[])
    page = visitor().new_page()
    with listening(page) as complaints:
        page.goto(host_page(survey))
        expect(shadow(page, ".bar")).to_be_visible()
        check_access(page, "launcher")
        tab_to(page, "Share your viewEarn $5 – $20")
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Your last order")
        expect(dialog).to_be_visible()
        # Not modal: the page behind it stays in use.
        expect(dialog).not_to_have_attribute("aria-modal", re.compile(""))
        expect(dialog).to_contain_text("$5 – $20")
        expect(dialog).to_contain_text("up to 10 minutes")
        expect(dialog).to_contain_text("2 questions")
        check_access(page, "invitation")
        tab_to(page, "Start")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Agree and start")).to_be_visible()
        check_access(page, "consent")
        tab_to(page, "Agree and start")
        page.keyboard.press("Enter")

        expect(shadow(page, ".turn--agent")).to_have_count(1)
        page.wait_for_function("""() => {
            const at = document.querySelector("parley-widget").shadowRoot.activeElement;
            return at?.tagName === "TEXTAREA";
        }""")
        expect(shadow(page, ".count")).to_have_text("Question 1 of 2")
        expect(shadow(page, ".left")).to_have_text(re.compile(r"^(10:00|9:[0-5]\d) left$"))
        # Letter by letter, and not before the question could be read: whoever is faster than
        # people are gets looked at.
        page.wait_for_timeout(1500)
        page.keyboard.type(GOOD_ANSWER, delay=55)
        page.keyboard.press("Enter")
        expect(shadow(page, ".count")).to_have_text("Question 2 of 2")
        expect(shadow(page, "[aria-live=polite]")).to_contain_text("How likely are you")
        expect(shadow(page, ".turn--visitor .turn__text")).to_have_text([GOOD_ANSWER])
        check_access(page, "conversation")

        page.wait_for_timeout(900)
        page.keyboard.type("4, they were kind about it", delay=90)
        page.keyboard.press("Enter")
        expect(shadow(page, ".count")).to_have_text("All 2 questions are done")
        tab_to(page, "I'm done")
        page.keyboard.press("Enter")
        expect(shadow(page, ".message")).to_be_visible()
        assert [row["flags"] for row in survey.sessions()] == [[]]
        expect(shadow(page, ".message")).to_have_text(re.compile(r"^Thank you! You've earned \$\d"))
        expect(shadow(page, ".score")).to_contain_text("of 100")
        expect(shadow(page, ".marks .mark")).to_have_count(2)
        check_access(page, "result")

        amount = shadow(page, ".pay__amount").inner_text()
        rows = survey.sessions()
        assert [row["state"] for row in rows] == ["completed"]
        assert amount == f"${rows[0]['payment_amount']:.2f}"
        assert 5 <= rows[0]["payment_amount"] <= 20
        assert shadow(page, ".transaction code").inner_text() == rows[0]["transaction_id"]
        wallet = page.get_by_role("link", name="Open your wallet").get_attribute("href")
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/wallet/#rt_[\w-]+", wallet)

        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(shadow(page, ".bar")).to_be_visible()
        assert focused(page) == "Your result"
    assert complaints == []
    assert told(page) == [
        "ready", "shown", "consent", "started",
        "turn", "turn", "turn", "turn", "turn", "completed", "paid",
    ]  # fmt: skip
    told_text = page.locator("#events").inner_text()
    assert "sister" not in told_text
    assert "rt_" not in told_text


def test_a_reload_goes_on_where_it_was(ask, host_page, visitor):
    survey = ask()
    page = visitor().new_page()
    page.goto(host_page(survey))
    open_panel(page)
    begin(page)
    say(page, GOOD_ANSWER)
    page.get_by_label("Your answer").fill("4, because")

    page.reload()

    expect(page.get_by_role("dialog")).to_be_visible()
    expect(shadow(page, ".turn--visitor .turn__text")).to_have_text([GOOD_ANSWER])
    expect(page.get_by_label("Your answer")).to_have_value("4, because")
    expect(shadow(page, ".count")).to_have_text("Question 2 of 2")
    assert page.evaluate("document.activeElement === document.body"), "a reload takes no focus"
    page.get_by_label("Your answer").press("Enter")
    expect(shadow(page, ".count")).to_have_text("All 2 questions are done")
    assert len(survey.sessions()) == 1


def test_a_visitor_who_left_is_asked_to_continue(ask, host_page, visitor):
    survey = ask()
    context = visitor()
    page = context.new_page()
    address = host_page(survey)
    page.goto(address)
    open_panel(page)
    begin(page)
    say(page, GOOD_ANSWER)
    page.keyboard.press("Escape")
    page.close()

    later = context.new_page()
    later.goto(address)
    expect(shadow(later, ".bar")).to_contain_text("Continue your interview")
    open_panel(later)
    # Perhaps it was somebody else at this browser: nothing of it is shown before they say so.
    expect(later.get_by_text("begun on this device")).to_be_visible()
    later.get_by_role("button", name="Go on with it").click()
    expect(shadow(later, ".turn--visitor .turn__text")).to_have_text([GOOD_ANSWER])
    # Leaving stopped the clock, coming back starts it again.
    expect(shadow(later, ".talk")).not_to_have_class(re.compile("is-paused"))
    assert len(survey.sessions()) == 1


def test_escape_closes_and_the_focus_returns_to_what_opened_it(ask, host_page, visitor):
    page = visitor().new_page()
    page.goto(host_page(ask()))
    expect(shadow(page, ".bar")).to_be_visible()
    opener = page.get_by_role("button", name="Tell us how it went")
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_focused()

    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(opener).to_be_focused()


def test_pressing_start_twice_makes_one_session(ask, host_page, visitor):
    survey = ask()
    page = visitor().new_page()
    starts = []
    page.on("request", lambda one: starts.append((one.method, one.url)))
    page.goto(host_page(survey))
    open_panel(page)
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="Agree and start").dblclick()
    expect(shadow(page, ".turn--agent").first).to_be_visible()

    posted = [url for method, url in starts if method == "POST" and url.endswith("/start")]
    assert len(posted) == 1
    assert len(survey.sessions()) == 1


def test_two_tabs_share_one_conversation_and_one_result(ask, host_page, visitor):
    survey = ask()
    context = visitor()
    address = host_page(survey)
    first, second = context.new_page(), context.new_page()
    for page in (first, second):
        page.goto(address)
        open_panel(page)
    begin(first)
    begin(second)  # the invitation was open in both

    say(first, GOOD_ANSWER)
    expect(shadow(second, ".turn--visitor .turn__text")).to_have_text([GOOD_ANSWER])
    say(second, "4")
    expect(shadow(first, ".turn--visitor .turn__text")).to_have_text([GOOD_ANSWER, "4"])
    finish(first)
    expect(shadow(second, ".message")).to_be_visible()

    assert shadow(second, ".message").inner_text() == shadow(first, ".message").inner_text()
    rows = survey.sessions()
    assert [row["state"] for row in rows] == ["completed"]


def test_a_killed_server_loses_nothing_that_was_typed(ask, host_page, visitor, parley):
    survey = ask()
    page = visitor().new_page()
    page.goto(host_page(survey))
    open_panel(page)
    begin(page)
    parley.stop(kill=True)
    try:
        page.get_by_label("Your answer").fill(GOOD_ANSWER)
        page.get_by_label("Your answer").press("Enter")
        expect(shadow(page, ".banner")).to_contain_text("Connection lost")
        expect(shadow(page, ".turn--visitor .turn__text")).to_have_text([GOOD_ANSWER])
    finally:
        parley.start()

    expect(shadow(page, ".count")).to_have_text("Question 2 of 2", timeout=45_000)
    expect(shadow(page, ".banner")).to_be_hidden()
    expect(shadow(page, ".turn--visitor .turn__text")).to_have_text([GOOD_ANSWER])
    expect(shadow(page, ".turn.is-pending")).to_have_count(0)


XSS = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    "\"><svg/onload=alert(3)>",
    "javascript:alert(4)",
    "<iframe srcdoc='<script>alert(5)</script>'></iframe>",
    "{{constructor.constructor('alert(6)')()}} ${alert(7)}",
    "<style>*{display:none}</style><b>bold</b> &lt;i&gt;",
]  # fmt: skip


def test_what_is_typed_stays_text(ask, host_page, visitor):
    page = visitor().new_page()
    questions = [{"text": f"Question {n} <b>{n}</b>?", "max_probes": 0} for n in range(len(XSS))]
    with listening(page) as complaints:
        page.goto(host_page(ask(title="<i>Title</i><img src=x>", questions=questions)))
        open_panel(page)
        begin(page)
        for text in XSS:
            say(page, text)
        expect(shadow(page, ".turn--visitor .turn__text")).to_have_text(XSS)
        page.reload()
        expect(shadow(page, ".turn--visitor .turn__text")).to_have_text(XSS)
    assert complaints == []
    made = shadow(page, ":is(img, script, iframe, style, b, i:not(.dot))")
    expect(made).to_have_count(0)
    expect(shadow(page, "#parley-title")).to_have_text("<i>Title</i><img src=x>")
