"""Compute what the agent says next. Outside of any transaction, because an agent may take seconds.

Owns the choice of the agent. Writes no row: `conversations` and `turns`
store what comes out, guarded by the turn version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.conf import settings
from django.db import connection

from agents.interview.factory import get_interviewer
from agents.interview.protocols import Interviewer
from agents.interview.types import Briefing, InterviewReply, InterviewState
from agents.llm.allowance import may_call_model
from core import clock
from sessions import chat_agent
from sessions.agent_turns import to_turns
from sessions.models import SegmentRole, TranscriptSegment, VoiceSession


@dataclass(frozen=True, slots=True)
class Reply:
    """An agent's words with the state to store beside them."""

    text: str
    state: dict[str, Any] | None
    """``InterviewState`` as JSON; None where there is no interview."""
    question_id: str = ""
    """The question that is open once this is said."""


def write_greeting(voice_session: VoiceSession) -> Reply:
    """Return the agent's first words."""
    _refuse_in_transaction()
    if voice_session.briefing is None:
        return Reply(chat_agent.greet(voice_session.language), None)
    briefing = Briefing.from_json(voice_session.briefing)
    opening = _interview_reply(get_interviewer().open(briefing))
    if not briefing.opening_notice:
        return opening
    return replace(opening, text=f"{briefing.opening_notice}\n\n{opening.text}")


def write_reply(
    voice_session: VoiceSession,
    segments: Sequence[TranscriptSegment],
    *,
    deadline_seconds: float | None = None,
) -> Reply:
    """Return the agent's answer to what the visitor said since the agent last spoke.

    Args:
        voice_session: the row as it was when `segments` were read.
        segments: the whole transcript, late turns left out, the visitor's turn last.
        deadline_seconds: by default SURVEY_TURN_SECONDS.
    """
    _refuse_in_transaction()
    deadline = settings.SURVEY_TURN_SECONDS if deadline_seconds is None else deadline_seconds
    if voice_session.briefing is None:
        return Reply(
            chat_agent.answer(voice_session, to_turns(segments), deadline_seconds=deadline), None
        )
    if voice_session.interview_state is None:
        raise RuntimeError("an interview that has not been opened cannot go on")
    reply = _interviewer_for(voice_session).respond(
        Briefing.from_json(voice_session.briefing),
        InterviewState.from_json(voice_session.interview_state),
        to_turns(segments),
        elapsed_seconds=voice_session.active_seconds(clock.now()),
        deadline_seconds=deadline,
    )
    return _interview_reply(reply)


def write_apology(voice_session: VoiceSession) -> Reply:
    """Return what the agent says when it could not find an answer several times over."""
    state = voice_session.interview_state
    question_id = "" if state is None else state.get("current_question_id") or ""
    return Reply(chat_agent.apologise(voice_session.language), state, question_id)


def answered_segments(voice_session: VoiceSession) -> list[TranscriptSegment]:
    """Return the transcript an agent works from: in order, late turns left out."""
    return list(voice_session.segments.filter(is_late=False).order_by("position"))


def awaits_reply(segments: Sequence[TranscriptSegment]) -> bool:
    """Tell whether the visitor spoke last."""
    return bool(segments) and segments[-1].role == SegmentRole.USER


def _interviewer_for(voice_session: VoiceSession) -> Interviewer:
    """Return who asks the next question: without a model once the company's day is used up."""
    if settings.LLM_ENABLED:
        company = voice_session.company
        if company is not None and not may_call_model(company):
            from agents.interview.interviewer.builtin import BuiltinInterviewer

            return BuiltinInterviewer()
    return get_interviewer()


def _interview_reply(reply: InterviewReply) -> Reply:
    return Reply(reply.text, asdict(reply.state), reply.state.current_question_id or "")


def _refuse_in_transaction() -> None:
    """Fail loudly where a slow agent would hold the database's write lock.

    The transaction a test case wraps around everything does not count, as with Django's
    ``atomic(durable=True)``.
    """
    blocks = connection.atomic_blocks
    if blocks and not getattr(blocks[-1], "_from_testcase", False):
        raise RuntimeError("an agent must not be asked inside a transaction")
