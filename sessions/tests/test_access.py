"""Who gets in: tokens, cookies, keys, and nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from rest_framework.test import APIClient

from core import clock
from core.ids import new_id
from sessions.models import SessionStatus, VoiceSession
from sessions.tests.routes import ALL_ROUTES, PARTICIPANT_ROUTES, bearer, call, rows_of

# --- credentials -----------------------------------------------------------------------------


@pytest.mark.parametrize("route", ALL_ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
def test_nobody_gets_in_without_a_credential(api, running, route):
    before = rows_of(running)

    answer = call(api, route, running.public_id)

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert rows_of(running) == before


@pytest.mark.parametrize("route", ALL_ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
def test_a_foreign_session_token_opens_nothing(start_interview, running, route):
    stranger = bearer(start_interview().token_plain)
    before = rows_of(running)

    answer = call(stranger, route, running.public_id)
    unknown = call(stranger, route, new_id("session"))
    nonsense = call(stranger, route, "0")

    assert answer.status_code == unknown.status_code == nonsense.status_code == 404
    assert answer.json()["code"] == unknown.json()["code"] == "session_not_found"
    assert rows_of(running) == before


@pytest.mark.parametrize("route", ALL_ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
@pytest.mark.parametrize("change", ["flip", "cut", "empty", "prefix", "other", "unicode"])
def test_a_wrong_token_opens_nothing(interview, running, route, change):
    plain = interview.token_plain
    token = {
        "flip": plain[:-1] + ("A" if plain[-1] != "A" else "B"),
        "cut": plain[:-1],
        "empty": "",
        "prefix": plain.removeprefix("st_"),
        "other": "sk_" + plain.removeprefix("st_"),
        "unicode": "st_ñ",
    }[change]
    before = rows_of(running)

    answer = call(bearer(token), route, running.public_id)

    assert answer.status_code == 401, answer.content
    assert rows_of(running) == before


@pytest.mark.parametrize("route", ALL_ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
def test_an_expired_token_opens_nothing(interview, running, route):
    with time_machine.travel(clock.now() + timedelta(hours=24, minutes=1)):
        answer = call(bearer(interview.token_plain), route, running.public_id)

    assert answer.status_code == 401
    assert answer.json()["code"] == "session_token_invalid"


@pytest.mark.parametrize("route", PARTICIPANT_ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
def test_no_cookie_opens_a_participants_route(api_of, ana, running, route):
    VoiceSession.objects.update(owner=ana)

    assert call(api_of(ana), route, running.public_id).status_code == 401


def test_a_token_in_the_address_opens_nothing(api, interview, running):
    answer = api.get(f"/transcripts/{running.public_id}?token={interview.token_plain}")

    assert answer.status_code == 401


def test_a_bad_header_is_not_saved_by_a_good_cookie(api_of, ana, running):
    VoiceSession.objects.update(owner=ana)
    client = api_of(ana)

    assert client.get(f"/transcripts/{running.public_id}").status_code == 200
    client.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    assert client.get(f"/transcripts/{running.public_id}").status_code == 401


def test_stopping_by_cookie_needs_the_csrf_token(ana, running):
    VoiceSession.objects.update(owner=ana)
    client = APIClient(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(ana, backend="django.contrib.auth.backends.ModelBackend")

    answer = client.delete(f"/session/{running.public_id}")

    assert answer.status_code == 403
    assert VoiceSession.objects.get().status == SessionStatus.ACTIVE


# --- companies, owners ------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".txt", ".vtt"])
def test_who_reads_a_transcript(api_of, ana, beto, carla, vera, acme, globex, running, suffix):
    path = f"/transcripts/{running.public_id}{suffix}"

    assert api_of(ana).get(path).status_code == 200
    assert api_of(beto).get(path).status_code == 200
    assert api_of(acme).get(path).status_code == 200
    assert api_of(carla).get(path).status_code == 404
    assert api_of(globex).get(path).status_code == 404
    assert api_of(vera).get(path).status_code == 404


def test_an_operator_reads_no_transcript(api_of, acme, vera, running):
    from accounts.models import Role
    from accounts.tests.factories import add_member

    add_member(acme, vera, Role.OPERATOR)

    assert api_of(vera).get(f"/transcripts/{running.public_id}").status_code == 404


def test_a_company_watches_and_does_not_stop(api_of, ana, running):
    answer = api_of(ana).delete(f"/session/{running.public_id}")

    assert answer.status_code == 404
    assert VoiceSession.objects.get().status == SessionStatus.ACTIVE


def test_the_owner_stops_a_chat(api_of, vera, start_interview):
    chat = start_interview(owner=vera, company=None, kind="chat").session

    answer = api_of(vera).delete(f"/session/{chat.public_id}")

    assert answer.json() == {"stopped": True}
    chat.refresh_from_db()
    assert (chat.status, chat.end_reason) == ("ended", "stopped")


def test_stopping_twice_answers_the_same(participant, running):
    first = participant.delete(f"/session/{running.public_id}")
    second = participant.delete(f"/session/{running.public_id}")

    assert first.status_code == second.status_code == 200
    assert first.json() == second.json() == {"stopped": True}
