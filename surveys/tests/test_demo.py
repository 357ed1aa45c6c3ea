"""The demo: made once through the real services, on this machine only."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Company, CompanyKey, Membership, User
from core.models import AuditEvent
from sessions.models import TranscriptSegment, VoiceSession
from surveys.demo import chats, seed
from surveys.demo.content import DEMO_SLUG, LOGINS, OWNER
from surveys.models import (
    Appeal,
    InsightReport,
    LedgerAccount,
    LedgerEntry,
    Payout,
    PayoutState,
    ResponseState,
    Survey,
    SurveyResponse,
    Theme,
)
from surveys.simulation import coffee, notes_app
from surveys.simulation.respondent import Persona, ScriptedRespondent, writing_seconds

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo(settings: Any) -> None:
    settings.DEMO = True


def test_the_demo_is_believable_and_made_once(demo: None) -> None:
    lines: list[str] = []
    company = seed.prepare_demo(lines.append)
    assert (company.slug, company.is_demo) == (DEMO_SLUG, True)
    assert User.objects.filter(email__in=[login.email for login in LOGINS]).count() == len(LOGINS)
    assert Survey.objects.count() == 2
    people = len(coffee.PEOPLE_EN) + 1 + len(coffee.PEOPLE_ES)
    assert len(lines) == people
    assert SurveyResponse.objects.filter(state=ResponseState.COMPLETED).count() == people
    assert Payout.objects.filter(state=PayoutState.PAID).count() >= 7
    held = [payout for payout in Payout.objects.all() if payout.state == PayoutState.HELD]
    assert any("prompt_injection" in payout.hold_reasons for payout in held)
    assert Appeal.objects.count() == 1
    assert InsightReport.objects.filter(sessions_used__gt=0).count() == 2
    assert Theme.objects.filter(session_count__gte=3).exists()
    assert sum(LedgerEntry.objects.values_list("amount_minor", flat=True)) == 0
    # Nobody is taken for a machine: the conversations take as long as people take.
    flags = {flag for row in SurveyResponse.objects.all() for flag in row.result["flags"]}
    assert not flags & {"speeding", "scripted", "duplicate_across_sessions"}
    counts = (SurveyResponse.objects.count(), TranscriptSegment.objects.count())
    funding = LedgerAccount.objects.get(code="funding").balance_minor
    seed.prepare_demo(lines.append)
    assert (SurveyResponse.objects.count(), TranscriptSegment.objects.count()) == counts
    assert LedgerAccount.objects.get(code="funding").balance_minor == funding
    assert len(lines) == people


def test_a_set_up_that_was_cut_short_goes_on(demo: None, monkeypatch: pytest.MonkeyPatch) -> None:
    real = seed.hold_conversation

    def dies_at_the_third(**given: Any) -> Any:
        if SurveyResponse.objects.count() == 2:
            raise KeyboardInterrupt
        return real(**given)

    monkeypatch.setattr(seed, "hold_conversation", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        seed.prepare_demo(lambda line: None)
    monkeypatch.setattr(seed, "hold_conversation", real)
    lines: list[str] = []
    seed.prepare_demo(lines.append)
    assert lines[0].endswith(f"{coffee.PEOPLE_EN[2].name} answers")
    assert Membership.objects.filter(user__email=OWNER.email).count() == 1


@pytest.mark.parametrize("bind", ["0.0.0.0", "192.168.1.5", "::", "example.com", "127.0.0.1.evil"])
def test_it_refuses_every_address_others_could_reach(demo: None, bind: str) -> None:
    with pytest.raises(CommandError, match="this machine only"):
        call_command("demo", "--bind", bind, "--prepare-only")
    assert Company.objects.count() == 0


def test_it_refuses_to_run_with_a_real_configuration(settings: Any) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="SECRET_KEY or DEBUG"):
        call_command("demo", "--prepare-only")
    assert Company.objects.count() == 0


def test_it_prints_addresses_logins_and_a_key(
    demo: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = Company.objects.create(name="Demo", slug=DEMO_SLUG, is_demo=True)
    monkeypatch.setattr("surveys.management.commands.demo.prepare_demo", lambda report: company)
    # Another terminal finds a demo that was moved by the same two.
    settings.PORT = 8010
    settings.DATA_DIR = Path("/srv/elsewhere")
    out = io.StringIO()
    call_command("demo", "--prepare-only", stdout=out)
    text = out.getvalue()
    assert "  PORT=8010 DATA_DIR=/srv/elsewhere python manage.py widget_flow" in text
    key = CompanyKey.objects.get()
    assert text.count("sk_") == 1
    assert key.prefix in text
    for shown in (settings.SITE_URL, "/console/", OWNER.email, "create_api_key --company demo"):
        assert shown in text
    assert AuditEvent.objects.filter(action="api_key.created").count() == 1


@pytest.mark.parametrize(
    ("people", "questions"),
    [
        ((*coffee.PEOPLE_EN, coffee.ATTACKER), len(coffee.SURVEY_EN["questions"])),
        (coffee.PEOPLE_ES, len(coffee.SURVEY_ES["questions"])),
        ((notes_app.DETAILED, *notes_app.QUICK), 4),
    ],
)
def test_everybody_has_an_answer_to_every_question(
    people: tuple[Persona, ...], questions: int
) -> None:
    for persona in people:
        respondent = ScriptedRespondent(persona, [str(number) for number in range(questions)])
        for number, lines in enumerate(persona.answers):
            assert [respondent.reply(str(number)) for _ in lines] == list(lines)
            assert respondent.reply(str(number)) not in lines
        assert respondent.reply(None)
    with pytest.raises(ValueError, match="another survey"):
        ScriptedRespondent(people[0], ["only one"])


def test_writing_takes_time() -> None:
    assert writing_seconds("one two three four", 60) == 4.0
    assert writing_seconds("ok", 600) == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sessions", "0"], "--sessions"),
        (["--sessions", "21"], "--sessions"),
        (["--words-per-minute", "0"], "--words-per-minute"),
        (["--url", "ftp://x", "--key", "sk_x"], "--url"),
        (["--url", "http://127.0.0.1:9", "--key", "sk_x"], "No answer from"),
        ([], "company key is needed"),
    ],
)
def test_widget_flow_says_what_is_missing(
    arguments: list[str], message: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PRODUCTION = True
    monkeypatch.delenv("PARLEY_KEY", raising=False)
    with pytest.raises(CommandError, match=message):
        call_command("widget_flow", *arguments)


@pytest.mark.django_db
@pytest.mark.parametrize("is_production", [False, True])
def test_widget_flow_takes_the_key_of_the_demo_beside_it_but_never_in_production(
    is_production: bool, acme: Company, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Company.objects.filter(pk=acme.pk).update(slug="demo", is_demo=True)
    settings.PRODUCTION = is_production
    # What a developer's .env with DEBUG=true makes of a command run beside the demo.
    settings.DEMO = False
    monkeypatch.delenv("PARLEY_KEY", raising=False)
    message = "company key is needed" if is_production else "No answer from"
    with pytest.raises(CommandError, match=message):
        call_command("widget_flow", "--url", "http://127.0.0.1:9")
    assert CompanyKey.objects.filter(company=acme, name="widget_flow").exists() is not is_production


@pytest.mark.django_db(transaction=True)
def test_widget_flow_plays_the_whole_story_over_http(
    live_server: Any, acme: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    from accounts.tests.factories import make_key
    from core.jobs import testing as jobs
    from surveys.services.funding import fund_company

    fund_company(company=acme, amount_minor=100_000, currency="USD")

    # People of the tests write at once, so the story tells of held pay; insights are made by the
    # jobs that a server would run beside it.
    def work_instead_of_waiting(seconds: float) -> None:
        if threading.current_thread() is threading.main_thread():
            jobs.drain(sweeps=True)

    monkeypatch.setattr("surveys.simulation.flow.time.sleep", work_instead_of_waiting)
    out = io.StringIO()
    monkeypatch.setattr("surveys.simulation.flow.INSIGHTS_TRIES", 4)
    call_command(
        "widget_flow",
        "--sessions",
        "3",
        "--url",
        live_server.url,
        "--key",
        make_key(acme)[1],
        stdout=out,
    )
    text = out.getvalue()
    for heading in (
        "SIMULATING WIDGET INTERACTION FLOW",
        "STEP 1: Company creates survey",
        "STEP 2: User clicks feedback widget button",
        "STEP 3: Initialize session",
        "STEP 4: Conversation in progress",
        "STEP 5: User clicks 'Done' button",
        "STEP 6: Evaluating & processing payment",
        "RESULTS SHOWN TO USER:",
        "STEP 8: Background - Insights for company",
        "INSIGHTS AFTER 3 SESSIONS",
    ):
        assert heading in text
    assert SurveyResponse.objects.filter(state=ResponseState.COMPLETED).count() == 3
    assert len({row.wallet_id for row in SurveyResponse.objects.all()}) == 3
    assert "Total sessions: 3" in text


def test_practice_conversations_take_the_time_people_take(
    demo: None, ana: User, browser_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chats, "ANSWERS", {ana.email: chats.ANSWERS[OWNER.email]})
    lines: list[str] = []
    for _ in range(2):
        chats.prepare_demo(Company(name="Demo"), lines.append)

    assert len(lines) == 1
    [chat] = VoiceSession.objects.all()
    assert chat.started_at is not None
    assert chat.ended_at is not None
    assert 60 < (chat.ended_at - chat.started_at).total_seconds() < 600
    assert ">0 s<" not in browser_of(ana).get("/history").content.decode()
