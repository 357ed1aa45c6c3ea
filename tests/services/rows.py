"""What a stack's database holds, asked from a process of its own.

Run as ``python -m tests.services.rows prepare | count | settled | attach | media``. ``prepare``
makes a company with a survey, somebody who logs in and a shop on WhatsApp; ``count`` tells what is
there, and names whatever is doubled; ``settled`` what still waits. Each prints one JSON object.
"""

from __future__ import annotations

import json
import sys
from typing import Any

FUNDS_MINOR = 400_000_000
PASSWORD = "load-and-soak-0123456789"
NUMBER_ID = "900100200300"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
QUESTIONS = (
    "What were you trying to get done?",
    "Which part slowed you down?",
)


def prepare(people: int) -> dict[str, Any]:
    """Make the world a driver needs, and say how to enter it."""
    from accounts.services.api_keys import create_api_key
    from accounts.tests.factories import make_company, make_user
    from core import clock
    from messaging.demo import prepare_shop
    from messaging.models import BusinessNumber, SimulatedMessage, SimulatedPhone
    from surveys.services.funding import fund_company
    from surveys.services.surveys import create_survey

    owner = make_user("ana@acme.test", full_name="Ana Ruiz", password=PASSWORD)
    company = make_company("Acme", owner=owner)
    fund_company(company=company, amount_minor=FUNDS_MINOR, currency="USD")
    survey = create_survey(
        company=company,
        fields={
            "title": "Load and soak",
            "objective": "Find out what slows people down.",
            "questions": [{"text": text, "max_probes": 0} for text in QUESTIONS],
            "payment_min": 5.0,
            "payment_max": 20.0,
            "max_responses": 100_000,
        },
    )
    prepare_shop(company)
    number = BusinessNumber.objects.create(
        company=company, phone_number_id=NUMBER_ID, display_number="+52 1 555", label="Acme"
    )
    phones = [
        SimulatedPhone(number=number, wa_id=f"52155{one:08}", user_id=f"MX.{one}", name=f"P{one}")
        for one in range(people)
    ]
    for phone in SimulatedPhone.objects.bulk_create(phones):
        # Who has written within a day may be written to.
        SimulatedMessage.objects.create(
            phone=phone,
            is_outgoing=True,
            wamid=f"wamid.OPEN{phone.pk}",
            type="text",
            body={"text": {"body": "Hola"}},
            at=clock.now(),
        )
    return {
        "survey_id": survey.public_id,
        "publishable_key": survey.publishable_key,
        "key": create_api_key(company=company, name="load").plain,
        "email": owner.email,
        "password": PASSWORD,
        "people": people,
    }


def count() -> dict[str, Any]:
    """Count what must agree with what was sent, and look for what must never be."""
    from django.db.models import Count

    from messaging.models import InboundMessage, OutboundMessage, SimulatedMessage, TurnRecord
    from sessions.models import TranscriptSegment, VoiceSession
    from surveys.models import EvaluationRecord, Payout, SurveyResponse
    from surveys.selectors.ledger_check import verify_ledger

    def by(rows: Any, field: str) -> dict[str, int]:
        return dict(rows.order_by().values_list(field).annotate(Count("pk")))

    def several(rows: Any, *fields: str) -> int:
        return int(rows.order_by().values(*fields).annotate(n=Count("pk")).filter(n__gt=1).count())

    answered = InboundMessage.objects.filter(state="done", handled_at__isnull=False)
    waits = sorted(
        (handled - received).total_seconds() * 1000
        for handled, received in answered.values_list("handled_at", "received_at")
        if handled is not None
    )
    return {
        "ledger": verify_ledger(),
        "responses": by(SurveyResponse.objects.all(), "state"),
        "sessions": by(VoiceSession.objects.all(), "status"),
        "payouts": by(Payout.objects.all(), "state"),
        "paid_minor": sum(
            Payout.objects.filter(state="paid").values_list("amount_minor", flat=True)
        ),
        "user_segments": TranscriptSegment.objects.filter(role="user").count(),
        "inbound": by(InboundMessage.objects.all(), "state"),
        "outbound": by(OutboundMessage.objects.all(), "state"),
        "outbound_sent": OutboundMessage.objects.filter(wamid__isnull=False).count(),
        "failed_turns": TurnRecord.objects.filter(is_success=False).count(),
        "sent_to_phones": SimulatedMessage.objects.filter(is_outgoing=False).count(),
        "answer_ms": waits,
        "doubled": {
            "payouts of one response": several(Payout.objects.all(), "response"),
            "evaluations of one response": several(EvaluationRecord.objects.all(), "response"),
            "positions in one transcript": several(
                TranscriptSegment.objects.all(), "voice_session", "position"
            ),
            "turns of one client id": several(
                TranscriptSegment.objects.exclude(client_id=""), "voice_session", "client_id"
            ),
            "inbound messages": several(InboundMessage.objects.all(), "wamid"),
            "replies of one turn": several(
                OutboundMessage.objects.all(), "conversation", "turn_id", "position"
            ),
        },
    }


def attach() -> dict[str, Any]:
    """Put a picture on a phone; its id is what a webhook names."""
    from messaging.storage import save_media

    return {"media_id": save_media(PICTURE, folder="simulator")}


def media() -> dict[str, Any]:
    """Tell the pictures people sent: how many are in which state, and how many read as sent."""
    from messaging.models import InboundMedia
    from messaging.storage import read_media

    rows = list(InboundMedia.objects.all())
    return {
        "states": sorted(row.state for row in rows),
        "whole": sum(bool(row.file_key) and read_media(row.file_key) == PICTURE for row in rows),
    }


def settled() -> dict[str, Any]:
    """Say how much still waits for a worker."""
    from messaging.models import InboundMessage, OutboundMessage
    from surveys.models import Payout, SurveyResponse

    return {
        "inbound": InboundMessage.objects.filter(state="waiting").count(),
        "outbound": OutboundMessage.objects.filter(state__in=("queued", "sending")).count(),
        "evaluations": SurveyResponse.objects.filter(evaluation_due_at__isnull=False).count(),
        "payouts": Payout.objects.filter(state__in=("approved", "sending")).count(),
    }


def main(arguments: list[str]) -> None:
    """Do what is asked and print it."""
    import django

    django.setup()
    if arguments[0] == "prepare":
        answer = prepare(int(arguments[1]))
    else:
        asked = {"count": count, "settled": settled, "attach": attach, "media": media}
        answer = asked[arguments[0]]()
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
