"""The console's pages of conversations: list, replay with evidence, live view, erasing."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from accounts.models import Company, User
from agents.interview.types import FlagKind
from core.models import AuditEvent
from sessions.models import TranscriptSegment
from surveys.console.transcripts import cut_by_quotes
from surveys.models import EvaluationRecord, Payout, ResponseState, SurveyResponse
from surveys.tests.agent_doubles import FixedEvaluator, use_flags
from surveys.tests.builders import ANSWERS, OTHER_ANSWERS, THIRD_ANSWERS, Visitor, make_survey

pytestmark = pytest.mark.django_db

BrowserOf = Callable[..., Client]


def answered(survey: Any, answers: tuple[str, ...] = ANSWERS, **start: Any) -> Visitor:
    """Return a visitor who has pressed Done."""
    visitor = Visitor(survey)
    visitor.answer_all(answers, **start)
    return visitor


def page_of(browser: Client, visitor: Visitor) -> Any:
    return browser.get(f"/console/sessions/{visitor.session_id}/")


def marked_words(page: str) -> list[str]:
    """Return what stands in the transcript's evidence marks."""
    shown = page.partition("data-live-list")[2].partition("</ol>")[0]
    return [unescape(found) for found in re.findall(r'<mark class="evidence">(.*?)</mark>', shown)]


@given(st.text("abc <&\n", max_size=40), st.lists(st.text("abc <&\n", max_size=6), max_size=6))
def test_cutting_never_changes_a_word(text: str, quotes: list[str]) -> None:
    parts = cut_by_quotes(text, quotes)
    assert "".join(part.text for part in parts) == text
    assert all(part.text for part in parts)
    for left, right in itertools.pairwise(parts):
        assert left.is_evidence is not right.is_evidence
    for quote in quotes:
        if quote and quote in text:
            assert any(part.is_evidence and quote in part.text for part in parts)
    if not any(quote and quote in text for quote in quotes):
        assert not any(part.is_evidence for part in parts)


def test_the_exact_words_behind_a_mark_are_set_apart(
    acme: Company, ana: User, browser_of: BrowserOf, evaluator: FixedEvaluator
) -> None:
    visitor = answered(make_survey(acme))
    answer = page_of(browser_of(ana), visitor)
    assert marked_words(answer.content.decode()) == [ANSWERS[0][:12]]
    question = answer.context["questions"][0]
    assert question.marks == (("Coverage", 3),)
    quote = question.quotes[0]
    assert (quote.text, quote.dimensions) == (ANSWERS[0][:12], ("Coverage",))
    assert f'id="turn-{quote.turn_id}"' in answer.content.decode()


def test_what_people_say_is_only_ever_text(
    acme: Company, ana: User, browser_of: BrowserOf, evaluator: FixedEvaluator
) -> None:
    attack = '<img src=x onerror="alert(1)"></p></li><script>alert(2)</script> & "quotes"'
    visitor = answered(make_survey(acme, title="<u>Title</u>"), (attack, ANSWERS[1]))
    record = EvaluationRecord.objects.get()
    record.notes = "<em>notes</em>"
    record.flags = [{"kind": "<b>odd</b>", "detail": "<i>detail</i>", "turn_ids": []}]
    record.save()
    page = page_of(browser_of(ana), visitor).content.decode()
    for markup in ("<img", "<script>alert", "<u>", "<em>", "<b>odd", "<i>detail"):
        assert markup not in page
    assert marked_words(page) == [attack[:12]]
    assert "&lt;script&gt;alert(2)&lt;/script&gt; &amp; &quot;quotes&quot;" in page


