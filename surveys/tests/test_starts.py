"""Start: who may, what is reserved, what the answer holds and what it must never hold."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from rest_framework.test import APIClient

from accounts.models import Company
from agents.interview.types import Briefing, TargetingRequest
from core import clock
from sessions.models import EndReason, TranscriptSegment, VoiceSession
from surveys.models import (
    AccountCode,
    LedgerAccount,
    ReservationState,
    ResponseState,
    SurveyResponse,
    SurveyStatus,
    Wallet,
)
from surveys.services.surveys import change_status
from surveys.tests.agent_doubles import FixedEvaluator
from surveys.tests.builders import Visitor, make_survey

pytestmark = pytest.mark.django_db
CANARY = "canary-7f3a-private-hint"
SHOP = "https://shop.example"


@pytest.fixture(autouse=True)
def _private_briefing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put words into every briefing that no visitor may ever read."""

    class Targeting:
        def write_briefing(self, request: TargetingRequest, *, deadline_seconds: float) -> Briefing:
            return Briefing(
                purpose=CANARY,
                questions=request.questions,
                probe_hints={request.questions[0].id: CANARY},
                skip=(),
                tone="calm",
                language=request.visitor.language,
                max_seconds=request.max_minutes * 60,
                visitor_context=f"A talk about {request.title}.",
            )

    monkeypatch.setattr("surveys.services.starts.get_targeting_agent", Targeting)


def reserved() -> int:
    return sum(
        LedgerAccount.objects.filter(code=AccountCode.RESERVED).values_list(
            "balance_minor", flat=True
        )
    )


def test_the_answer_has_the_seeds_fields_and_ours(acme: Company) -> None:
    survey = make_survey(acme)
    started = Visitor(survey).start(consent=True)
    session = VoiceSession.objects.get()
    assert started["session_id"] == session.public_id
    assert started["room_name"] == f"survey-{session.public_id}"
    assert (started["livekit_token"], started["livekit_url"]) == (None, None)
    assert started["context"] == "A talk about Product Experience Feedback."
    assert [question["text"] for question in started["questions"]] == [
        "What were you trying to get done?",
        "Which part slowed you down?",
    ]
    assert started["status"] == "ready"
    assert started["ws_url"] == f"ws://testserver/ws/transcript/{session.public_id}"
    assert started["transports"] == ["typing"]
    assert started["payment"] == {"min": 5.0, "max": 20.0, "currency": "USD"}
    assert started["session_token"].startswith("st_")
    assert started["receipt_token"].startswith("rt_")
    assert started["device_key"].startswith("dev_")
    assert started["resumed"] is False
    assert reserved() == 2000
    row = SurveyResponse.objects.get()
    assert row.reservation_state == ReservationState.HELD
    assert row.consented_at is not None
    assert row.version == survey.current_version


def test_tokens_are_stored_as_digests_only(acme: Company) -> None:
    started = Visitor(make_survey(acme)).start()
    rows = str(list(VoiceSession.objects.values())) + str(list(SurveyResponse.objects.values()))
    for name in ("session_token", "receipt_token", "device_key"):
        assert started[name] not in rows


def test_nothing_private_reaches_the_visitor(acme: Company, evaluator: FixedEvaluator) -> None:
    visitor = Visitor(make_survey(acme))
    seen: list[Any] = [visitor.start()]
    token = visitor.started["session_token"]
    seen.append(visitor.call("post", "join", token).json())
    seen.append(visitor.say("I was writing a report on Monday.", 1))
    seen.append(visitor.call("get", "events", token).json())
    seen.append(visitor.done())
    receipt = visitor.started["receipt_token"]
    seen.append(visitor.call("get", "result", receipt).json())
    seen.append(visitor.call("get", "data", receipt).json())
    assert CANARY not in str(seen)
    assert VoiceSession.objects.get().briefing["purpose"] == CANARY


@override_settings(
    LIVEKIT_URL="wss://rooms.example",
    LIVEKIT_API_KEY="devkey",
    LIVEKIT_API_SECRET="secret-secret-secret-secret-secret-secret",
)
def test_a_room_token_grants_one_microphone_and_holds_no_briefing(acme: Company) -> None:
    import jwt

    started = Visitor(make_survey(acme)).start()
    assert started["livekit_url"] == "wss://rooms.example"
    claims = jwt.decode(started["livekit_token"], options={"verify_signature": False})
    assert claims["video"] == {
        "roomJoin": True,
        "room": started["room_name"],
        "canPublish": True,
        "canPublishSources": ["microphone"],
        "canSubscribe": True,
        "canPublishData": False,
        "canUpdateOwnMetadata": False,
    }
    assert 0 < claims["exp"] - clock.now().timestamp() <= 601
    assert CANARY not in str(claims)
    assert not claims.get("metadata")


