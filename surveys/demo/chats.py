"""A practice conversation for those the demo shows around: `/history` has something to show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from accounts.models import Company, User
from core import clock
from sessions.models import EndReason, SessionKind, VoiceSession
from sessions.services.chats import describe_agent, start_chat
from sessions.services.endings import end_session
from sessions.services.turns import say
from surveys.demo.content import OWNER, VISITOR
from surveys.demo.conversations import spread_over_time

AGO = timedelta(hours=20)

ANSWERS = {
    OWNER.email: (
        "The calendar. I plan the week of our two roasters with it and share it with the drivers.",
        "Last Tuesday it showed a delivery twice, so a driver stood before a closed door at seven.",
        "4",
        "Let me mark a delivery as moved instead of deleting it and writing it anew.",
    ),
    VISITOR.email: (
        "A notes app, for everything I must not forget: shopping, invoices, ideas.",
        "It lost a list while I was on the train without a connection.",
        "5",
        "Keep what I type on the phone until it has been saved, and tell me when.",
    ),
}


def prepare_demo(company: Company, report: Callable[[str], None]) -> list[tuple[str, str]]:
    """Hold a practice conversation for each of them who has none. Idempotent.

    With a language model nothing is made: setting up must not spend anybody's money.
    """
    entrance = [("Past conversations", "/history")]
    if describe_agent().follows_system_prompt:
        return entrance
    for email, answers in ANSWERS.items():
        person = User.objects.filter(email=email).first()
        if (
            person is None
            or VoiceSession.objects.filter(owner=person, kind=SessionKind.CHAT).exists()
        ):
            continue
        report(f"A practice conversation of {person.full_name}")
        voice_session = start_chat(owner=person, address="demo").session
        for number, text in enumerate(answers):
            say(voice_session=voice_session, text=text, client_id=f"demo-{number}")
            voice_session.refresh_from_db()
        started_at = clock.now() - AGO
        seconds = spread_over_time(voice_session, started_at)
        end_session(voice_session=voice_session, reason=EndReason.DONE)
        ended_at = started_at + timedelta(seconds=seconds)
        VoiceSession.objects.filter(pk=voice_session.pk).update(ended_at=ended_at)
    return entrance
