"""The console's first page, ledger, install and findings."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Company, User
from core import clock
from core.jobs import testing as jobs
from sessions.models import TranscriptSegment
from surveys.console import install
from surveys.models import (
    AccountCode,
    FunnelCounter,
    InsightReport,
    LedgerTransaction,
    Survey,
    Theme,
    ThemeMention,
)
from surveys.services.funding import fund_company
from surveys.services.identity import SignedUser, verify_signed_user
from surveys.services.insights import REFRESH_JOB
from surveys.services.surveys import current_version
from surveys.tests.agent_doubles import FixedEvaluator
from surveys.tests.builders import ANSWERS, OTHER_ANSWERS, Visitor, make_survey
from surveys.tests.money_world import balance

pytestmark = pytest.mark.django_db

BrowserOf = Callable[..., Client]


# --- overview --------------------------------------------------------------------------------


def matters(browser: Client) -> list[tuple[str, str, str]]:
    return [(one.tone, one.title, one.url) for one in browser.get("/console/").context["matters"]]


def test_an_empty_company_is_shown_the_way(acme: Company, ana: User, browser_of: BrowserOf) -> None:
    page = browser_of(ana).get("/console/").content.decode()
    assert "Ask your first question" in page
    assert 'href="/console/surveys/new/"' in page


def test_a_survey_without_money_asks_for_funds(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    survey = make_survey(acme, funding_minor=0, title="Tea")
    browser = browser_of(ana)
    assert matters(browser) == [
        ("bad", "“Tea” has no money for another answer", "/console/ledger/")
    ]
    fund_company(company=acme, amount_minor=3_900, currency="USD")
    # Its budget is not even filled: raising it would change nothing.
    ledger = "/console/ledger/"
    assert matters(browser) == [("warn", "The budget of “Tea” is running out", ledger)]
    fund_company(company=acme, amount_minor=16_100, currency="USD")
    assert matters(browser) == []
    for _ in range(9):
        Visitor(survey).start()
    edit = f"/console/surveys/{survey.public_id}/edit/"
    assert matters(browser) == [("warn", "The budget of “Tea” is running out", edit)]


def test_a_full_survey_says_so(
    acme: Company, ana: User, browser_of: BrowserOf, evaluator: FixedEvaluator
) -> None:
    survey = make_survey(acme, title="Tea", max_responses=1, budget=200)
    Visitor(survey).answer_all()
    assert matters(browser_of(ana)) == [
        (
            "info",
            "“Tea” has all the answers you asked for",
            f"/console/surveys/{survey.public_id}/",
        )
    ]


# --- ledger ----------------------------------------------------------------------------------


def test_an_owner_of_a_demo_adds_play_money(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    answer = browser_of(ana).post(
        "/console/ledger/fund/", {"amount": "12.34", "currency": "EUR"}, follow=True
    )
    assert answer.redirect_chain == [("/console/ledger/", 302)]
    assert balance(AccountCode.FUNDING, company=acme) == 1234
    assert "€12.34 of play money added" in answer.content.decode()


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("", "USD", "Give an amount such as 500.00."),
        ("1.234", "USD", "Give an amount such as 500.00."),
        ("5", "XXX", "Give an amount such as 500.00."),
        ("0", "USD", "Give an amount up to $100,000.00."),
        ("-5", "USD", "Give an amount up to $100,000.00."),
        ("100000.01", "USD", "Give an amount up to $100,000.00."),
    ],
)
def test_a_refused_amount_posts_nothing_and_stays(
    acme: Company, ana: User, browser_of: BrowserOf, amount: str, currency: str, said: str
) -> None:
    answer = browser_of(ana).post("/console/ledger/fund/", {"amount": amount, "currency": currency})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert answer.context["typed"] == amount
    assert not LedgerTransaction.objects.exists()


def test_a_real_company_gets_no_play_money(acme: Company, ana: User, browser_of: BrowserOf) -> None:
    acme.is_demo = False
    acme.save(update_fields=["is_demo"])
    browser = browser_of(ana)
    answer = browser.post("/console/ledger/fund/", {"amount": "5", "currency": "USD"})
    assert answer.status_code == 404
    assert not LedgerTransaction.objects.exists()
    page = browser.get("/console/ledger/").content.decode()
    assert "Add play money" not in page
    assert f"manage.py fund_company --company {acme.slug}" in page


def test_movements_add_up_and_name_no_wallet(
    acme: Company,
    ana: User,
    browser_of: BrowserOf,
    evaluator: FixedEvaluator,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.answer_all()
    browser = browser_of(ana)
    with django_assert_num_queries(10):
        answer = browser.get("/console/ledger/")
    shown = answer.context["transactions"]
    assert [one.words for one in shown] == [
        "Paid to a respondent",
        "Owed for an answer",
        "Reserved for a session",
        "Set aside for a survey",
        "Funds added",
    ]
    assert all(sum(entry.amount_minor for entry in one.entries) == 0 for one in shown)
    assert visitor.response.wallet.public_id not in answer.content.decode()
    Visitor(make_survey(acme, title="Another")).answer_all(OTHER_ANSWERS)
    with django_assert_num_queries(10):
        browser.get("/console/ledger/")
    last = shown[0].row.pk
    older = browser.get(f"/console/ledger/?before={last}").context["transactions"]
    assert [one.row.pk for one in older] == [one.row.pk for one in shown[1:]]
    assert browser.get("/console/ledger/?before=x").status_code == 200


# --- install ---------------------------------------------------------------------------------


def test_the_snippet_opens_the_survey(
    acme: Company, ana: User, browser_of: BrowserOf, settings: Any
) -> None:
    settings.SITE_URL = "https://parley.example"
    settings.LIVEKIT_URL = "wss://voice.example:7443"
    survey = make_survey(acme)
    answer = browser_of(ana).get("/console/install/")
    assert answer.context["snippet"] == (
        '<script src="https://parley.example/widget.js"\n'
        f'        data-survey="{survey.public_id}"\n'
        f'        data-key="{survey.publishable_key}"\n'
        "        async></script>"
    )
    assert answer.context["policy"] == (
        "script-src https://parley.example;\n"
        "connect-src https://parley.example wss://parley.example wss://voice.example:7443 "
        "https://voice.example:7443;"
    )


def test_websites_are_saved_exactly_and_refused_by_line(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    survey = make_survey(acme)
    browser = browser_of(ana)
    fields = {"survey": survey.public_id, "allowed_origins": "https://A.example:443\nhttps://b"}
    assert browser.post("/console/install/", fields).status_code == 302
    survey.refresh_from_db()
    assert survey.allowed_origins == ["https://a.example", "https://b"]
    refused = browser.post(
        "/console/install/", {**fields, "allowed_origins": "https://c\nhttps://*.example/x"}
    )
    assert refused.status_code == 422
    assert refused.context["problems"] == [
        "Line 2: Use exact origins such as https://shop.example.com, without a path."
    ]
    assert "https://*.example/x" in refused.content.decode()
    survey.refresh_from_db()
    assert survey.allowed_origins == ["https://a.example", "https://b"]


def test_only_owners_see_the_identity_secret(
    acme: Company, ana: User, beto: User, browser_of: BrowserOf
) -> None:
    make_survey(acme)
    secret = browser_of(ana).get("/console/install/").context["identity_secret"]
    assert len(secret) == 64
    answer = browser_of(beto).get("/console/install/")
    assert answer.context["identity_secret"] == ""
    assert secret not in answer.content.decode()


def test_the_python_sample_signs_what_the_server_accepts(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    survey = make_survey(acme)
    secret = browser_of(ana).get("/console/install/").context["identity_secret"]
    space: dict[str, Any] = {"hashlib": hashlib, "hmac": hmac, "time": time}
    exec(install.SIGN_PYTHON, space)
    signed = space["sign_user"](survey.public_id, "user-7", secret)
    assert len(verify_signed_user(survey=survey, user=SignedUser(**signed))) == 64


def test_the_page_tells_whether_the_widget_was_seen(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    survey = make_survey(acme)
    browser = browser_of(ana)
    assert [hint.is_fine for hint in browser.get("/console/install/").context["hints"]] == [
        True,
        False,
    ]
    today = clock.now().date()
    for ago, count in ((3, 40), (1, 2)):
        FunnelCounter.objects.create(
            survey=survey, day=today - timedelta(days=ago), step="shown", count=count
        )
    hint = browser.get("/console/install/").context["hints"][1]
    assert hint.is_fine
    last = today - timedelta(days=1)
    assert hint.text == f"Shown 42 times, the last time on {last:%-d %B %Y}."


# --- findings --------------------------------------------------------------------------------


def make_theme(survey: Survey, visitor: Visitor, **fields: Any) -> Theme:
    """Give a survey a theme that quotes the visitor's first answer."""
    now = clock.now()
    theme = Theme.objects.create(
        survey=survey,
        **{
            "question_id": current_version(survey).questions[0]["id"],
            "label": "Notes <b>by hand</b>",
            "key": "notes",
            "session_count": 3,
            "share": 0.6,
            "interval_low": 0.2307,
            "interval_high": 0.8824,
            "first_seen_at": now,
            "updated_at": now,
            **fields,
        },
    )
    segment = TranscriptSegment.objects.filter(voice_session=visitor.session, role="user").first()
    assert segment is not None
    ThemeMention.objects.create(
        theme=theme, response=visitor.response, segment=segment, start=3, end=20
    )
    return theme


