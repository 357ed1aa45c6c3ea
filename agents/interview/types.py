"""The words the interview agents speak: frozen dataclasses that cross the border to the apps above.

Owns no behaviour and no I/O. Everything here turns into plain JSON with ``dataclasses.asdict`` and
comes back through the ``from_json`` constructors, because briefings and interview states are
stored in rows between two turns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self


class QuestionKind(StrEnum):
    OPEN = "open"
    RATING = "rating"
    CHOICE = "choice"
    YES_NO = "yes_no"


class Role(StrEnum):
    AGENT = "agent"
    USER = "user"


class QuestionStatus(StrEnum):
    """How far one question has come in a running interview."""

    OPEN = "open"
    ASKED = "asked"
    PARTLY = "partly"
    ANSWERED = "answered"
    OFF_TOPIC = "off_topic"
    REFUSED = "refused"


class ProbeKind(StrEnum):
    """The fixed set of neutral follow-ups (they never suggest an answer)."""

    DESCRIBE = "describe"
    EXAMPLE = "example"
    CLARIFY = "clarify"
    WHY = "why"


class Phase(StrEnum):
    """Where the interview stands."""

    GREETING = "greeting"
    QUESTIONS = "questions"
    SUMMARY = "summary"
    CLOSED = "closed"


class Dimension(StrEnum):
    """What an answer is marked on, each from 0 to 4."""

    COVERAGE = "coverage"
    RELEVANCE = "relevance"
    SPECIFICITY = "specificity"
    DEPTH = "depth"
    CLARITY = "clarity"


class FlagKind(StrEnum):
    """A reason to hold a payout for a person."""

    PROMPT_INJECTION = "prompt_injection"
    LOW_EFFORT = "low_effort"
    GIBBERISH = "gibberish"
    OFF_TOPIC = "off_topic"
    ECHO = "echo"
    REPETITION = "repetition"
    DUPLICATE_ANSWER = "duplicate_answer"
    DUPLICATE_ACROSS_SESSIONS = "duplicate_across_sessions"
    INCOMPLETE = "incomplete"
    SPEEDING = "speeding"
    SCRIPTED = "scripted"
    LLM_GENERATED = "llm_generated"
    HIDDEN_TEXT = "hidden_text"
    FORGED_ROLE = "forged_role"
    LATE_TURN = "late_turn"


#: Flags that say somebody tried something; a payout held for one never approves itself.
ATTACK_FLAGS = frozenset(
    {
        FlagKind.PROMPT_INJECTION,
        FlagKind.DUPLICATE_ACROSS_SESSIONS,
        FlagKind.DUPLICATE_ANSWER,
        FlagKind.HIDDEN_TEXT,
        FlagKind.FORGED_ROLE,
    }
)


@dataclass(frozen=True, slots=True)
class Question:
    """One question as a survey version froze it."""

    id: str
    text: str
    kind: QuestionKind = QuestionKind.OPEN
    required: bool = True
    max_probes: int = 2
    choices: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        return cls(
            id=value["id"],
            text=value["text"],
            kind=QuestionKind(value.get("kind", "open")),
            required=value.get("required", True),
            max_probes=value.get("max_probes", 2),
            choices=tuple(value.get("choices", ())),
        )


@dataclass(frozen=True, slots=True)
class Visitor:
    """What may be known of the person who answers. Never a name, an address or a token."""

    language: str = "en"
    returning: bool = False
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EarlierInsight:
    """A theme an earlier session brought up, told to the targeting agent."""

    question_id: str
    label: str
    session_count: int


@dataclass(frozen=True, slots=True)
class TargetingRequest:
    """All the targeting agent sees."""

    title: str
    objective: str
    questions: tuple[Question, ...]
    visitor: Visitor
    max_minutes: int
    description: str = ""
    earlier: tuple[EarlierInsight, ...] = ()


@dataclass(frozen=True, slots=True)
class Briefing:
    """What the interviewer works from. ``visitor_context`` is the only part a visitor may read."""

    purpose: str
    questions: tuple[Question, ...]
    """In the order they are to be asked."""
    probe_hints: dict[str, str]
    """Question id to what is worth probing there; private to the agent."""
    skip: tuple[str, ...]
    """Ids of questions that need not be asked (they stay answerable)."""
    tone: str
    language: str
    max_seconds: int
    visitor_context: str
    source: str = "builtin"
    """``builtin`` or the model that wrote it."""
    opening_notice: str = ""
    """Said word for word before the greeting, where nobody has shown it to the visitor yet."""

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        return cls(
            purpose=value["purpose"],
            questions=tuple(Question.from_json(item) for item in value["questions"]),
            probe_hints=dict(value.get("probe_hints", {})),
            skip=tuple(value.get("skip", ())),
            tone=value.get("tone", ""),
            language=value.get("language", "en"),
            max_seconds=value["max_seconds"],
            visitor_context=value.get("visitor_context", ""),
            source=value.get("source", "builtin"),
            opening_notice=value.get("opening_notice", ""),
        )


@dataclass(frozen=True, slots=True)
class QuestionProgress:
    """The live map entry of one question."""

    question_id: str
    status: QuestionStatus = QuestionStatus.OPEN
    probes_used: tuple[ProbeKind, ...] = ()
    answer_turn_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InterviewState:
    """Everything an interviewer remembers between two turns. Stored as JSON in a row."""

    phase: Phase
    current_question_id: str | None
    progress: tuple[QuestionProgress, ...]
    time_warning_given: bool = False
    corrections: int = 0
    notes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        return cls(
            phase=Phase(value["phase"]),
            current_question_id=value.get("current_question_id"),
            progress=tuple(
                QuestionProgress(
                    question_id=item["question_id"],
                    status=QuestionStatus(item["status"]),
                    probes_used=tuple(ProbeKind(kind) for kind in item.get("probes_used", ())),
                    answer_turn_ids=tuple(item.get("answer_turn_ids", ())),
                )
                for item in value["progress"]
            ),
            time_warning_given=value.get("time_warning_given", False),
            corrections=value.get("corrections", 0),
            notes=dict(value.get("notes", {})),
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """One final utterance of the server's own record."""

    id: str
    role: Role
    text: str
    at_seconds: float
    """Seconds since the session became active, by the server's clock: when the utterance ended."""
    started_seconds: float | None = None
    """When the visitor began to type or speak, where the transport knows it."""
    question_id: str | None = None
    """The question that was open when it was said."""
    is_typed: bool = True
    is_late: bool = False
    """Said after Done or after the time limit: kept, never scored."""
    had_hidden_text: bool = False
    """Zero-width, bidi or tag characters were removed on the way in."""


