"""The live map of one interview: which question stands where, and what may still be asked.

Owns the working copy of an `InterviewState` during one turn and the rules about questions
(order, required or optional, probes left). Says nothing: `flow` decides what to say.
"""

from __future__ import annotations

from agents.interview.types import (
    Briefing,
    InterviewState,
    ProbeKind,
    Question,
    QuestionProgress,
    QuestionStatus,
)

#: Turns a visitor may spend on one question without answering it (questions back, small talk,
#: unclear words) before the interview goes on. It is what makes every interview end.
MAX_ASIDES = 3

_SETTLED = frozenset({QuestionStatus.ANSWERED, QuestionStatus.OFF_TOPIC, QuestionStatus.REFUSED})


class Board:
    """A mutable copy of the state for the length of one turn.

    Tolerates a state that does not fit the briefing (unknown ids are dropped, missing ones are
    added): a stored row must never break a running conversation.
    """

    def __init__(self, briefing: Briefing, state: InterviewState) -> None:
        """Copy `state`; `briefing` gives the questions and their order."""
        known = {item.question_id: item for item in state.progress}
        self.briefing = briefing
        self.questions: dict[str, Question] = {q.id: q for q in briefing.questions}
        self.status: dict[str, QuestionStatus] = {}
        self.probes: dict[str, list[ProbeKind]] = {}
        self.answers: dict[str, list[str]] = {}
        for question_id in self.questions:
            item = known.get(question_id, QuestionProgress(question_id))
            self.status[question_id] = item.status
            self.probes[question_id] = list(item.probes_used)
            self.answers[question_id] = list(item.answer_turn_ids)
        self.phase = state.phase
        self.current_id = (
            state.current_question_id if state.current_question_id in self.questions else None
        )
        self.time_warning_given = state.time_warning_given
        self.corrections = state.corrections
        self.notes = dict(state.notes)

    def to_state(self) -> InterviewState:
        """Return the frozen state to store."""
        return InterviewState(
            phase=self.phase,
            current_question_id=self.current_id,
            progress=tuple(
                QuestionProgress(
                    question_id=question_id,
                    status=self.status[question_id],
                    probes_used=tuple(self.probes[question_id]),
                    answer_turn_ids=tuple(self.answers[question_id]),
                )
                for question_id in self.questions
            ),
            time_warning_given=self.time_warning_given,
            corrections=self.corrections,
            notes=self.notes,
        )

    @property
    def current(self) -> Question | None:
        """The question that stands."""
        return self.questions[self.current_id] if self.current_id else None

    def count(self, name: str) -> int:
        """Return a small counter kept in the notes."""
        value = self.notes.get(name, "0")
        return int(value) if value.isdigit() else 0

    def raise_count(self, name: str) -> int:
        """Raise a counter by one and return it."""
        value = self.count(name) + 1
        self.notes[name] = str(value)
        return value

    def id_list(self, name: str) -> list[str]:
        """Return a list of ids kept in the notes (ids hold no white space)."""
        return self.notes.get(name, "").split()

    def set_id_list(self, name: str, ids: list[str]) -> None:
        """Keep a list of ids in the notes."""
        if ids:
            self.notes[name] = " ".join(ids)
        else:
            self.notes.pop(name, None)

    def has_answer(self, question_id: str) -> bool:
        """Say whether anything that may count was said on the question since it was asked."""
        return bool(self.answers[question_id]) and question_id not in self.id_list("touched")

    def record_answer(self, question_id: str, turn_ids: list[str]) -> None:
        """Add turns to a question's answer, each once."""
        mine = self.answers[question_id]
        mine.extend(turn_id for turn_id in turn_ids if turn_id not in mine)

    def touch(self, question_id: str, turn_ids: list[str]) -> None:
        """Note that a question not yet asked was partly answered along the way."""
        self.record_answer(question_id, turn_ids)
        self.status[question_id] = QuestionStatus.PARTLY
        touched = self.id_list("touched")
        if question_id not in touched and question_id not in self.id_list("asked"):
            self.set_id_list("touched", [*touched, question_id])

    def put(self, question_id: str) -> None:
        """Make `question_id` the question that stands."""
        self.current_id = question_id
        if self.status[question_id] is QuestionStatus.OPEN:
            self.status[question_id] = QuestionStatus.ASKED
        self.set_id_list("touched", [i for i in self.id_list("touched") if i != question_id])
        self.set_id_list("asked", [*self.id_list("asked"), question_id])

    def settle(self, question_id: str, status: QuestionStatus) -> None:
        """Close the question with its outcome; what was partly answered never falls back."""
        if status is not QuestionStatus.ANSWERED and self.answers[question_id]:
            status = QuestionStatus.PARTLY
        self.status[question_id] = status

    def waiting(self, *, only_required: bool) -> list[str]:
        """Return the ids still to be asked, in order."""
        asked = set(self.id_list("asked"))
        return [
            question.id
            for question in self.briefing.questions
            if question.id not in asked
            and self.status[question.id] not in _SETTLED
            and self._is_to_be_asked(question, only_required=only_required)
        ]

    def _is_to_be_asked(self, question: Question, *, only_required: bool) -> bool:
        if question.id in self.briefing.skip and not self._nothing_else_to_ask():
            return False
        if not only_required:
            return True
        return question.required and not self.answers[question.id]

    def _nothing_else_to_ask(self) -> bool:
        # A briefing that skips everything still has to ask something: its first question.
        return all(q.id in self.briefing.skip for q in self.briefing.questions)

    def probes_left(self, question: Question, *, time_is_short: bool) -> int:
        """Return how many follow-ups the question still allows; optional ones get one at most."""
        if time_is_short:
            return 0
        allowed = question.max_probes if question.required else min(question.max_probes, 1)
        return max(0, allowed - len(self.probes[question.id]))

    def preferred_probes(self, question_id: str) -> tuple[ProbeKind, ...]:
        """Return the kinds the briefing's private hint names, in the order it names them."""
        hint = self.briefing.probe_hints.get(question_id, "").lower()
        named = [kind for kind in ProbeKind if kind.value in hint]
        return tuple(sorted(named, key=lambda kind: hint.index(kind.value)))