def test_quotes_open_the_turn_they_were_said_in(
    acme: Company,
    ana: User,
    browser_of: BrowserOf,
    evaluator: FixedEvaluator,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    survey = make_survey(
        acme,
        questions=[
            {"text": "What were you trying to get done?", "max_probes": 0},
            {"text": "From 1 to 5, how hard was it?", "kind": "rating", "max_probes": 0},
        ],
    )
    visitor = Visitor(survey)
    visitor.answer_all((ANSWERS[0], "4, since it took long"))
    InsightReport.objects.update_or_create(
        survey=survey,
        defaults={
            "key_insights": ["Three <i>people</i> copied notes by hand."],
            "sessions_used": 1,
            "updated_at": clock.now(),
            "refresh_due_at": None,
        },
    )
    make_theme(survey, visitor)
    browser = browser_of(ana)
    with django_assert_num_queries(12):
        answer = browser.get(f"/console/surveys/{survey.public_id}/insights/")
    shown = answer.context["questions"][0]
    row = shown.chart.rows[0]
    assert (row.display, row.interval, row.note) == ("60 %", "23\xa0to\xa088", "3 sessions")
    quote = shown.themes[0].shown_quotes[0]
    segment = TranscriptSegment.objects.get(public_id=quote.url.rpartition("#turn-")[2])
    assert quote.text == segment.text[3:20]
    replay = browser.get(quote.url.partition("#")[0]).content.decode()
    assert f'id="turn-{segment.public_id}"' in replay
    (rating,) = answer.context["distributions"]
    assert {one.label: one.display for one in rating.rows}["4"] == "1"
    page = answer.content.decode()
    assert "Notes &lt;b&gt;by hand&lt;/b&gt;" in page
    assert "Three &lt;i&gt;people&lt;/i&gt; copied notes" in page
    assert "Early: fewer than five sessions" in page
    for number in range(4):
        make_theme(survey, visitor, label=f"Theme {number}")
    with django_assert_num_queries(12):
        browser.get(f"/console/surveys/{survey.public_id}/insights/")
    assert "copied notes" in browser.get("/console/insights/").content.decode()


def test_themes_of_a_removed_question_stay_readable(
    acme: Company, ana: User, browser_of: BrowserOf, evaluator: FixedEvaluator
) -> None:
    survey = make_survey(acme)
    visitor = Visitor(survey)
    visitor.answer_all()
    InsightReport.objects.update(sessions_used=1, updated_at=clock.now())
    Theme.objects.all().delete()
    make_theme(survey, visitor, question_id="q_gone")
    answer = browser_of(ana).get(f"/console/surveys/{survey.public_id}/insights/")
    assert [one.text for one in answer.context["questions"]] == ["A question of an earlier version"]


def test_refreshing_asks_for_it_in_the_background(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    survey = make_survey(acme)
    answer = browser_of(ana).post(f"/console/surveys/{survey.public_id}/insights/refresh/")
    assert answer.status_code == 302
    assert InsightReport.objects.get(survey=survey).refresh_due_at is not None
    jobs.run_commit_callbacks()
    assert jobs.pending() == [(REFRESH_JOB, survey.public_id)]
