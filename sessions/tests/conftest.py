"""Conversations to test with: an interview of three questions, and ways to take part in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Company
from agents.interview.types import Briefing, Question, QuestionKind
from sessions.models import SessionKind, VoiceSession
from sessions.services.conversations import CreatedSession, create_session

CANARY = "CANARY-7f3a"
"""Stands in everything private; no answer, event or page may ever hold it."""


def make_briefing(**changes: Any) -> Briefing:
    """Return a briefing with a canary in every part a visitor must not see."""
    fields: dict[str, Any] = {
        "purpose": f"find out about the bus {CANARY}",
        "questions": (
            Question("q1", "How do you get to work?", required=True, max_probes=1),
            Question("q2", "What annoys you most on the way?", required=True, max_probes=0),
            Question("q3", "Would you take the bus again?", kind=QuestionKind.YES_NO, max_probes=0),
        ),
        "probe_hints": {"q1": f"ask about the price {CANARY}"},
        "skip": (),
        "tone": f"warm {CANARY}",
        "language": "en",
        "max_seconds": 600,
        "visitor_context": "A few questions about your way to work.",
    }
    return Briefing(**{**fields, **changes})


@pytest.fixture
def start_interview(acme: Company) -> Callable[..., CreatedSession]:
    """Return a function that creates a survey conversation of `acme`."""

    def start(**changes: Any) -> CreatedSession:
        fields: dict[str, Any] = {
            "kind": SessionKind.SURVEY,
            "company": acme,
            "briefing": make_briefing(),
            "system_prompt": f"be nice {CANARY}",
        }
        return create_session(**{**fields, **changes})

    return start


@pytest.fixture
def interview(start_interview: Callable[..., CreatedSession]) -> CreatedSession:
    """Return a survey conversation nobody has joined yet."""
    return start_interview()


@pytest.fixture
def running(interview: CreatedSession) -> VoiceSession:
    """Return the same conversation, joined."""
    from sessions.services.conversations import open_conversation

    return open_conversation(voice_session=interview.session)


@pytest.fixture
def participant(interview: CreatedSession) -> APIClient:
    """Return a REST client that holds the conversation's token."""
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {interview.token_plain}")
    return client
