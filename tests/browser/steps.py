"""What a visitor does with the widget, said once for all browser tests."""

from __future__ import annotations

from playwright.sync_api import Page, expect

GOOD_ANSWER = (
    "I ordered two bags on Monday because my sister visited, and the courier left them at the "
    "wrong house, so we had no coffee on Saturday."
)


def shadow(page: Page, selector: str):
    """Return what stands in the widget."""
    return page.locator(f"parley-widget {selector}")


def open_panel(page: Page) -> None:
    """Press the launcher."""
    shadow(page, ".open").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def begin(page: Page) -> None:
    """Go from the invitation into the conversation."""
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="Agree and start").click()
    expect(page.get_by_label("Your answer")).to_be_visible()
    expect(shadow(page, ".turn--agent").first).to_be_visible()


def say(page: Page, text: str) -> None:
    """Type an answer and wait for the next words of the interviewer."""
    agent = shadow(page, ".turn--agent")
    before = agent.count()
    field = page.get_by_label("Your answer")
    field.fill(text)
    field.press("Enter")
    expect(agent).to_have_count(before + 1)


def finish(page: Page) -> None:
    """Press Done, whether questions are open or not, and wait for the result."""
    page.get_by_role("button", name="I'm done").click()
    sure = page.get_by_role("button", name="Finish now")
    result = shadow(page, ".message")
    expect(sure.or_(result).or_(shadow(page, ".pulse")).first).to_be_visible()
    if sure.count():
        sure.click()
    expect(result).to_be_visible(timeout=15_000)


def told(page: Page) -> list[str]:
    """Return the names of the events the host page was told."""
    return page.locator("#events li").evaluate_all("(all) => all.map((one) => one.dataset.event)")
