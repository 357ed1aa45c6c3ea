"""One person through everything, and back to the company: a guide followed on a phone, its result,
the paid interview about it, all of it on the person's own page; then the findings and their film.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import listening
from tests.browser.steps import begin, finish, shadow
from tests.browser.test_studio import sign_in
from tests.browser.test_workflow_story import say_who, sign_up

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TITLE = "How the guide went"
ANSWER = (
    "Step three slowed me down on Tuesday, because nothing told me which photographs a buyer "
    "looks at first, so I sorted forty of them by hand."
)


def link(parley, survey, execution_id):
    """Have the guide offer the interview, as an administrator does (test_thread.py)."""
    with closing(sqlite3.connect(parley.folder / "parley.sqlite3", timeout=20)) as rows, rows:
        changed = rows.execute(
            "UPDATE workflows_workflow SET feedback_survey_id ="
            " (SELECT id FROM surveys_survey WHERE public_id = ?) WHERE id ="
            " (SELECT workflow_id FROM workflows_execution WHERE public_id = ?)",
            (survey.survey_id, execution_id),
        )
        assert changed.rowcount == 1


def test_a_guide_its_result_and_the_paid_interview_then_findings_and_a_film(
    ask, visitor, parley, check_access
):
    survey = ask(
        title=TITLE,
        questions=[{"text": "Which part of the guide slowed you down?", "max_probes": 0}],
    )

    page = visitor(viewport={"width": 360, "height": 740}).new_page()
    with listening(page) as complaints:
        sign_up(page, parley, "lena")
        say_who(page)
        page.get_by_role("button", name="Start").first.click()
        page.wait_for_url("**/executor/**")
        page.locator("[data-executor][data-ready]").wait_for()
        link(parley, survey, page.url.partition("#")[0].rpartition("/")[2])
        for done in (1, 2, 3, 4):
            page.locator("[data-next]").click()
            expect(page.locator("[data-counter]")).to_have_text(f"{done} of 5 steps done")
        page.locator("[data-complete]").click()
        expect(page.locator("[data-completed]")).to_be_visible(timeout=20_000)
        page.locator("[data-log-outcome]").click()
        page.wait_for_url("**/outcome/**")
        page.locator("#outcome-value").fill("75")
        page.locator("main form button[type=submit]").first.click()
        expect(page.get_by_text("Result logged")).to_be_visible(timeout=20_000)

        offer = page.get_by_role("dialog")
        expect(offer).to_contain_text("$5.00 to $20.00")
        offer.get_by_role("link", name="Start the paid interview").click()
        page.wait_for_url(f"**/s/{survey.survey_id}")
        begin(page)
        # At a person's pace: whoever is faster is looked at before the pay.
        page.wait_for_timeout(1000)
        page.get_by_label("Your answer").press_sequentially(ANSWER, delay=38, timeout=30_000)
        page.keyboard.press("Enter")
        expect(shadow(page, ".count")).to_have_text("All 1 questions are done")
        finish(page)
        earned = shadow(page, ".pay__amount").inner_text()
        score = re.search(r"\d+", shadow(page, ".score__words strong").inner_text())[0]

        page.goto(f"{parley.url}/me/")
        # Nothing was attached by hand: signed in, the pay and the answer are the person's own.
        expect(page.get_by_text(earned, exact=True).first).to_be_visible()
        expect(page.get_by_text(TITLE)).to_be_visible()
        expect(page.get_by_text(f"{score} of 100")).to_be_visible()
        expect(page.get_by_role("rowheader", name="$75.00")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        check_access(page, "own page", "body")
    assert complaints == []

    page = sign_in(visitor(viewport={"width": 1280, "height": 800}).new_page(), parley)
    with listening(page) as complaints:
        quote = page.get_by_text("forty of them by hand").first
        for _ in range(40):
            page.goto(f"{parley.url}/console/surveys/{survey.survey_id}/insights/")
            if quote.count():
                break
            page.wait_for_timeout(250)
        expect(quote).to_be_visible()
        page.get_by_role("button", name="Make a video").click()
        page.wait_for_url(re.compile(r"/studio/video_\w+$"))
        expect(page.locator('[data-agent="Orchestrator"]')).not_to_have_attribute(
            "data-status", "waiting", timeout=30_000
        )
        # That it becomes a film is told elsewhere; here it only would take a core for a while.
        page.get_by_role("button", name="Cancel").first.click()
    assert complaints == []
