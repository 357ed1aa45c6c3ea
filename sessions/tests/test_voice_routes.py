"""The routes of voice: switching it on, figures, recordings, LiveKit's webhook."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from livekit import api

from core import clock
from core.jobs.testing import drain
from sessions.livekit import rooms as livekit_rooms
from sessions.models import (
    LatencyKind,
    RoomEvent,
    SessionRecording,
    SessionStatus,
    UsagePart,
    VoiceLatency,
    VoiceSession,
    VoiceUsage,
)
from sessions.services import endings, recordings, transcripts, voices

pytestmark = pytest.mark.django_db
SECRET = "a-secret-of-the-tests-with-enough-letters"


@pytest.fixture
def voiced(settings):
    settings.VOICE_IN_PROCESS = settings.VOICE_OFFERED = True
    settings.VOICE_ENGINE = "local"
    return settings


@pytest.fixture
def with_rooms(voiced, monkeypatch):
    voiced.LIVEKIT_URL = "ws://127.0.0.1:9"
    voiced.LIVEKIT_API_KEY = "parley"
    voiced.LIVEKIT_API_SECRET = SECRET
    livekit_rooms.forget_reachability()
    yield voiced
    livekit_rooms.forget_reachability()


@pytest.fixture
def recorded(interview, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    key = default_storage.save("recordings/a/1.wav", ContentFile(bytes(range(200))))
    return SessionRecording.objects.create(
        voice_session=interview.session,
        fence=1,
        storage_key=key,
        started_at=clock.now(),
        duration_seconds=2.5,
        byte_count=200,
    )


def voice_url(interview):
    return f"/session/{interview.session.public_id}/voice"


def test_voice_is_switched_on_and_off_again(participant, interview, voiced):
    on = participant.post(voice_url(interview), {"transport": "auto"}, format="json")
    again = participant.post(voice_url(interview), {"transport": "browser_audio"}, format="json")
    off = participant.post(voice_url(interview), {"transport": "typing"}, format="json")

    assert (on.status_code, on.json()["transport"]) == (200, "browser_audio")
    assert on.json()["transports"] == ["browser_audio", "typing"]
    assert on.json()["voice"].startswith("Offline voice")
    assert again.json() == on.json()
    assert (off.json()["mode"], off.json()["transport"], off.json()["voice"]) == (
        "text", "typing", "",
    )  # fmt: skip


def test_nobody_but_the_participant_switches_a_microphone_on(api_of, ana, acme, interview, voiced):
    answer = api_of(ana).post(voice_url(interview), {}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (401, "session_token_invalid")
    assert VoiceSession.objects.get().transport == "typing"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"transport": "pigeon"}, 400, "transport_unknown"),
        ({"transport": "livekit"}, 409, "transport_unavailable"),
        ({"transport": "whatsapp"}, 409, "transport_unavailable"),
        ({"mode": "voice"}, 400, "invalid_input"),
    ],
)
def test_a_way_this_server_has_not_is_refused(participant, interview, voiced, body, status, code):
    answer = participant.post(voice_url(interview), body, format="json")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert VoiceSession.objects.get().transport == "typing"


def test_a_language_nobody_understands_offers_typing(start_interview, client_of, voiced):
    spanish = start_interview(language="es")

    answer = client_of(spanish).post(voice_url(spanish), {}, format="json")

    assert (answer.json()["transport"], answer.json()["transports"]) == ("typing", ["typing"])


@pytest.fixture
def client_of():
    from rest_framework.test import APIClient

    def make(created):
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {created.token_plain}")
        return client

    return make


def test_an_ended_conversation_switches_nothing_on(participant, interview, voiced):
    endings.request_stop(voice_session=interview.session)

    answer = participant.post(voice_url(interview), {}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (409, "session_ended")


def test_a_room_server_that_does_not_answer_leaves_browser_audio(
    participant, interview, with_rooms
):
    answer = participant.post(voice_url(interview), {"transport": "auto"}, format="json")

    assert answer.json()["transport"] == "browser_audio"
    assert answer.json()["transports"] == ["livekit", "browser_audio", "typing"]


def test_a_room_that_is_asked_for_wants_its_agent(participant, interview, with_rooms):
    answer = participant.post(voice_url(interview), {"transport": "livekit"}, format="json")

    row = VoiceSession.objects.get()
    claims = json.loads(_part(answer.json()["livekit_token"], 1))
    assert (row.transport, row.room_is_open) == ("livekit", True)
    assert [one.pk for one in voices.find_wanted_agents(limit=5)] == [row.pk]
    assert claims["video"]["room"] == row.room_name == answer.json()["room_name"]
    assert claims["video"]["canPublishData"] is False
    assert claims["video"]["canPublishSources"] == ["microphone"]
    assert claims["exp"] - claims["nbf"] <= 600


def _part(token, number):
    part = token.split(".")[number]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_a_room_held_by_a_worker_that_died_is_found_again(interview, with_rooms):
    row = voices.switch_transport(voice_session=interview.session, transport="livekit")
    fence = voices.claim_agent(voice_session=row, owner="one")
    assert voices.find_wanted_agents(limit=5) == []
    VoiceSession.objects.update(leased_until=clock.now() - timedelta(seconds=1))

    assert [one.pk for one in voices.find_wanted_agents(limit=5)] == [row.pk]
    assert voices.claim_agent(voice_session=row, owner="two") == fence + 1
    standing = voices.renew_agents(fences={row.pk: fence})[row.pk]
    assert standing.is_ours is False


def test_the_figures_of_a_conversation(participant, interview, recorded):
    VoiceUsage.objects.create(
        voice_session=interview.session, fence=1, part=UsagePart.STT, provider="openai",
        model="whisper-1", audio_seconds=60, cost_micros=6000,
    )  # fmt: skip
    for milliseconds in (500, 700, 900, 5000):
        VoiceLatency.objects.create(
            voice_session=interview.session,
            kind=LatencyKind.FIRST_AUDIO,
            milliseconds=milliseconds,
        )

    answer = participant.get(voice_url(interview)).json()

    assert answer["cost_usd"] == "0.006000"
    assert answer["latencies"] == [
        {"kind": "first_audio", "count": 4, "p50_ms": 700, "p95_ms": 5000}
    ]
    assert [one["recording_id"] for one in answer["recordings"]] == [recorded.public_id]


def test_one_price_that_is_not_known_makes_the_cost_unknown(participant, interview):
    VoiceUsage.objects.create(
        voice_session=interview.session, fence=1, part=UsagePart.TTS, provider="x", model="y",
        cost_micros=None,
    )  # fmt: skip

    assert participant.get(voice_url(interview)).json()["cost_usd"] is None


@pytest.mark.parametrize(
    ("asked", "status", "content", "content_range"),
    [
        ("bytes=0-9", 206, bytes(range(10)), "bytes 0-9/200"),
        ("bytes=190-", 206, bytes(range(190, 200)), "bytes 190-199/200"),
        ("bytes=-5", 206, bytes(range(195, 200)), "bytes 195-199/200"),
    ],
)
def test_a_player_may_jump(participant, recorded, asked, status, content, content_range):
    url = f"/session/{recorded.voice_session.public_id}/recordings/{recorded.public_id}"

    answer = participant.get(url, HTTP_RANGE=asked)

    assert (answer.status_code, answer.content) == (status, content)
    assert answer["Content-Range"] == content_range


def test_a_jump_beyond_the_end_says_how_long_it_is(participant, recorded):
    url = f"/session/{recorded.voice_session.public_id}/recordings/{recorded.public_id}"

    answer = participant.get(url, HTTP_RANGE="bytes=500-600")

    assert (answer.status_code, answer["Content-Range"]) == (416, "bytes */200")


def test_a_recording_of_another_conversation_is_not_there(client_of, start_interview, recorded):
    other = start_interview()
    url = f"/session/{other.session.public_id}/recordings/{recorded.public_id}"

    answer = client_of(other).get(url, HTTP_RANGE="bytes=0-9")

    assert (answer.status_code, answer.json()["code"]) == (404, "recording_not_found")


def test_erasing_a_conversation_deletes_its_sound(participant, interview, recorded):
    transcripts.erase_conversation(voice_session=interview.session)
    drain()
    recordings.nudge_due_erasures()
    drain()

    assert SessionRecording.objects.count() == 0
    assert default_storage.exists(recorded.storage_key) is False


def webhook(client, event, *, secret=SECRET, body=None):
    content = json.dumps(event)
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    token = api.AccessToken("parley", secret).with_identity("server").with_sha256(digest).to_jwt()
    return client.post(
        "/webhook/livekit",
        data=content if body is None else body,
        content_type="application/webhook+json",
        headers={"Authorization": token},
    )


def test_a_notice_of_the_room_server_is_taken_once(client, interview, with_rooms):
    row = voices.switch_transport(voice_session=interview.session, transport="livekit")
    endings.request_stop(voice_session=row)
    event = {"event": "room_finished", "id": "EV_1", "room": {"name": row.room_name}}

    first, second = webhook(client, event), webhook(client, event)

    assert (first.status_code, second.status_code) == (204, 204)
    assert RoomEvent.objects.values_list("event_id", "kind").get() == ("EV_1", "room_finished")
    row.refresh_from_db()
    assert (row.status, row.room_is_open) == (SessionStatus.ENDED, False)


@pytest.mark.parametrize("fault", ["signed by another", "changed", "unsigned", "not an event"])
def test_a_notice_nobody_signed_changes_nothing(client, with_rooms, fault):
    event = {"event": "room_finished", "id": "EV_2", "room": {"name": "x"}}
    if fault == "signed by another":
        answer = webhook(client, event, secret="another-secret-with-enough-letters-in-it")
    elif fault == "changed":
        answer = webhook(client, event, body=json.dumps({**event, "id": "EV_3"}))
    elif fault == "unsigned":
        answer = client.post(
            "/webhook/livekit", data=json.dumps(event), content_type="application/webhook+json"
        )
    else:
        answer = webhook(client, event, body=b"\xff\xfe")

    assert (answer.status_code, answer.json()["code"]) == (401, "webhook_signature_invalid")
    assert RoomEvent.objects.count() == 0


def test_without_rooms_there_is_no_webhook(client, voiced):
    answer = webhook(client, {"event": "room_finished", "id": "EV_4"})

    assert (answer.status_code, answer.json()["code"]) == (503, "livekit_not_configured")


def test_a_chat_may_begin_with_voice(api_of, ana, voiced):
    answer = api_of(ana).post("/session", {"mode": "voice"}, format="json")

    assert answer.status_code == 201
    assert (answer.json()["mode"], answer.json()["transport"]) == ("voice", "browser_audio")
    assert answer.json()["livekit_token"] is None
