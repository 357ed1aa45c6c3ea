"""The page of a wallet: what was earned, taking it out, and keeping it with an account."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import listening
from tests.browser.steps import GOOD_ANSWER, begin, finish, open_panel, shadow

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_what_was_earned_is_seen_taken_out_and_kept(ask, host_page, visitor, parley, check_access):
    survey = ask()
    page = visitor().new_page()
    page.goto(host_page(survey))
    open_panel(page)
    begin(page)
    # At a person's pace: whoever is faster is looked at before the pay.
    for pause_ms, text in ((1500, GOOD_ANSWER), (900, "4")):
        page.wait_for_timeout(pause_ms)
        page.get_by_label("Your answer").press_sequentially(text, delay=55, timeout=30_000)
        page.keyboard.press("Enter")
        expect(page.get_by_label("Your answer")).to_have_value("")
    expect(shadow(page, ".count")).to_have_text("All 2 questions are done")
    finish(page)
    earned = shadow(page, ".pay__amount").inner_text()
    address = page.get_by_role("link", name="Open your wallet").get_attribute("href")
    page.close()

    page = visitor(viewport={"width": 360, "height": 740}, color_scheme="dark").new_page()
    with listening(page) as complaints:
        page.goto(address)
        expect(page.locator("[data-wallet-balances] [data-amount]")).to_have_text(earned)
        expect(page.locator("[data-wallet-history] tr")).to_have_count(1)
        check_access(page, "wallet", "main")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360

        page.get_by_label("Amount").fill("9999")
        page.get_by_role("button", name="Withdraw").click()
        expect(page.locator("[data-wallet-refused]")).to_be_visible()
        expect(page.locator("[data-wallet-history] tr")).to_have_count(1)
        page.get_by_label("Amount").fill("2.50")
        page.get_by_role("button", name="Withdraw").click()
        expect(page.locator("[data-wallet-done]")).not_to_be_empty()
        expect(page.locator("[data-wallet-history] tr")).to_have_count(2)
        left = f"${float(earned.strip('$')) - 2.5:.2f}"
        expect(page.locator("[data-wallet-balances] [data-amount]")).to_have_text(left)

        # To an account: signing in leads back, and the receipt waits in this tab.
        page.get_by_role("link", name="Sign in").last.click()
        page.locator("input[type=email], input[name=username]").first.fill("ana@acme.test")
        page.locator("input[type=password]").first.fill("a-long-password-1")
        page.locator("input[type=password]").first.press("Enter")
        expect(page).to_have_url(re.compile("/wallet/"))
        expect(page.locator("[data-wallet-balances] [data-amount]")).to_have_text(left)
        page.get_by_role("button", name="Attach to my account").click()
        expect(page.get_by_role("button", name="Attach to my account")).to_be_hidden()
        page.goto(f"{parley.url}/wallet/")
        expect(page.locator("[data-wallet-balances] [data-amount]")).to_have_text(left)
    # The refusal of 9999 is a 4xx, which the browser notes; nothing else may be wrong.
    assert [text for text in complaints if "status of 4" not in text] == []
