"""One survey, three channels: typed, on WhatsApp and by voice the same words are worth the same.

Three people give the same answers on each channel. Marks, score, flags, pay and findings are then
compared with those of the typed conversations. On WhatsApp the words come as signed webhook bodies
and the pay by a wallet link; by voice they come from a recogniser that hears what was said, over
the socket and the process that holds the live agent.
"""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Company
from agents.voice.types import VisitorTurn
from core.ids import new_id
from core.jobs.testing import drain
from core.live.threads import in_thread
from messaging.models import SurveyRun
from messaging.services.survey_runs import save_keyword
from messaging.tests.shop_world import Phone, make_shop
from sessions.models import VoiceSession
from sessions.services import voices
from sessions.tests.sockets import Socket, wait_until_quiet
from sessions.tests.voices import QuietManager
from sessions.voice.runner import VoiceRunner, use_runner
from surveys.models import EvaluationRecord, Payout, Survey, SurveyResponse
from surveys.tests.builders import (
    ANSWERS,
    OTHER_ANSWERS,
    THIRD_ANSWERS,
    Visitor,
    make_survey,
    slow_down,
)

pytestmark = pytest.mark.django_db

PEOPLE = (
    ANSWERS,
    (
        OTHER_ANSWERS[0],
        "The export to PDF took ages: it stopped at page nine twice, and I sent the parents a "
        "photograph of my notebook on Friday instead.",
    ),
    (
        THIRD_ANSWERS[0],
        "Waiting for the export to PDF, eleven minutes by the kitchen clock, so the customer got "
        "my offer one day after the other two fitters.",
    ),
)
SOUND = b"\x01\x00" * 640
_numbers = count(1)


def outcome_of(survey: Survey, api: APIClient) -> dict[str, Any]:
    """Return what a survey's conversations came to, as its company reads it, without ids."""
    drain(sweeps=True)
    places = {item["id"]: place for place, item in enumerate(survey.current_version.questions)}
    records = EvaluationRecord.objects.filter(response__survey=survey).order_by("pk")
    payouts = Payout.objects.filter(response__survey=survey).order_by("pk")
    listed = api.get(f"/survey/{survey.public_id}/sessions").json()["results"]
    insights = api.get(f"/survey/{survey.public_id}/insights").json()
    return {
        "marks": [
            [
                (
                    places[question["question_id"]],
                    [
                        (mark["dimension"], mark["value"], mark.get("quote"))
                        for mark in question["marks"]
                    ],
                )
                for question in record.marks
            ]
            for record in records
        ],
        "scores": [(record.score, record.band, record.flags, record.notes) for record in records],
        "payouts": [
            (payout.amount_minor, payout.currency, payout.state, payout.hold_reasons)
            for payout in payouts
        ],
        "listed": sorted((one["state"], one["score"], one["is_flagged"]) for one in listed),
        "totals": (
            insights["total_sessions"],
            insights["average_score"],
            insights["average_payment"],
            insights["confidence"],
        ),
        "key_insights": insights["key_insights"],
        "themes": [
            (
                theme["label"],
                theme["session_count"],
                sorted(quote["text"] for quote in theme["quotes"]),
            )
            for theme in insights["themes"]
        ],
    }


def typed_outcome(company: Company, api: APIClient, *, consent: bool = True) -> dict[str, Any]:
    survey = make_survey(company)
    for answers in PEOPLE:
        Visitor(survey).answer_all(answers, consent=consent)
        # What was learned from one person prepares the talk with the next, on every channel.
        drain(sweeps=True)
    return outcome_of(survey, api)


def test_whatsapp_is_worth_what_typing_is(
    acme: Company, globex: Company, api: APIClient, api_of: Any
) -> None:
    expected = typed_outcome(acme, api_of(acme))
    survey = make_survey(globex)
    save_keyword(survey=survey, code="app24")
    number = make_shop(globex)

    links = []
    for answers in PEOPLE:
        phone = Phone(number, wa_id=f"52155000000{next(_numbers)}")
        phone.says("SURVEY APP24")
        began = phone.says("yes I agree")
        links.append(began.partition("/wallet/#")[2].split()[0])
        for text in answers:
            phone.says(text)
        run = SurveyRun.objects.get(contact=phone.contact)
        slow_down(run.response.voice_session)
        assert "You've earned" in phone.says("done")
        drain(sweeps=True)

    assert outcome_of(survey, api_of(globex)) == expected
    assert expected["totals"][0] == 3
    assert expected["themes"], "people who say the same have a theme"
    assert set(
        VoiceSession.objects.filter(survey_response__survey=survey).values_list(
            "transport", flat=True
        )
    ) == {"whatsapp"}
    # The pay is where the link of the chat leads.
    for link, payout in zip(
        links, Payout.objects.filter(response__survey=survey).order_by("pk"), strict=True
    ):
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {link}")
        wallet = api.get("/api/wallet").json()
        assert [line["reference"] for line in wallet["history"]] == [payout.transaction_id]
        assert wallet["balances"] == [
            {"currency": "USD", "amount": payout.amount_minor / 100, "is_play_money": True}
        ]


def test_a_consent_text_read_out_by_the_agent_costs_nobody_anything(
    acme: Company, globex: Company, api_of: Any
) -> None:
    shown_by_a_page = typed_outcome(acme, api_of(acme))

    assert typed_outcome(globex, api_of(globex), consent=False) == shown_by_a_page


@pytest.mark.django_db(transaction=True)
async def test_voice_is_worth_what_typing_is(
    acme: Company, globex: Company, api_of: Any, settings: Any
) -> None:
    settings.VOICE_IN_PROCESS = settings.VOICE_OFFERED = True
    settings.VOICE_ENGINE = "local"
    settings.VOICE_RECORDING = False
    expected = await in_thread(lambda: typed_outcome(acme, api_of(acme)))()
    survey = await in_thread(lambda: make_survey(globex))()

    for answers in PEOPLE:
        await speak(survey, answers)

    assert await in_thread(lambda: outcome_of(survey, api_of(globex)))() == expected
    spoken = await in_thread(
        lambda: set(
            SurveyResponse.objects.filter(survey=survey).values_list(
                "voice_session__transport", "voice_session__mode"
            )
        )
    )()
    assert spoken == {("browser_audio", "voice")}


async def speak(survey: Survey, answers: tuple[str, ...]) -> None:
    """Hold a conversation by sound, then press Done in the widget."""
    before = asyncio.all_tasks()
    visitor = Visitor(survey)
    await in_thread(lambda: visitor.start(consent=True))()
    session = await in_thread(lambda: visitor.session)()
    await in_thread(
        lambda: voices.switch_transport(voice_session=session, transport="browser_audio")
    )()
    runner = VoiceRunner(QuietManager())
    use_runner(runner)
    socket = Socket(visitor.session_id, token=visitor.started["session_token"])
    await socket.open()
    await socket.line.send_to(bytes_data=SOUND)
    live = runner._find_manager().voices
    for _ in range(500):
        if visitor.session_id in live:
            break
        await asyncio.sleep(0.01)
    voice = live[visitor.session_id]
    for text in answers:
        await voice.host.take_turn(
            VisitorTurn(new_id("seg"), text, speech_seconds=len(text.split()) / 2.5)
        )
        assert await voice.host.reply() is not None
    await in_thread(lambda: slow_down(visitor.session))()
    result = await in_thread(visitor.done)()
    await in_thread(lambda: drain(sweeps=True))()
    assert result["payment_status"] == "success", result
    await socket.leave()
    await runner.stop_all()
    assert await wait_until_quiet(before) == set()
