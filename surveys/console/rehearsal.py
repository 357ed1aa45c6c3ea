"""A try-out of a survey with the real interviewer: nothing is stored, counted or paid.

The whole conversation travels in a signed token, so the server keeps no row of it. Knows no page.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.core import signing

from accounts.models import Company
from agents.interview.factory import get_interviewer, get_targeting_agent
from agents.interview.types import (
    Briefing,
    InterviewState,
    Role,
    TargetingRequest,
    Turn,
    Visitor,
)
from core import clock, ratelimit
from core.errors import InvalidInputError
from core.text import clean_text
from surveys.services.definitions import SurveyDefinition

SALT = "surveys.console.rehearsal"
MAX_AGE_SECONDS = 2 * 3600
TURNS_MAX = 80
STEPS_AN_HOUR = 400
"""A company; each step may cost a call to a model."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A try-out after its latest step."""

    turns: tuple[Turn, ...]
    is_closed: bool
    token: str
    """What the next step sends back."""
    briefing: Briefing

    @property
    def reply(self) -> str:
        """The interviewer's latest words."""
        return self.turns[-1].text


def begin_rehearsal(*, company: Company, definition: SurveyDefinition) -> Rehearsal:
    """Open a try-out of a survey as it stands in the builder.

    Raises:
        RateLimitedError: too many steps of the company in an hour.
    """
    _count_step(company)
    briefing = get_targeting_agent().write_briefing(
        TargetingRequest(
            title=definition.title,
            objective=definition.objective,
            description=definition.description,
            questions=definition.questions,
            visitor=Visitor(language=definition.languages[0]),
            max_minutes=definition.max_minutes,
        ),
        deadline_seconds=settings.SURVEY_START_SECONDS,
    )
    opening = get_interviewer().open(briefing)
    turns = (Turn(id="t0", role=Role.AGENT, text=opening.text, at_seconds=0.0),)
    return _pack(company, briefing, opening.state, turns, clock.now().timestamp())


def continue_rehearsal(*, company: Company, token: str, text: str) -> Rehearsal:
    """Say something in a try-out and hear the reply.

    Raises:
        InvalidInputError: nothing said, the try-out is over or too old, or not the company's.
        RateLimitedError: too many steps of the company in an hour.
    """
    packed = _unpack(company, token)
    said = clean_text(text, settings.SURVEY_MAX_TURN_CHARS).text
    if not said:
        raise InvalidInputError("nothing_said", "Write an answer first.")
    if packed["is_closed"] or len(packed["turns"]) >= TURNS_MAX:
        raise InvalidInputError("rehearsal_over", "This try-out is over. Start it again.")
    _count_step(company)
    briefing = Briefing.from_json(packed["briefing"])
    state = InterviewState.from_json(packed["state"])
    elapsed = max(0.0, clock.now().timestamp() - packed["began_at"])
    turns = (
        *_read_turns(packed["turns"]),
        Turn(
            id=f"t{len(packed['turns'])}",
            role=Role.USER,
            text=said,
            at_seconds=elapsed,
            question_id=state.current_question_id,
        ),
    )
    reply = get_interviewer().respond(
        briefing,
        state,
        turns,
        elapsed_seconds=elapsed,
        deadline_seconds=settings.SURVEY_TURN_SECONDS,
    )
    answered = Turn(id=f"t{len(turns)}", role=Role.AGENT, text=reply.text, at_seconds=elapsed)
    return _pack(
        company,
        briefing,
        reply.state,
        (*turns, answered),
        packed["began_at"],
        is_closed=reply.is_closed,
    )


def _count_step(company: Company) -> None:
    ratelimit.hit(
        scope="console.rehearsal", key=company.public_id, limit=STEPS_AN_HOUR, window_seconds=3600
    )


def _pack(
    company: Company,
    briefing: Briefing,
    state: InterviewState,
    turns: tuple[Turn, ...],
    began_at: float,
    *,
    is_closed: bool = False,
) -> Rehearsal:
    token = signing.dumps(
        {
            "company": company.public_id,
            "briefing": asdict(briefing),
            "state": asdict(state),
            "turns": [
                [turn.id, turn.role.value, turn.text, turn.at_seconds, turn.question_id]
                for turn in turns
            ],
            "began_at": began_at,
            "is_closed": is_closed,
        },
        salt=SALT,
        compress=True,
    )
    return Rehearsal(turns=turns, is_closed=is_closed, token=token, briefing=briefing)


def _unpack(company: Company, token: str) -> dict[str, Any]:
    refused = InvalidInputError(
        "rehearsal_invalid", "This try-out cannot go on: it is too old. Start it again."
    )
    try:
        packed: dict[str, Any] = signing.loads(token, salt=SALT, max_age=MAX_AGE_SECONDS)
    except signing.BadSignature as error:
        raise refused from error
    if packed["company"] != company.public_id:
        raise refused
    return packed


def _read_turns(rows: list[list[Any]]) -> tuple[Turn, ...]:
    return tuple(
        Turn(id=row[0], role=Role(row[1]), text=row[2], at_seconds=row[3], question_id=row[4])
        for row in rows
    )