# --- key, origin, consent --------------------------------------------------------------------


def test_the_publishable_key_is_needed_and_must_fit(acme: Company) -> None:
    survey, other = make_survey(acme), make_survey(acme)
    path = f"/survey/{survey.public_id}/session/start"
    client = APIClient()
    attempts = [
        (client.post(path, {}), 401, "publishable_key_missing"),
        (client.post(f"{path}?publishable_key={survey.publishable_key}"), 401, None),
        (client.post(path, {"publishable_key": other.publishable_key}), 401, None),
        (client.post(path, HTTP_X_PUBLISHABLE_KEY="pk_wrong"), 401, "publishable_key_invalid"),
        (client.post(path.replace("survey_0", "survey_1"), {}), 404, "survey_not_found"),
    ]
    for answer, status, code in attempts:
        assert answer.status_code == status
        assert code is None or answer.json()["code"] == code
    assert VoiceSession.objects.count() == 0
    assert client.post(path, HTTP_X_PUBLISHABLE_KEY=survey.publishable_key).status_code == 201


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (SHOP, 201),
        ("https://shop.example:443", 201),
        ("http://testserver", 201),
        ("http://shop.example", 403),
        ("https://shop.example:8443", 403),
        ("https://evil.shop.example", 403),
        ("https://shop.example.evil.test", 403),
        ("null", 403),
        ("https://shop.example/path", 403),
    ],
)
def test_the_allow_list_is_exact(acme: Company, origin: str, status: int) -> None:
    survey = make_survey(acme, allowed_origins=[SHOP])
    answer = APIClient().post(
        f"/survey/{survey.public_id}/session/start",
        {"publishable_key": survey.publishable_key, "consent": True},
        HTTP_ORIGIN=origin,
    )
    assert answer.status_code == status
    assert VoiceSession.objects.count() == (status == 201)
    if status == 403:
        assert answer.json()["code"] == "origin_not_allowed"


def test_without_a_list_any_page_may_but_never_null(acme: Company) -> None:
    survey = make_survey(acme)
    for origin, status in ((SHOP, 201), ("null", 403)):
        answer = APIClient().post(
            f"/survey/{survey.public_id}/session/start",
            {"publishable_key": survey.publishable_key, "consent": True},
            HTTP_ORIGIN=origin,
        )
        assert answer.status_code == status


def test_a_page_needs_the_visitors_consent(acme: Company) -> None:
    survey = make_survey(acme)
    answer = APIClient().post(
        f"/survey/{survey.public_id}/session/start",
        {"publishable_key": survey.publishable_key},
        HTTP_ORIGIN=SHOP,
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "consent_required")
    assert VoiceSession.objects.count() == 0


def test_a_server_may_start_without_it_and_the_agent_says_the_text_first(acme: Company) -> None:
    survey = make_survey(acme, consent_text="We store what you write.")
    visitor = Visitor(survey)
    visitor.start()
    visitor.call("post", "join", visitor.started["session_token"])
    assert visitor.response.consented_at is None
    assert TranscriptSegment.objects.get().text.startswith("We store what you write.\n\n")


# --- state of the survey ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "http"),
    [
        (SurveyStatus.PAUSED, "survey_not_active", 409),
        (SurveyStatus.CLOSED, "survey_closed", 410),
    ],
)
def test_only_an_open_survey_starts(
    acme: Company, status: SurveyStatus, code: str, http: int
) -> None:
    survey = make_survey(acme)
    change_status(survey=survey, status=status)
    assert Visitor(survey).start(expect=http)["code"] == code
    assert VoiceSession.objects.count() == 0


def test_a_draft_does_not_start(acme: Company) -> None:
    assert Visitor(make_survey(acme, status="draft")).start(expect=409)["code"] == (
        "survey_not_active"
    )


def test_a_full_survey_does_not_start(acme: Company) -> None:
    survey = make_survey(acme, max_responses=1, budget=100.0)
    Visitor(survey).start()
    assert Visitor(survey).start(expect=409)["code"] == "responses_full"
    assert SurveyResponse.objects.count() == 1
    assert reserved() == 2000


