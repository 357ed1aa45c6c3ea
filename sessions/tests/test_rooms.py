"""LiveKit tokens: exact grants, own rooms only, nothing private inside."""

from __future__ import annotations

from datetime import timedelta

import jwt
import pytest
import time_machine

from core import clock
from sessions import limits
from sessions.models import EndReason, RoomClaim
from sessions.services.endings import end_session
from sessions.services.rooms import purge_claims
from sessions.tests.conftest import CANARY

SECRET = "a-livekit-secret-of-more-than-32-bytes"


@pytest.fixture
def livekit(settings):
    settings.LIVEKIT_URL = "wss://rooms.example"
    settings.LIVEKIT_API_KEY = "devkey"
    settings.LIVEKIT_API_SECRET = SECRET


def decode(token):
    return jwt.decode(token, SECRET, algorithms=["HS256"])


def test_without_livekit_there_are_no_tokens(participant, running, api_of, vera):
    for client in (participant, api_of(vera)):
        answer = client.get("/token?room=standup")
        assert answer.status_code == 503 if client is not participant else 403
    answer = participant.get("/token")
    assert answer.status_code == 503
    assert answer.json()["code"] == "livekit_not_configured"
    assert not RoomClaim.objects.exists()


def test_nobody_gets_a_token_without_a_credential(api, livekit, db):
    assert api.get("/token?room=standup&identity=a").status_code == 401
    assert not RoomClaim.objects.exists()


def test_a_participants_token_opens_their_room_and_no_more(participant, running, livekit):
    answer = participant.get("/token")

    claims = decode(answer.json()["token"])
    assert answer["Cache-Control"] == "no-store"
    assert claims["video"] == {
        "roomJoin": True,
        "room": running.room_name,
        "canPublish": True,
        "canPublishSources": ["microphone"],
        "canSubscribe": True,
        "canPublishData": False,
        "canUpdateOwnMetadata": False,
    }
    assert claims["sub"] == f"visitor-{running.public_id}"
    assert 0 < claims["exp"] - clock.now().timestamp() <= 600
    assert not claims.get("metadata")
    assert not claims.get("attributes")
    assert CANARY not in repr(claims)


def test_a_participant_enters_no_other_room(participant, running, livekit):
    answer = participant.get("/token?room=somebody-elses")

    assert (answer.status_code, answer.json()["code"]) == (403, "room_not_yours")
    assert participant.get(f"/token?room={running.room_name}").status_code == 200


def test_an_ended_conversation_has_no_room(participant, running, livekit):
    end_session(voice_session=running, reason=EndReason.DONE)

    assert participant.get("/token").status_code == 409


def test_a_person_claims_a_free_room_under_their_own_identity(api_of, vera, livekit):
    answer = api_of(vera).get("/token?room=standup&identity=laptop&name=Vera")

    claims = decode(answer.json()["token"])
    assert claims["video"]["room"] == "standup"
    assert claims["sub"] == f"{vera.public_id}-laptop"
    assert claims["name"] == "Vera"
    claim = RoomClaim.objects.get()
    assert (claim.room_name, claim.owner) == ("standup", vera)


def test_a_claimed_room_is_closed_to_others_until_it_lapses(api_of, vera, carla, livekit):
    api_of(vera).get("/token?room=standup")

    refused = api_of(carla).get("/token?room=standup")
    assert (refused.status_code, refused.json()["code"]) == (409, "room_taken")
    with time_machine.travel(clock.now() + timedelta(minutes=31)):
        assert purge_claims() == 1
        assert api_of(carla).get("/token?room=standup").status_code == 200
    assert RoomClaim.objects.get().owner == carla


def test_the_room_of_a_conversation_is_its_owners(api_of, vera, carla, start_interview, livekit):
    start_interview(owner=vera, company=None, kind="chat", room_name="standup")

    assert api_of(vera).get("/token?room=standup").status_code == 200
    assert api_of(carla).get("/token?room=standup").status_code == 409
    assert not RoomClaim.objects.exists()


def test_nobody_takes_the_room_of_a_survey(api_of, carla, running, livekit):
    answer = api_of(carla).get(f"/token?room={running.room_name}")

    assert (answer.status_code, answer.json()["code"]) == (409, "room_taken")


@pytest.mark.parametrize("room", ["", "../x", "a b", "survey-mine", "chat-mine", "x" * 101, "ñ"])
def test_unusable_room_names(api_of, vera, livekit, room):
    answer = api_of(vera).get("/token", {"room": room})

    assert answer.status_code == 400
    assert not RoomClaim.objects.exists()


@pytest.mark.parametrize("identity", ["a b", "x" * 41, "<b>"])
def test_unusable_identities(api_of, vera, livekit, identity):
    answer = api_of(vera).get("/token", {"room": "standup", "identity": identity})

    assert answer.status_code == 400
    assert not RoomClaim.objects.exists()


def test_one_person_holds_only_so_many_rooms(api_of, vera, livekit, monkeypatch):
    monkeypatch.setattr(limits, "ROOM_CLAIMS_HELD", 2)
    client = api_of(vera)

    statuses = [client.get(f"/token?room=room{n}").status_code for n in range(4)]

    assert statuses == [200, 200, 409, 409]
    assert client.get("/token?room=room1").status_code == 200
