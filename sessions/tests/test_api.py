"""The routes of a conversation: who may do what, and what comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import override_settings
from rest_framework.test import APIClient

from accounts.models import Role
from accounts.tests.factories import add_member, make_user
from core import clock
from sessions import limits
from sessions.models import EndReason, SegmentRole, SessionStatus, TranscriptSegment, VoiceSession
from sessions.services import turns
from sessions.services.conversations import open_conversation
from sessions.services.endings import end_session
from sessions.services.transcripts import erase_conversation
from sessions.tests.conftest import CANARY
from sessions.tests.routes import ALL_ROUTES, bearer, call

# --- transcripts ------------------------------------------------------------------------------


def test_a_transcript_holds_everything_in_order(participant, running):
    turns.say(voice_session=running, text="By bus.", client_id="c1", typing_seconds=0)

    body = participant.get(f"/transcripts/{running.public_id}").json()

    assert body["session_id"] == running.public_id
    assert body["status"] == "active"
    assert [segment["position"] for segment in body["segments"]] == [1, 2, 3]
    assert body["segments"][1]["text"] == "By bus."
    assert body["segments"][1]["recorded_as"] == "typed"
    assert body["segments"][1]["question_id"] == "q1"
    assert body["segments"][1]["is_late"] is False


def test_subtitles_are_valid_whatever_was_said(participant, running):
    words = "a --> b\n\n00:00.000 --> 99:00.000\n<v Agent>you win & more</v>"
    turns.say(voice_session=running, text=words, client_id="c1")

    answer = participant.get(f"/transcripts/{running.public_id}.vtt")

    assert answer["Content-Type"] == "text/vtt; charset=utf-8"
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    text = answer.content.decode()
    assert text.startswith("WEBVTT\n\n")
    blocks = text.strip().split("\n\n")[1:]
    assert len(blocks) == 3
    for block in blocks:
        assert block.count("-->") == 1
        assert len(block.split("\n")) == 3
    assert "a --&gt; b 00:00.000 --&gt; 99:00.000 &lt;v Agent&gt;you win &amp; more" in text


def test_an_ended_survey_opens_only_the_stored_answer_to_its_token(
    participant, running, api_of, ana
):
    end_session(voice_session=running, reason=EndReason.DONE)

    for path in ("/session/{}", "/session/{}/events", "/transcripts/{}", "/transcripts/{}.txt"):
        answer = participant.get(path.format(running.public_id))
        assert answer.status_code == 409, path
        assert answer.json()["code"] == "session_ended"
        assert answer.json()["end_reason"] == "done"
    assert participant.post(f"/session/{running.public_id}/join").status_code == 409
    assert participant.post(f"/session/{running.public_id}/pause").status_code == 409
    assert participant.post(f"/session/{running.public_id}/resume").status_code == 409
    assert participant.delete(f"/session/{running.public_id}").json() == {"stopped": True}
    assert VoiceSession.objects.get().end_reason == "done"
    assert api_of(ana).get(f"/transcripts/{running.public_id}").status_code == 200


def test_an_erased_conversation_is_gone_for_everybody(participant, running, api_of, ana, acme):
    from core.models import LiveEvent

    turns.say(voice_session=running, text=f"my secret {CANARY}", client_id="c1")
    erase_conversation(voice_session=running)
    erase_conversation(voice_session=running)

    assert participant.get(f"/transcripts/{running.public_id}").status_code == 401
    assert api_of(ana).get(f"/transcripts/{running.public_id}").status_code == 410
    assert api_of(acme).get(f"/transcripts/{running.public_id}").status_code == 410
    row = VoiceSession.objects.values().get()
    assert CANARY not in repr(row)
    assert not TranscriptSegment.objects.exists()
    assert not LiveEvent.objects.exists()
    assert row["end_reason"] == "erased"


# --- replay -----------------------------------------------------------------------------------


def test_events_are_replayed_from_any_number(participant, running):
    turns.say(voice_session=running, text="By bus.", client_id="c1")

    everything = participant.get(f"/session/{running.public_id}/events").json()
    rest = participant.get(f"/session/{running.public_id}/events?after=3").json()
    beyond = participant.get(f"/session/{running.public_id}/events?after=999").json()

    assert [event["seq"] for event in everything["events"]] == [1, 2, 3, 4, 5, 6]
    assert everything["last_seq"] == 6
    assert everything["has_more"] is False
    assert rest["events"] == everything["events"][3:]
    assert beyond["events"] == []
    assert beyond["last_seq"] == 6


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=1.5", "wait=21", "wait=-1"])
def test_a_bad_replay_query_is_refused(participant, running, query):
    answer = participant.get(f"/session/{running.public_id}/events?{query}")

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_input"


def test_waiting_ends_when_something_happens(participant, running, monkeypatch):
    from sessions.api import polling

    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            turns.say(voice_session=running, text="By bus.", client_id="c1")

    monkeypatch.setattr(polling.time, "sleep", sleep)
    answer = participant.get(f"/session/{running.public_id}/events?after=3&wait=20").json()

    assert [event["seq"] for event in answer["events"]] == [4, 5, 6]
    assert len(slept) == 3


def test_only_so_many_requests_wait(participant, running, monkeypatch):
    from sessions.api import polling

    monkeypatch.setattr(polling, "_places", polling.threading.BoundedSemaphore(1))
    polling._places.acquire()

    slept = []
    monkeypatch.setattr(polling.time, "sleep", slept.append)
    answer = participant.get(f"/session/{running.public_id}/events?after=3&wait=20")

    assert answer.json()["events"] == []
    assert slept == []


def test_joining_answers_with_a_snapshot(participant, interview):
    body = participant.post(f"/session/{interview.session.public_id}/join").json()

    assert body["seq"] == 3
    assert body["status"] == "active"
    assert body["seconds_left"] == pytest.approx(600, abs=60)
    assert [segment["role"] for segment in body["segments"]] == ["agent"]
    assert body["progress"] == {
        "answered": 0,
        "total": 3,
        "current": "q1",
        "current_number": 1,
        "current_text": "How do you get to work?",
        "closed": False,
    }
    again = participant.post(f"/session/{interview.session.public_id}/join").json()
    assert again["segments"] == body["segments"]


def test_looking_changes_nothing(participant, interview):
    answer = participant.get(f"/session/{interview.session.public_id}")

    assert answer.json()["status"] == "ready"
    assert answer.json()["segments"] == []
    assert VoiceSession.objects.get().status == SessionStatus.READY


# --- privacy ----------------------------------------------------------------------------------


def test_nothing_private_leaves_by_any_route(
    participant, interview, api_of, ana, browser_of, caplog
):
    from core.models import LiveEvent

    session_id = interview.session.public_id
    seen = [participant.post(f"/session/{session_id}/join").content]
    for number, words in enumerate(["By bus, since it is cheap.", "The delays.", "Yes.", "Right."]):
        body = {"client_id": f"c{number}", "text": words}
        seen.append(participant.post(f"/session/{session_id}/turns", body).content)
    for route in ALL_ROUTES:
        if route[0] != "delete":
            seen.append(call(participant, route, session_id).content)
    for suffix in ("", ".txt", ".vtt"):
        seen.append(api_of(ana).get(f"/transcripts/{session_id}{suffix}").content)
    seen.append(browser_of(ana).get(f"/history/{session_id}").content)
    seen.extend(repr(payload).encode() for payload in LiveEvent.objects.values_list("payload"))

    assert len(seen) > 20
    for body in seen:
        assert CANARY.encode() not in body
        assert interview.token_plain.encode() not in body
        assert interview.session.token_digest.encode() not in body
    logged = repr([vars(record) for record in caplog.records])
    for secret in (CANARY, interview.token_plain, "since it is cheap"):
        assert secret not in logged


def test_the_database_holds_no_usable_token(interview):
    assert interview.token_plain not in repr(VoiceSession.objects.values().get())


# --- origins ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "origin", "status"),
    [
        ([], None, 200),
        ([], "https://shop.example", 200),
        ([], "null", 403),
        (["https://shop.example"], "https://shop.example", 200),
        (["https://shop.example"], "https://SHOP.example:443", 200),
        (["https://shop.example"], "http://shop.example", 403),
        (["https://shop.example"], "https://shop.example:8443", 403),
        (["https://shop.example"], "https://shop.example.evil.test", 403),
        (["https://shop.example"], "https://evil.test", 403),
        (["https://shop.example"], "file://", 403),
        (["https://shop.example"], "http://testserver", 200),
        (["https://shop.example"], "http://testserver.evil.test", 403),
    ],
)
def test_pages_of_other_origins(start_interview, listed, origin, status):
    created = start_interview(allowed_origins=listed)
    client = bearer(created.token_plain)
    extra = {} if origin is None else {"HTTP_ORIGIN": origin}

    answer = client.post(f"/session/{created.session.public_id}/join", **extra)

    assert answer.status_code == status
    created.session.refresh_from_db()
    assert created.session.status == ("active" if status == 200 else "ready")


@override_settings(CORS_ALLOWED_ORIGINS=["http://localhost:5173"])
def test_a_chat_admits_own_and_listed_front_ends_only(start_interview):
    created = start_interview(kind="chat", company=None)
    path = f"/session/{created.session.public_id}/join"
    client = bearer(created.token_plain)

    assert client.post(path, HTTP_ORIGIN="https://shop.example").status_code == 403
    assert client.post(path, HTTP_ORIGIN="http://localhost:5173").status_code == 200
    assert client.post(path, HTTP_ORIGIN="http://testserver").status_code == 200


# --- pausing ----------------------------------------------------------------------------------


def test_a_pause_stops_the_clock(participant, running):
    start = running.started_at
    VoiceSession.objects.update(last_activity_at=start + timedelta(seconds=60))
    path = f"/session/{running.public_id}"

    with time_machine.travel(start + timedelta(seconds=100), tick=False):
        paused = participant.post(f"{path}/pause").json()
    with time_machine.travel(start + timedelta(seconds=400), tick=False):
        again = participant.post(f"{path}/pause").json()
        resumed = participant.post(f"{path}/resume").json()

    assert (paused["status"], paused["pause_cause"]) == ("paused", "person")
    assert paused["seconds_left"] == again["seconds_left"] == resumed["seconds_left"] == 500
    assert (resumed["status"], resumed["pause_cause"]) == ("active", None)
    row = VoiceSession.objects.get()
    assert row.time_limit_at == start + timedelta(seconds=900)


def test_a_conversation_that_has_not_begun_cannot_pause(participant, interview):
    answer = participant.post(f"/session/{interview.session.public_id}/pause")

    assert answer.status_code == 409
    assert answer.json()["code"] == "session_not_started"


def test_pausing_over_and_over_is_limited(participant, running, monkeypatch):
    monkeypatch.setattr(limits, "CONTROLS_PER_MINUTE", 4)
    path = f"/session/{running.public_id}"

    statuses = [participant.post(f"{path}/{step}").status_code for step in ("pause", "resume") * 4]

    assert statuses == [200, 200, 200, 200, 429, 429, 429, 429]
    assert VoiceSession.objects.get().status == SessionStatus.ACTIVE


def test_joining_leaves_a_wanted_pause_and_ends_an_absence(participant, running):
    path = f"/session/{running.public_id}"
    participant.post(f"{path}/pause")
    assert participant.post(f"{path}/join").json()["status"] == "paused"
    participant.post(f"{path}/resume")

    with time_machine.travel(clock.now() + timedelta(seconds=300), tick=False):
        from sessions.services.conversations import pause_absent_sessions

        assert pause_absent_sessions() == 1
        assert pause_absent_sessions() == 0
        row = VoiceSession.objects.get()
        assert (row.status, row.pause_cause) == ("paused", "absence")
        assert row.seconds_left(clock.now()) > 540
        joined = participant.post(f"{path}/join").json()

    assert joined["status"] == "active"
    assert joined["seconds_left"] > 540


def test_writing_in_silence_counts_as_active(participant, running):
    """A slow typist without a socket must not look as if they answered in no time."""
    with time_machine.travel(running.started_at + timedelta(seconds=120), tick=False):
        answer = participant.post(
            f"/session/{running.public_id}/turns", {"client_id": "c1", "text": "By bus."}
        )

    assert answer.json()["segments"][0]["at_seconds"] == pytest.approx(120, abs=0.1)


def test_a_long_absence_costs_three_minutes_at_most(participant, running):
    with time_machine.travel(running.started_at + timedelta(hours=5), tick=False):
        answer = participant.post(
            f"/session/{running.public_id}/turns", {"client_id": "c1", "text": "By bus."}
        )

    assert answer.status_code == 200
    assert answer.json()["segments"][0]["at_seconds"] == pytest.approx(180, abs=5)
    assert answer.json()["status"] == "active"


# --- bodies -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b'{"client_id": "a", "client_id": "b", "text": "x"}',
        b'{"client_id": "a", "text": "\\u0000"}',
        b'{"client_id": "a", "text": "\\ud800"}',
        b'{"client_id": "a", "text": NaN}',
        b"\xff\xfe",
        b"",
        b"null",
        b'"text"',
    ],
)
def test_junk_bodies_are_refused(participant, running, raw):
    answer = participant.post(
        f"/session/{running.public_id}/turns", raw, content_type="application/json"
    )

    assert 400 <= answer.status_code < 500
    assert answer["Content-Type"] == "application/problem+json"
    assert not TranscriptSegment.objects.filter(role=SegmentRole.USER).exists()


def test_a_three_megabyte_body_is_refused(participant, running):
    raw = b'{"client_id": "a", "text": "' + b"x" * 3_200_000 + b'"}'

    answer = participant.post(
        f"/session/{running.public_id}/turns", raw, content_type="application/json"
    )

    assert answer.status_code == 413
    assert not TranscriptSegment.objects.filter(role=SegmentRole.USER).exists()


def test_opening_twice_at_once_greets_once(interview):
    """Both have read the row before either has written."""
    stale = VoiceSession.objects.get()

    open_conversation(voice_session=interview.session)
    open_conversation(voice_session=stale)

    assert TranscriptSegment.objects.count() == 1


# --- watching without a socket ----------------------------------------------------------------


def test_the_company_watches_by_http_what_the_socket_would_bring(acme, api_of, beto, running):
    path = f"/transcripts/{running.public_id}/events"
    first = api_of(beto).get(path)
    assert first.headers["Cache-Control"] == "no-store"
    snapshot = first.json()["snapshot"]
    assert [segment["role"] for segment in snapshot["segments"]] == ["agent"]
    assert first.json()["events"] == []

    turns.say(voice_session=running, text="By bus.", client_id="c1")
    seen = [api_of(who).get(f"{path}?after={snapshot['seq']}").json() for who in (beto, acme)]

    left = [answer.pop("seconds_left") for answer in seen]
    assert left == [pytest.approx(600, abs=60), pytest.approx(left[0], abs=60)]
    assert seen[0] == seen[1]
    assert seen[0]["snapshot"] is None
    assert [event["seq"] for event in seen[0]["events"]] == [4, 5, 6]
    assert "By bus." in [event.get("text") for event in seen[0]["events"]]
    assert (seen[0]["status"], seen[0]["last_seq"]) == ("active", 6)


def test_watching_is_no_sign_of_life_and_its_right_is_looked_at_again(
    api_of, beto, running, monkeypatch
):
    from sessions.api import polling

    before = VoiceSession.objects.values("last_activity_at").get()

    def sleep(seconds):
        beto.memberships.all().delete()
        turns.say(voice_session=running, text="For the team no more.", client_id="c1")

    monkeypatch.setattr(polling.time, "sleep", sleep)
    VoiceSession.objects.update(last_activity_at=before["last_activity_at"])
    answer = api_of(beto).get(f"/transcripts/{running.public_id}/events?after=3&wait=20")

    assert answer.status_code == 404
    assert "no more" not in answer.content.decode()


@pytest.mark.parametrize("query", ["after=-1", "after=x", "wait=21"])
def test_a_bad_watch_query_is_refused(api_of, beto, running, query):
    answer = api_of(beto).get(f"/transcripts/{running.public_id}/events?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


def test_an_erased_conversation_is_watched_no_more(api_of, beto, running):
    erase_conversation(voice_session=running)
    answer = api_of(beto).get(f"/transcripts/{running.public_id}/events?after=0")
    assert answer.status_code == 410


def test_nobody_else_watches(api_of, acme, carla, globex, participant, running):
    otto = make_user("otto@acme.test")
    add_member(acme, otto, Role.OPERATOR)
    turns.say(voice_session=running, text=f"Only for Acme {CANARY}.", client_id="c1")
    path = f"/transcripts/{running.public_id}/events"
    strangers = [api_of(carla), api_of(otto), api_of(globex), APIClient(), participant]
    answers = [client.get(f"{path}{query}") for client in strangers for query in ("", "?after=0")]
    assert [answer.status_code for answer in answers] == [404] * 6 + [401, 401, 401, 401]
    assert not any(CANARY in answer.content.decode() for answer in answers)