def test_a_survey_without_money_does_not_start(acme: Company) -> None:
    survey = make_survey(acme, funding_minor=0)
    assert Visitor(survey).start(expect=409)["code"] == "budget_exhausted"
    assert (VoiceSession.objects.count(), Wallet.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
@override_settings(SURVEY_STARTS_PER_SURVEY_MINUTE=1000, SURVEY_STARTS_PER_IP_HOUR=1000)
def test_of_forty_at_once_exactly_as_many_start_as_the_budget_covers(acme: Company) -> None:
    survey = make_survey(acme, max_responses=40, budget=480.0)
    barrier = threading.Barrier(40)

    def start(_: int) -> int:
        client = APIClient(raise_request_exception=False)
        barrier.wait(20)
        try:
            return client.post(
                f"/survey/{survey.public_id}/session/start",
                {"publishable_key": survey.publishable_key},
            ).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=40) as pool:
        statuses = sorted(pool.map(start, range(40)))
    assert statuses == [201] * 24 + [409] * 16
    assert VoiceSession.objects.count() == 24
    assert reserved() == 48_000


# --- one answer a respondent -----------------------------------------------------------------


def test_a_device_answers_once(acme: Company, evaluator: FixedEvaluator) -> None:
    survey = make_survey(acme)
    first = Visitor(survey)
    first.answer_all()
    again = Visitor(survey)
    refused = again.start(expect=409, device_key=first.started["device_key"])
    assert refused["code"] == "already_answered"
    assert VoiceSession.objects.count() == 1
    assert reserved() == 0


def test_a_wallet_answers_once_whatever_the_device(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    survey, other = make_survey(acme), make_survey(acme)
    first = Visitor(survey)
    first.answer_all()
    receipt = first.started["receipt_token"]
    # The wallet is who it is; on another survey of the same person the pay joins it.
    second = Visitor(other)
    second.start(receipt_token=receipt, device_key="another-device")
    assert second.response.wallet == first.response.wallet
    third = Visitor(other)
    third.start(receipt_token=receipt, device_key="a-third-device")
    assert VoiceSession.objects.get(public_id=second.session_id).end_reason == EndReason.STOPPED


def test_an_expired_receipt_names_nobody(acme: Company, evaluator: FixedEvaluator) -> None:
    survey = make_survey(acme)
    first = Visitor(survey)
    first.answer_all()
    SurveyResponse.objects.update(receipt_expires_at=clock.now() - timedelta(seconds=1))
    second = Visitor(survey)
    second.start(receipt_token=first.started["receipt_token"])
    assert second.response.wallet != first.response.wallet


def test_an_older_open_session_is_ended_and_its_reservation_freed(acme: Company) -> None:
    survey = make_survey(acme, max_responses=1)
    older = Visitor(survey)
    device = older.start()["device_key"]
    newer = Visitor(survey)
    newer.start(device_key=device)
    assert older.response.state == ResponseState.ENDED_UNPAID
    assert older.response.reservation_state == ReservationState.RELEASED
    assert newer.response.holds_respondent_slot
    assert reserved() == 2000


def test_an_open_session_goes_on_with_its_token(acme: Company) -> None:
    survey = make_survey(acme)
    visitor = Visitor(survey)
    started = visitor.start(consent=True)
    visitor.call("post", "join", started["session_token"])
    resumed = Visitor(survey)
    again = resumed.start(
        expect=200, session_token=started["session_token"], device_key=started["device_key"]
    )
    assert again["session_id"] == started["session_id"]
    assert (again["status"], again["resumed"]) == ("active", True)
    assert (again["receipt_token"], again["device_key"]) == (None, None)
    assert VoiceSession.objects.count() == 1
    assert reserved() == 2000


def test_a_lapsed_reservation_is_taken_again_on_resume_or_the_visitor_is_told(
    acme: Company,
) -> None:
    from surveys.services.reservations import lapse_due

    survey = make_survey(acme, funding_minor=2000, budget=20.0)
    visitor = Visitor(survey)
    token = visitor.start()["session_token"]
    SurveyResponse.objects.update(reservation_expires_at=clock.now() - timedelta(seconds=1))
    assert lapse_due() == 1
    assert reserved() == 0
    Visitor(survey).start(expect=200, session_token=token)
    assert reserved() == 2000
    SurveyResponse.objects.update(reservation_expires_at=clock.now() - timedelta(seconds=1))
    assert lapse_due() == 1
    rival = Visitor(survey)
    rival.start()
    assert visitor.call("post", "join", token).json()["code"] == "budget_exhausted"
    said = visitor.call("post", "turns", token, {"client_id": "t", "text": "hello there"})
    assert (said.status_code, said.json()["code"]) == (409, "budget_exhausted")
    assert TranscriptSegment.objects.count() == 0


# --- language, audience, attributes ----------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "header", "language"),
    [
        ({"language": "es"}, "", "es"),
        ({"language": "es-MX"}, "", "es"),
        ({"language": "fr"}, "", "en"),
        ({}, "fr, es;q=0.8, en;q=0.5", "es"),
        ({}, "", "en"),
        ({"language": "en"}, "es", "en"),
    ],
)
def test_the_language_is_the_best_the_survey_has(
    acme: Company, body: dict[str, Any], header: str, language: str
) -> None:
    survey = make_survey(acme, languages=["en", "es"])
    answer = APIClient().post(
        f"/survey/{survey.public_id}/session/start",
        {"publishable_key": survey.publishable_key, **body},
        HTTP_ACCEPT_LANGUAGE=header,
    )
    assert answer.json()["language"] == language