@dataclass(frozen=True, slots=True)
class InterviewReply:
    """What the interviewer says next, with the state to store."""

    text: str
    state: InterviewState
    is_closed: bool = False
    """True when the interview is over and Done is what is left."""
    source: str = "builtin"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A quote that carries a mark: an exact substring of one visitor turn."""

    turn_id: str
    quote: str


@dataclass(frozen=True, slots=True)
class Mark:
    """0 to 4 for one dimension of one question, with the words that carry it."""

    dimension: Dimension
    value: int
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class QuestionMarks:
    """The five marks of one question."""

    question_id: str
    marks: tuple[Mark, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Flag:
    """An integrity finding. ``detail`` is for the reviewer, never for the visitor."""

    kind: FlagKind
    detail: str
    turn_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """All the evaluation agent sees."""

    questions: tuple[Question, ...]
    turns: tuple[Turn, ...]
    language: str
    objective: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A score from 0 to 100 with the marks it was computed from."""

    score: int
    questions: tuple[QuestionMarks, ...]
    has_required_evidence: bool
    """At least one required question has an evidenced mark above 0."""
    notes: str
    """For the visitor: what was good and what would have made it better, without rule names."""
    rubric_version: str
    source: str = "builtin"
    raw: dict[str, Any] = field(default_factory=dict)
    """The model's answer as it came, before code checked it."""


@dataclass(frozen=True, slots=True)
class AnswerSample:
    """One visitor answer handed to the insights agent."""

    session_id: str
    turn_id: str
    question_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Quote:
    """Exact words of one turn: ``text == turn.text[start:end]``."""

    session_id: str
    turn_id: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Theme:
    """What several people said about one question."""

    id: str
    """Stable over refreshes."""
    question_id: str
    label: str
    key: str
    """What the method recognises the theme by (stems of its phrases), for joining new answers."""
    session_ids: tuple[str, ...]
    share: float
    """Sessions with the theme divided by sessions that answered the question."""
    interval_low: float
    interval_high: float
    """95 % Wilson score interval of ``share``."""
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Insights:
    """What a survey taught so far."""

    key_insights: tuple[str, ...]
    themes: tuple[Theme, ...]
    sessions_used: int
    confidence: str
    """``early`` under 5 sessions, then ``growing`` (under 30), then ``solid``."""
    source: str = "builtin"
