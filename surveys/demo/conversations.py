"""Lets made-up people answer a survey through the real services, at a believable pace.

Owns the turning back of clocks: what would have taken minutes is written down as minutes, before
the answer is scored, because how fast somebody writes is one of the things that are judged.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from agents.interview.types import InterviewState, Phase
from core import clock
from sessions.models import SegmentRole, TranscriptSegment, VoiceSession
from sessions.services.conversations import open_conversation
from sessions.services.turns import say
from surveys.models import Payout, Survey, SurveyResponse
from surveys.selectors.responses import response_of_session
from surveys.services import starts
from surveys.services.completion import complete_response
from surveys.simulation.respondent import (
    TURNS_MAX,
    Persona,
    ScriptedRespondent,
    writing_seconds,
)

WORDS_PER_MINUTE = 42.0
READING_WORDS_PER_MINUTE = 230.0


def hold_conversation(
    *, survey: Survey, persona: Persona, started_at: datetime, is_finished: bool = True
) -> SurveyResponse:
    """Have one person answer a survey as if it had begun at ``started_at``.

    Args:
        survey: active, with money for one more answer.
        persona: who answers.
        started_at: when; in the past.
        is_finished: press Done at the end; else the conversation is left open after two turns.

    Raises:
        ConflictError: there is no money or place left.
    """
    started = starts.start_response(
        survey=survey,
        request=starts.StartRequest(
            consent=True, language=persona.language, attributes=persona.attributes
        ),
    )
    session = open_conversation(voice_session=started.response.voice_session)
    respondent = ScriptedRespondent(
        persona, [question["id"] for question in started.response.version.questions]
    )
    for number in range(1, (TURNS_MAX if is_finished else 2) + 1):
        state = InterviewState.from_json(session.interview_state or {})
        if state.phase is Phase.CLOSED:
            break
        open_question = state.current_question_id if state.phase is Phase.QUESTIONS else None
        say(
            voice_session=session,
            text=respondent.reply(open_question),
            client_id=f"turn-{number}",
        )
        session.refresh_from_db()
    seconds = spread_over_time(session, started_at)
    if not is_finished:
        return response_of_session(session)
    done = complete_response(voice_session=session, deadline_seconds=30.0)
    _date_back(done.response, started_at, seconds)
    return response_of_session(session)


def spread_over_time(session: VoiceSession, started_at: datetime) -> float:
    """Give each segment the moment it would have had; return how long all of it took."""
    moment = 0.0
    for index, segment in enumerate(TranscriptSegment.objects.filter(voice_session=session)):
        # A little uneven, as people are; the same at every set-up.
        unevenness = 1.0 + ((index * 7) % 5 - 2) * 0.09
        if segment.role == SegmentRole.USER:
            writing = writing_seconds(segment.text, WORDS_PER_MINUTE) * unevenness
            moment += 1.8 * unevenness + writing
            segment.typing_seconds = round(writing, 2)
        elif index:
            moment += 0.4 + writing_seconds(segment.text, READING_WORDS_PER_MINUTE) * 0.2
        segment.at_seconds = round(moment, 2)
        segment.created_at = started_at + timedelta(seconds=moment)
        segment.save(update_fields=["typing_seconds", "at_seconds", "created_at"])
    VoiceSession.objects.filter(pk=session.pk).update(
        created_at=started_at,
        started_at=started_at,
        last_activity_at=started_at + timedelta(seconds=moment),
    )
    session.refresh_from_db()
    return moment


def _date_back(response: SurveyResponse, started_at: datetime, seconds: float) -> None:
    """Move what was written just now to when the conversation would have ended."""
    ended_at = min(clock.now(), started_at + timedelta(seconds=seconds))
    VoiceSession.objects.filter(pk=response.voice_session_id).update(ended_at=ended_at)
    SurveyResponse.objects.filter(pk=response.pk).update(
        created_at=started_at,
        consented_at=started_at,
        done_at=ended_at,
        evaluated_at=ended_at,
    )
    Payout.objects.filter(response=response).update(created_at=ended_at)
