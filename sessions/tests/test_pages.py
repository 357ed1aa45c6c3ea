"""The pages of conversations: chat, history, replay, admin."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from core import clock
from sessions.models import EndReason, SessionKind, TranscriptSegment, VoiceLatency, VoiceSession
from sessions.services.conversations import create_session, open_conversation
from sessions.services.endings import end_session
from sessions.services.transcripts import erase_conversation
from sessions.services.turns import say
from sessions.tests.conftest import make_briefing

XSS = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture
def chat_of():
    """Return a function that makes a chat of somebody, in which something was said."""

    def make(user, words="I use a calendar every day.", **changes):
        created = create_session(
            kind=SessionKind.CHAT, owner=user, briefing=make_briefing(), **changes
        )
        row = open_conversation(voice_session=created.session)
        say(voice_session=row, text=words, client_id="c1")
        row.refresh_from_db()
        return row

    return make


def text_of(answer):
    return answer.content.decode()


def test_the_chat_page_offers_a_start_to_those_who_may(browser_of, vera):
    signed_in = text_of(browser_of(vera).get("/chat"))
    visitor = text_of(browser_of().get("/chat"))
    with override_settings(CHAT_PUBLIC=True):
        welcome = text_of(browser_of().get("/chat"))

    assert "data-chat-start-form" in signed_in
    assert "data-chat-start-form" not in visitor
    assert "Visitors cannot start conversations here." in visitor
    assert "data-chat-start-form" in welcome
    assert 'id="chat-settings"' in welcome
    assert "Built-in practice agent" in welcome


def test_the_pages_keep_the_policy(browser_of, vera, chat_of):
    row = chat_of(vera)
    client = browser_of(vera)

    for path in ("/chat", "/history", f"/history/{row.public_id}"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "script-src 'self'" in answer["Content-Security-Policy"]
        assert "unsafe" not in answer["Content-Security-Policy"]
        body = text_of(answer)
        assert not re.search(r"<script(?![^>]*(src=|application/json))", body), path
        assert " style=" not in body
        assert not re.search(r"\son\w+=", body)


def test_only_members_see_the_instructions_field(browser_of, ana, vera, acme, settings):
    settings.LLM_ENABLED = True

    assert 'name="system_prompt"' in text_of(browser_of(ana).get("/chat"))
    assert 'name="system_prompt"' not in text_of(browser_of(vera).get("/chat"))


def test_the_history_wants_a_login(browser_of, vera, chat_of):
    row = chat_of(vera)

    for path in ("/history", f"/history/{row.public_id}"):
        answer = browser_of().get(path)
        assert answer.status_code == 302
        assert answer["Location"].endswith(f"?next={path}")


def test_the_history_shows_ones_own_conversations(browser_of, vera, carla, chat_of):
    mine, other = chat_of(vera), chat_of(carla)

    body = text_of(browser_of(vera).get("/history"))

    assert mine.public_id in body
    assert other.public_id not in body


def test_an_empty_history_says_what_to_do(browser_of, vera):
    body = text_of(browser_of(vera).get("/history"))

    assert "Nothing here yet" in body
    assert 'href="/chat"' in body


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"calendar", "mail"}),
        ("words=calendar", {"calendar"}),
        ("words=CALENDAR", {"calendar"}),
        ("words=nothing-like-it", set()),
        ("status=ended", {"mail"}),
        ("language=es", {"mail"}),
        ("kind=survey", set()),
        ("since=2000-01-01&until=2000-01-02", set()),
        ("since=2020-01-01", {"calendar", "mail"}),
        ("since=not-a-day", {"calendar", "mail"}),
        ("status=nonsense", {"calendar", "mail"}),
        ("before=nonsense", {"calendar", "mail"}),
    ],
)
def test_filters(browser_of, vera, chat_of, query, found):
    rows = {
        "calendar": chat_of(vera, "I use a calendar."),
        "mail": chat_of(vera, "I use mail.", language="es"),
    }
    end_session(voice_session=rows["mail"], reason=EndReason.STOPPED)

    answer = browser_of(vera).get(f"/history?{query}")

    assert answer.status_code == 200
    assert {name for name, row in rows.items() if row.public_id in text_of(answer)} == found


@pytest.mark.parametrize("query", ["before=%00", "words=%00"])
def test_filters_no_database_takes_are_refused(browser_of, vera, query):
    assert browser_of(vera).get(f"/history?{query}").status_code == 400


@pytest.mark.parametrize(
    ("query", "is_open", "described"),
    [
        ("", False, "all are shown"),
        (
            "words=calendar&kind=chat&since=2026-01-02",
            True,
            "“calendar”, Plain chat, From 2026-01-02",
        ),
        ("until=yesterday", True, "all are shown"),
        ("lang=es", False, "se muestran todas"),
    ],
)
def test_filters_are_folded_until_one_narrows_the_list(browser_of, vera, query, is_open, described):
    body = text_of(browser_of(vera).get(f"/history?{query}"))

    (fold,) = re.findall(r'<details class="fold"( open)?>', body)
    (summary,) = re.findall(r'<summary class="fold__summary">(.*?)</summary>', body, re.S)
    assert bool(fold) is is_open
    assert described in summary


def test_the_history_is_cut_into_pages_without_gaps(browser_of, vera):
    for number in range(60):
        created = create_session(kind=SessionKind.CHAT, owner=vera)
        moment = clock.now() - timedelta(minutes=number // 3)
        VoiceSession.objects.filter(pk=created.session.pk).update(created_at=moment)
    client = browser_of(vera)
    seen, url = [], "/history"

    while url:
        body = text_of(client.get(url))
        seen += re.findall(r'href="/history/(session_\w+)"', body)
        older = re.search(r'href="(\?[^"]*before=[^"]*)"', body)
        url = f"/history{older[1].replace('&amp;', '&')}" if older else ""

    wanted = VoiceSession.objects.order_by("-created_at", "-pk")
    assert seen == list(wanted.values_list("public_id", flat=True))


def test_the_history_takes_a_fixed_number_of_queries(browser_of, vera, chat_of):
    client = browser_of(vera)
    chat_of(vera)
    with CaptureQueriesContext(connection) as few:
        client.get("/history")
    for _ in range(4):
        chat_of(vera)
    with CaptureQueriesContext(connection) as many:
        client.get("/history")

    # Login, person, the profile's language, languages, the list; the navigation may add one for
    # the company.
    assert len(many) == len(few) <= 6


def test_the_history_tells_the_answer_time_of_typing_and_of_speech(browser_of, vera, chat_of):
    typed, spoken = chat_of(vera), chat_of(vera)
    for row in (typed, spoken):
        row.segments.filter(role="agent").update(latency_ms=None)
        row.segments.filter(pk=row.segments.filter(role="agent").last().pk).update(latency_ms=24)
    VoiceLatency.objects.create(voice_session=spoken, kind="first_audio", milliseconds=812)

    body = text_of(browser_of(vera).get("/history"))

    assert re.findall(r'data-label="Answer time"[^>]*>(\d+) ms<', body) == ["812", "24"]


def test_a_replay_shows_every_turn(browser_of, vera, chat_of):
    row = chat_of(vera)

    body = text_of(browser_of(vera).get(f"/history/{row.public_id}"))

    for segment in TranscriptSegment.objects.all():
        assert f'id="turn-{segment.public_id}"' in body
    assert "I use a calendar every day." in body
    for suffix in ("", ".txt", ".vtt"):
        assert f'href="/transcripts/{row.public_id}{suffix}"' in body


def test_a_replay_is_for_owner_and_company_only(browser_of, ana, beto, carla, globex, running):
    path = f"/history/{running.public_id}"

    assert browser_of(ana).get(path).status_code == 200
    assert browser_of(beto).get(path).status_code == 200
    assert browser_of(carla).get(path).status_code == 404
    assert browser_of(carla).get("/history/session_nothing").status_code == 404


def test_an_erased_conversation_has_no_replay(browser_of, vera, chat_of):
    row = chat_of(vera)
    erase_conversation(voice_session=row)

    assert browser_of(vera).get(f"/history/{row.public_id}").status_code == 404
    assert row.public_id not in text_of(browser_of(vera).get("/history"))


def test_what_was_said_is_text_everywhere(browser_of, vera, chat_of, admin_client):
    row = chat_of(vera, XSS)
    segment = TranscriptSegment.objects.get(role="user")
    pages = [
        browser_of(vera).get(f"/history/{row.public_id}"),
        browser_of(vera).get("/history", {"words": XSS}),
        admin_client.get(f"/admin/voice_sessions/transcriptsegment/{segment.pk}/change/"),
        admin_client.get("/admin/voice_sessions/transcriptsegment/"),
    ]

    for page in pages:
        assert page.status_code == 200
        assert "<script>alert(1)" not in text_of(page)
        assert "<img src=x" not in text_of(page)
    assert "&lt;script&gt;alert(1)" in text_of(pages[0])


def test_the_admin_shows_conversations_without_what_is_private(admin_client, running):
    body = text_of(admin_client.get(f"/admin/voice_sessions/voicesession/{running.pk}/change/"))

    assert running.public_id in body
    assert "CANARY" not in body
    assert running.token_digest not in body
    assert admin_client.get("/admin/voice_sessions/voicesession/add/").status_code == 403


def test_staff_who_may_only_look_end_nothing(browser_of, vera, running):
    from django.contrib.auth.models import Permission

    vera.is_staff = True
    vera.save()
    vera.user_permissions.add(Permission.objects.get(codename="view_voicesession"))

    browser_of(vera).post(
        "/admin/voice_sessions/voicesession/",
        {"action": "end_selected", "_selected_action": [running.pk]},
    )

    running.refresh_from_db()
    assert running.status == "active"


def test_the_admin_ends_conversations(admin_client, running):
    answer = admin_client.post(
        "/admin/voice_sessions/voicesession/",
        {"action": "end_selected", "_selected_action": [running.pk]},
        follow=True,
    )

    assert "1 conversations were ended" in text_of(answer)
    running.refresh_from_db()
    assert running.end_reason == EndReason.STOPPED