def test_a_session_shows_its_pay_its_flags_and_its_briefing(
    acme: Company,
    ana: User,
    browser_of: BrowserOf,
    evaluator: FixedEvaluator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_flags(monkeypatch, FlagKind.SPEEDING)
    visitor = answered(make_survey(acme), attributes={"plan": "pro"})
    answer = page_of(browser_of(ana), visitor)
    flag = answer.context["flags"][0]
    assert (flag.name, flag.detail) == ("Too fast", "found by a test")
    assert [step["title"] for step in answer.context["timeline"]] == [
        "Started",
        "Done",
        "Scored 85 of 100",
        "$15.50 held for a person",
    ]
    page = answer.content.decode()
    assert f'href="/console/review/{visitor.session_id}/"' in page
    assert "Find out what slows people down." in page
    assert "<dt>plan</dt><dd>pro</dd>" in page


def test_no_wallet_and_no_token_is_shown(
    acme: Company, ana: User, browser_of: BrowserOf, evaluator: FixedEvaluator
) -> None:
    visitor = answered(make_survey(acme))
    page = page_of(browser_of(ana), visitor).content.decode()
    response = visitor.response
    secrets = [
        response.wallet.public_id,
        response.respondent_key,
        response.device_hash,
        response.receipt_digest,
        visitor.started["session_token"],
        visitor.started["receipt_token"],
        visitor.started["device_key"],
    ]
    assert [secret for secret in secrets if secret and secret in page] == []


def test_a_running_session_is_watched_live_and_an_ended_one_is_not(
    acme: Company, ana: User, browser_of: BrowserOf, evaluator: FixedEvaluator
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    browser = browser_of(ana)
    page = page_of(browser, visitor).content.decode()
    found = re.search(r'id="live-settings"[^>]*>(.*?)</script>', page)
    assert found is not None
    assert json.loads(found[1]) == {
        "socketPath": f"/ws/transcript/{visitor.session_id}",
        "watchPath": f"/transcripts/{visitor.session_id}/events",
    }
    assert "js/console/live-session.js" in page
    visitor.talk()
    assert visitor.session_id in browser.get("/console/").content.decode()
    visitor.done()
    assert "live-session.js" not in page_of(browser, visitor).content.decode()


def test_the_list_narrows(
    acme: Company,
    ana: User,
    browser_of: BrowserOf,
    evaluator: FixedEvaluator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    survey = make_survey(acme, languages=["en", "es"])
    other = make_survey(acme, title="Another")
    good = answered(survey)
    evaluator.score = 20
    poor = answered(survey, OTHER_ANSWERS, language="es")
    use_flags(monkeypatch, FlagKind.ECHO)
    evaluator.score = 60
    flagged = answered(other, THIRD_ANSWERS)
    running = Visitor(other)
    running.start()
    SurveyResponse.objects.filter(pk=good.response.pk).update(
        created_at=good.response.created_at - timedelta(days=40)
    )
    day = good.response.created_at.date()
    browser = browser_of(ana)

    def listed(query: str) -> list[str]:
        answer = browser.get(f"/console/sessions/{query}")
        return [row.voice_session.public_id for row in answer.context["page"].rows]

    everything = [running, flagged, poor, good]
    assert listed("") == [visitor.session_id for visitor in everything]
    assert listed(f"?survey={other.public_id}") == [running.session_id, flagged.session_id]
    assert listed("?state=open") == [running.session_id]
    assert listed("?band=0") == [poor.session_id]
    assert listed("?band=4") == [good.session_id]
    assert listed("?flagged=yes") == [flagged.session_id]
    assert listed("?flagged=no&state=completed") == [poor.session_id, good.session_id]
    assert listed("?language=es") == [poor.session_id]
    assert listed(f"?until={day}") == [good.session_id]
    assert listed(f"?since={day + timedelta(days=1)}&band=0") == [poor.session_id]
    for nonsense in ("?band=99", "?band=x", "?state=x", "?flagged=x", "?since=2026-13-45"):
        assert listed(nonsense) == [visitor.session_id for visitor in everything]
    assert listed("?survey=survey_none") == []


def test_the_number_of_queries_does_not_grow(
    acme: Company,
    ana: User,
    browser_of: BrowserOf,
    evaluator: FixedEvaluator,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    survey = make_survey(acme)
    first = answered(survey)
    browser = browser_of(ana)
    with django_assert_num_queries(7):
        browser.get("/console/sessions/")
    with django_assert_num_queries(8):
        page_of(browser, first)
    for words in (OTHER_ANSWERS, THIRD_ANSWERS):
        answered(survey, words)
    segment = TranscriptSegment.objects.filter(voice_session=first.session).last()
    assert segment is not None
    for position in range(100, 130):
        segment.pk = None
        segment.public_id = f"seg_{position}"
        segment.position, segment.client_id = position, ""
        segment.save(force_insert=True)
    with django_assert_num_queries(7):
        browser.get("/console/sessions/")
    with django_assert_num_queries(8):
        page_of(browser, first)


def test_erasing_takes_the_words_and_leaves_a_line(
    acme: Company, ana: User, browser_of: BrowserOf, evaluator: FixedEvaluator
) -> None:
    visitor = answered(make_survey(acme))
    browser = browser_of(ana)
    answer = browser.post(f"/console/sessions/{visitor.session_id}/erase/", follow=True)
    assert answer.status_code == 200
    assert visitor.response.state == ResponseState.ERASED
    assert not TranscriptSegment.objects.filter(voice_session=visitor.session).exists()
    page = answer.content.decode()
    assert ANSWERS[0][:30] not in page
    assert "What was said here is erased" in page
    assert "Erase for the respondent" not in page
    event = AuditEvent.objects.get(action="response.erasure_asked")
    assert (event.actor, event.object_ref) == (ana.public_id, visitor.session_id)
    assert Payout.objects.get().state == "paid"
