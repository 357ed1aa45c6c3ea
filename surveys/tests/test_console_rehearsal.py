"""Trying a survey out in the console: the real interviewer, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core import signing
from django.test import Client

from accounts.models import Company, User
from surveys.console import rehearsal
from surveys.models import FunnelCounter, Survey, SurveyResponse
from surveys.services.surveys import current_definition
from surveys.tests.builders import make_survey
from surveys.tests.test_console_surveys import FORM, post, text_of

pytestmark = pytest.mark.django_db

BrowserOf = Callable[..., Client]


def step(browser: Client, path: str, **fields: Any) -> Any:
    return browser.post(f"/console/{path}", fields, headers={"Accept": "application/json"})


def test_a_try_out_of_what_stands_in_the_builder_leaves_no_trace(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    browser = browser_of(ana)
    drafted = {**FORM, "title": "", "payment_max": "nonsense", "version": ""}
    opening = step(browser, "surveys/try/", **drafted)
    assert opening.status_code == 200
    assert "Tell me about your last purchase." in opening.json()["reply"]
    assert opening.json()["is_closed"] is False
    token = opening.json()["token"]
    replies = []
    for said in (
        "On Monday I bought a grinder and the page froze twice, so I paid again by phone.",
        "It froze after the address, because the postcode was not accepted.",
        "Payment",
        "Yes, that is right.",
    ):
        answer = step(browser, "surveys/try/", token=token, text=said)
        assert answer.status_code == 200
        token = answer.json()["token"]
        replies.append(answer.json())
        if answer.json()["is_closed"]:
            break
    assert any("Which part was hardest?" in reply["reply"] for reply in replies)
    assert replies[-1]["is_closed"] is True
    over = step(browser, "surveys/try/", token=token, text="One more thing")
    assert (over.status_code, over.json()["code"]) == (400, "rehearsal_over")
    assert not Survey.objects.exists()
    assert not SurveyResponse.objects.exists()
    assert not FunnelCounter.objects.exists()


def test_a_try_out_says_what_the_draft_lacks(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    answer = step(
        browser_of(ana), "surveys/try/", **{**FORM, "q7-text": "", "languages": "english!"}
    )
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        "Questions: At least one question must be required: pay depends on it.",
        "Question 1: This field may not be empty.",
        "Languages: Use language codes such as en or es.",
    ]


def test_a_try_out_goes_on_without_script(acme: Company, ana: User, browser_of: BrowserOf) -> None:
    survey = make_survey(acme)
    path = f"/console/surveys/{survey.public_id}/preview/"
    browser = browser_of(ana)
    assert browser.get(path).context["held"] is None
    begun = browser.post(path)
    held = begun.context["held"]
    gone_on = browser.post(path, {"token": held.token, "text": "I <b>moved</b> 40 notes by hand."})
    assert len(gone_on.context["held"].turns) == 3
    assert "I &lt;b&gt;moved&lt;/b&gt; 40 notes by hand." in text_of(gone_on)
    empty = browser.post(path, {"token": held.token, "text": " "})
    assert empty.status_code == 400
    assert "Write an answer first." in text_of(empty)
    assert empty.context["token"] == held.token
    assert not SurveyResponse.objects.exists()


@pytest.mark.parametrize("kind", ["forged", "foreign", "old"])
def test_a_try_outs_token_is_its_companys_and_fresh(
    acme: Company,
    globex: Company,
    ana: User,
    browser_of: BrowserOf,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    survey = make_survey(globex if kind == "foreign" else acme)
    held = rehearsal.begin_rehearsal(company=survey.company, definition=current_definition(survey))
    token = held.token
    if kind == "forged":
        token = signing.dumps({"company": acme.public_id}, salt="another salt")
    if kind == "old":
        monkeypatch.setattr(rehearsal, "MAX_AGE_SECONDS", -1)
    answer = step(browser_of(ana), "surveys/try/", token=token, text="Hello there")
    assert (answer.status_code, answer.json()["code"]) == (400, "rehearsal_invalid")


def test_try_outs_have_a_limit(
    acme: Company, ana: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "STEPS_AN_HOUR", 1)
    browser = browser_of(ana)
    assert step(browser, "surveys/try/", **FORM).status_code == 200
    answer = step(browser, "surveys/try/", **FORM)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")


def test_a_draft_is_tried_out_on_a_page_without_script(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    browser = browser_of(ana)
    opened = post(browser, "surveys/try/")
    assert opened.status_code == 200
    assert "Tell me about your last purchase." in text_of(opened)
    token = opened.context["token"]
    said = browser.post("/console/surveys/try/", {"token": token, "text": "A grinder, on Monday."})
    assert [turn.role.value for turn in said.context["held"].turns] == ["agent", "user", "agent"]
    assert not Survey.objects.exists()
