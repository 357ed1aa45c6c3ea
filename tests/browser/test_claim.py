"""Pay that waits at a provider: from the result to the account that is to receive it."""

import re
import shutil
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ParleyServer, free_port, listening
from tests.browser.steps import GOOD_ANSWER, begin, finish, open_panel, shadow
from tests.browser.test_widget_conversation import tab_to
from tests.fakes.stripe_server import Fault, StripeServer

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket, pytest.mark.timeout(180)]


class PayingServer(ParleyServer):
    """A server that sends pay through Stripe."""

    stripe: StripeServer

    @property
    def environment(self):
        return super().environment | {
            "PAYOUT_PROVIDER": "stripe",
            "STRIPE_SECRET_KEY": "sk_test_123",
            "STRIPE_WEBHOOK_SECRET": self.stripe.webhook_secret,
            "STRIPE_API_BASE": self.stripe.url,
            "STRIPE_TIMEOUT_SECONDS": "3",
            "SITE_URL": self.url,
        }


@pytest.fixture(scope="module")
def stripe():
    with StripeServer() as server:
        yield server


@pytest.fixture(scope="module")
def parley(stripe):
    folder = Path(tempfile.mkdtemp(prefix="parley-claim-"))
    server = PayingServer(folder=folder, port=free_port())
    server.stripe = stripe
    try:
        server.seed()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def look(page, picture: Path) -> None:
    page.screenshot(path=str(picture), full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_pay_waits_until_its_person_says_where_to_send_it(
    ask, host_page, visitor, parley, stripe, check_access, tmp_path
):
    survey = ask()
    context = visitor(viewport={"width": 360, "height": 740}, color_scheme="dark")
    page = context.new_page()
    with listening(page) as complaints:
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
        # Promised, and said to be on its way: nothing has reached anybody yet.
        expect(shadow(page, ".message")).to_have_text(
            re.compile(rf"^Thank you! {re.escape(earned)}\d*0? is on its way")
        )
        check_access(page, "result that waits")
        look(page, tmp_path / "result.png")
        address = page.get_by_role("link", name="Open your wallet").get_attribute("href")
    assert complaints == []
    assert stripe.transfers == {}

    page = context.new_page()
    with listening(page) as complaints:
        page.goto(address)
        expect(page.locator("[data-wallet-waiting]")).to_contain_text(earned)
        expect(page.locator("[data-wallet-history] tr")).to_contain_text("Waiting for you")
        check_access(page, "claim", "main")
        look(page, tmp_path / "claim.png")
        # The provider is down at first: said, nothing lost, and the same button tries again.
        stripe.faults.append(Fault("/v1/account_links", kind="refused", code="api_key_expired"))
        tab_to(page, "Choose where to send it")
        page.keyboard.press("Enter")
        expect(page.get_by_text("The payment provider does not answer right now.")).to_be_visible()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Where to send it")).to_be_visible()
        assert stripe.transfers == {}
        tab_to(page, "Finish")
        page.keyboard.press("Enter")
        # Back at the wallet: the receipt waited in this tab, and the pay goes out.
        expect(page).to_have_url(re.compile(r"/wallet/\?connected=1$"))
        expect(page.locator("[data-wallet-waiting]")).to_be_hidden()
        row = page.locator("[data-wallet-history] tr")
        expect(row).to_have_count(1)
        for _ in range(40):
            if stripe.transfers:
                break
            page.wait_for_timeout(250)
        page.reload()
        expect(row).to_contain_text("Paid")
        check_access(page, "wallet that is paid", "main")
        look(page, tmp_path / "paid.png")
    assert [text for text in complaints if "status of 503" not in text] == []
    [transfer] = stripe.transfers.values()
    assert transfer["amount"] == round(float(earned.strip("$")) * 100)
    [account] = stripe.accounts
    assert transfer["destination"] == account
