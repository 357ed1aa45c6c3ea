"""Deciding held payouts and appeals in the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Company, User
from agents.interview.types import FlagKind
from core.models import AuditEvent
from surveys.models import Appeal, Payout, PayoutState, SurveyResponse
from surveys.services import appeals
from surveys.tests.agent_doubles import FixedEvaluator, use_flags
from surveys.tests.builders import ANSWERS, OTHER_ANSWERS, THIRD_ANSWERS, Visitor, make_survey

pytestmark = pytest.mark.django_db

BrowserOf = Callable[..., Client]


@pytest.fixture
def held(acme: Company, evaluator: FixedEvaluator, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    """Return a visitor whose pay waits for a person."""
    use_flags(monkeypatch, FlagKind.PROMPT_INJECTION)
    visitor = Visitor(make_survey(acme))
    visitor.answer_all()
    assert Payout.objects.get().state == PayoutState.HELD
    return visitor


@pytest.fixture
def unpaid(acme: Company, evaluator: FixedEvaluator) -> Visitor:
    """Return a visitor whose answer earned nothing and who appealed."""
    evaluator.score = 10
    visitor = Visitor(make_survey(acme))
    visitor.answer_all()
    appeals.file_appeal(response=visitor.response, text="I <b>did</b> answer.")
    return visitor


def decide(browser: Client, visitor: Visitor, **fields: str) -> Any:
    return browser.post(f"/console/review/{visitor.session_id}/", fields)


def test_the_queue_says_why_in_words(held: Visitor, ana: User, browser_of: BrowserOf) -> None:
    answer = browser_of(ana).get("/console/review/")
    entry = answer.context["items"][0]
    assert entry["reasons"] == ["Instructions instead of an answer"]
    page = answer.content.decode()
    assert f'href="/console/review/{held.session_id}/"' in page
    assert '<span class="sidenav__count">1</span>' in page
    assert "never" in page


def test_approving_pays(held: Visitor, beto: User, browser_of: BrowserOf) -> None:
    browser = browser_of(beto)
    answer = decide(browser, held, decision="approve", reason="")
    assert (answer.status_code, answer["Location"]) == (302, "/console/review/")
    payout = Payout.objects.get()
    assert (payout.state, payout.reviewed_by) == (PayoutState.PAID, beto)
    assert browser.get("/console/review/").context["items"] == []
    page = browser.get(f"/console/review/{held.session_id}/").content.decode()
    assert "There is nothing left to decide here." in page


def test_rejecting_needs_a_reason_and_keeps_the_visitor_informed(
    held: Visitor, ana: User, browser_of: BrowserOf
) -> None:
    browser = browser_of(ana)
    before = AuditEvent.objects.count()
    answer = decide(browser, held, decision="reject", reason="  ")
    assert answer.status_code == 400
    assert "Say why: the visitor will read it." in answer.content.decode()
    assert Payout.objects.get().state == PayoutState.HELD
    assert AuditEvent.objects.count() == before
    assert decide(browser, held, decision="reject", reason="Copied text.").status_code == 302
    payout = Payout.objects.get()
    assert (payout.state, payout.review_note) == (PayoutState.REJECTED, "Copied text.")


def test_an_unknown_decision_changes_nothing_and_keeps_the_words(
    held: Visitor, ana: User, browser_of: BrowserOf
) -> None:
    answer = decide(browser_of(ana), held, decision="perhaps", reason="My <i>long</i> reason")
    assert answer.status_code == 400
    assert "My &lt;i&gt;long&lt;/i&gt; reason</textarea>" in answer.content.decode()
    assert Payout.objects.get().state == PayoutState.HELD


def test_the_second_decision_is_told_it_came_late(
    held: Visitor, ana: User, beto: User, browser_of: BrowserOf
) -> None:
    assert decide(browser_of(ana), held, decision="approve").status_code == 302
    answer = decide(browser_of(beto), held, decision="reject", reason="No.")
    assert answer.status_code == 409
    assert "has been decided already" in answer.content.decode()
    payout = Payout.objects.get()
    assert (payout.state, payout.reviewed_by) == (PayoutState.PAID, ana)


def test_an_appeal_without_pay_is_granted_within_the_range(
    unpaid: Visitor, ana: User, browser_of: BrowserOf
) -> None:
    browser = browser_of(ana)
    page = browser.get(f"/console/review/{unpaid.session_id}/")
    assert "I &lt;b&gt;did&lt;/b&gt; answer." in page.content.decode()
    assert str(page.context["grant_from"]) == "5.00"
    for amount, said in (("25", "Grant from $5.00 to $20.00."), ("x", "Give an amount such as")):
        answer = decide(browser, unpaid, decision="approve", reason="", amount=amount)
        assert answer.status_code == 400
        assert said in answer.content.decode()
        assert f'value="{amount}"' in answer.content.decode()
        assert not Payout.objects.exists()
    assert decide(browser, unpaid, decision="approve", amount="7.50").status_code == 302
    payout = Payout.objects.get()
    assert (payout.amount_minor, payout.state) == (750, PayoutState.PAID)
    assert Appeal.objects.get().resolution == "upheld"


def test_an_appeal_is_declined_with_a_reason(
    unpaid: Visitor, ana: User, browser_of: BrowserOf
) -> None:
    browser = browser_of(ana)
    assert decide(browser, unpaid, decision="reject").status_code == 400
    assert Appeal.objects.get().resolved_at is None
    assert decide(browser, unpaid, decision="reject", reason="Too short.").status_code == 302
    appeal = Appeal.objects.get()
    assert (appeal.resolution, appeal.resolution_note) == ("declined", "Too short.")
    assert not Payout.objects.exists()


def test_an_answer_nobody_questions_cannot_be_decided(
    acme: Company, ana: User, browser_of: BrowserOf, evaluator: FixedEvaluator
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.answer_all()
    before = list(Payout.objects.values())
    answer = decide(browser_of(ana), visitor, decision="reject", reason="No.")
    assert answer.status_code == 409
    assert list(Payout.objects.values()) == before


def test_the_queue_and_its_pages_take_a_fixed_number_of_queries(
    held: Visitor,
    ana: User,
    browser_of: BrowserOf,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    browser = browser_of(ana)
    with django_assert_num_queries(6):
        browser.get("/console/review/")
    with django_assert_num_queries(12):
        browser.get(f"/console/review/{held.session_id}/")
    others = []
    for words in (OTHER_ANSWERS, THIRD_ANSWERS, tuple(reversed(ANSWERS))):
        others.append(Visitor(held.survey))
        others[-1].answer_all(words)
    assert SurveyResponse.objects.filter(payout__state=PayoutState.HELD).count() == 4
    with django_assert_num_queries(6):
        browser.get("/console/review/")
    with django_assert_num_queries(12):
        page = browser.get(f"/console/review/{others[0].session_id}/")
    assert (page.context["position"], page.context["queue_count"]) == (2, 4)
    assert page.context["previous_id"] == held.session_id
    assert page.context["next_id"] == others[1].session_id