def test_the_audience_is_kept(acme: Company, evaluator: FixedEvaluator) -> None:
    survey = make_survey(acme, targeting={"attributes": {"plan": ["pro", "team"]}})
    assert Visitor(survey).start(expect=409)["code"] == "not_eligible"
    assert Visitor(survey).start(expect=409, attributes={"plan": "free"})["code"] == "not_eligible"
    assert VoiceSession.objects.count() == 0
    Visitor(survey).start(attributes={"plan": "team"})
    newcomers = make_survey(acme, targeting={"audience": "new"})
    device = Visitor(make_survey(acme)).start()["device_key"]
    assert Visitor(newcomers).start(expect=409, device_key=device)["code"] == "not_eligible"
    Visitor(newcomers).start(device_key="never seen")


@pytest.mark.parametrize(
    "body",
    [
        {"attributes": {f"a{i}": "x" for i in range(21)}},
        {"attributes": {"n" * 61: "x"}},
        {"attributes": {"a": "x" * 201}},
        {"attributes": {"a": 5}},
        {"attributes": ["a"]},
        {"attributes": {" ": "x"}},
        {"consent": "yes"},
        {"user": {"user_id": "u"}},
        {"user": "u"},
        {"device_key": "d" * 101},
        {"device_key": 5},
        {"language": ["en"]},
    ],
)
def test_unusable_input_starts_nothing(acme: Company, body: dict[str, Any]) -> None:
    answer = Visitor(make_survey(acme)).start(expect=400, **body)
    assert answer["status"] == 400
    assert VoiceSession.objects.count() == 0


def test_a_body_that_is_no_object_is_refused(acme: Company) -> None:
    survey = make_survey(acme)
    for body in ([], ["x"], "text", 5):
        answer = APIClient().post(
            f"/survey/{survey.public_id}/session/start",
            body,
            HTTP_X_PUBLISHABLE_KEY=survey.publishable_key,
        )
        assert answer.status_code == 400, body
    assert VoiceSession.objects.count() == 0


# --- limits ----------------------------------------------------------------------------------


@override_settings(SURVEY_STARTS_PER_IP_HOUR=2)
def test_an_address_starts_so_often_an_hour(acme: Company) -> None:
    survey = make_survey(acme)
    Visitor(survey).start()
    Visitor(survey).start()
    refused = Visitor(survey).start(expect=429)
    assert refused["code"] == "rate_limited"
    assert VoiceSession.objects.count() == 2
    # An address somebody writes into a header is not believed.
    spoofed = APIClient().post(
        f"/survey/{survey.public_id}/session/start",
        {"publishable_key": survey.publishable_key},
        HTTP_X_FORWARDED_FOR="198.51.100.7",
    )
    assert spoofed.status_code == 429


def test_the_targeting_agent_gets_its_deadline_and_runs_outside_transactions(
    acme: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []

    class Watching:
        def write_briefing(self, request: TargetingRequest, *, deadline_seconds: float) -> Briefing:
            seen.append(deadline_seconds)
            # pytest's own transaction is the one block there is.
            assert len(connection.atomic_blocks) == 1
            return Briefing("p", request.questions, {}, (), "calm", "en", 600, "")

    monkeypatch.setattr("surveys.services.starts.get_targeting_agent", Watching)
    Visitor(make_survey(acme)).start()
    assert 2.0 < seen[0] <= 2.7


def test_a_session_token_of_another_survey_resumes_nothing(acme: Company) -> None:
    token = Visitor(make_survey(acme)).start()["session_token"]
    other = Visitor(make_survey(acme))
    other.start(session_token=token)
    assert other.started["resumed"] is False


def test_two_starts_of_one_device_at_once_leave_one_open(
    acme: Company, api_of: Callable[..., APIClient]
) -> None:
    survey = make_survey(acme)
    for _ in range(3):
        Visitor(survey).start(device_key="one-device")
    assert SurveyResponse.objects.filter(state=ResponseState.OPEN).count() == 1
    assert reserved() == 2000
