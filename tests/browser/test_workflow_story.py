"""One person's way from signing up to a logged result, and what the next person is told."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import ROOT, listening

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PASSWORD = "sandy-otter-lamp-41"


def sign_up(page, parley, name):
    page.goto(f"{parley.url}/account/signup/")
    page.get_by_label("Your name").fill(name.title())
    page.get_by_label("E-mail address").fill(f"{name}@story.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/onboarding/")


def say_who(page):
    page.get_by_label("Creator").check()
    page.get_by_label("Beginner").check()
    page.get_by_role("button", name="Show what fits me").click()
    page.wait_for_url("**/workflows/")


def aggregate(parley):
    done = subprocess.run(
        [sys.executable, "manage.py", "aggregate_performance"],
        cwd=ROOT, env=parley.environment, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def screenshot_of_a_result():
    picture = io.BytesIO()
    Image.new("RGB", (320, 200), "teal").save(picture, "PNG")
    return {"name": "result.png", "mimeType": "image/png", "buffer": picture.getvalue()}


def test_from_signing_up_to_a_result_that_the_next_person_learns_from(
    visitor, parley, check_access
):
    desktop = visitor()
    page = desktop.new_page()
    with listening(page) as complaints:
        sign_up(page, parley, "mira")
        check_access(page, "onboarding", "body")
        say_who(page)
        expect(page.get_by_text("no results of users like you (creator, beginner)")).to_be_visible()
        check_access(page, "catalogue", "body")
        page.get_by_role("link", name="How this is worked out").click()
        expect(page.get_by_role("heading", name="The chance, level by level")).to_be_visible()
        check_access(page, "reason", "body")
        page.get_by_role("button", name="Start").click()
        page.wait_for_url("**/executor/**")
        page.locator("[data-executor][data-ready]").wait_for()
        page.locator('[data-note="1"]').fill("noted on the laptop")
        page.locator("[data-next]").click()
        page.locator("[data-next]").click()
        expect(page.locator("[data-counter]")).to_have_text("2 of 5 steps done")
        expect(page.locator("[data-save-status]")).to_contain_text("Saved", timeout=20_000)
        address = page.url.partition("#")[0]
    assert complaints == []

    phone = visitor(
        viewport={"width": 360, "height": 740}, storage_state=desktop.storage_state()
    ).new_page()
    with listening(phone) as complaints:
        phone.goto(address)
        phone.locator("[data-executor][data-ready]").wait_for()
        expect(phone.locator("[data-counter]")).to_have_text("2 of 5 steps done")
        for done in (3, 4):
            phone.locator("[data-next]").click()
            expect(phone.locator("[data-counter]")).to_have_text(f"{done} of 5 steps done")
        phone.locator("[data-complete]").click()
        expect(phone.locator("[data-completed]")).to_be_visible(timeout=20_000)
        phone.locator("[data-log-outcome]").click()
        phone.wait_for_url("**/outcome/**")
        phone.locator("#outcome-value").fill("1,250.50")
        phone.locator("#outcome-proof").set_input_files(screenshot_of_a_result())
        phone.locator("main form button[type=submit]").first.click()
        expect(phone.get_by_text("Result logged")).to_be_visible(timeout=20_000)
        phone.goto(f"{parley.url}/me/")
        expect(phone.get_by_role("rowheader", name="$1,250.50")).to_be_visible()
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
        check_access(phone, "own page", "body")
    assert complaints == []

    aggregate(parley)

    following = visitor().new_page()
    sign_up(following, parley, "noor")
    say_who(following)
    expect(
        following.get_by_text(
            "Users like you (creator, beginner): 1 of 1 start reached a logged result."
        )
    ).to_be_visible()
