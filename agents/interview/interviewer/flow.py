"""The state machine of an interview: from a turn that was understood to what is said next.

Owns every transition. A model may help to understand a turn and to word a follow-up, but which
question comes, whether a probe is allowed and when the interview closes is decided here alone.
Pure: no clock, no I/O, no randomness; the same input gives the same reply.

Why it always ends: each visitor turn on a question uses up a probe (at most `max_probes`), uses
up an aside (at most `MAX_ASIDES`), or settles the question; a settled question is never asked
again; the summary takes at most five turns. So an interview of n questions closes within
n * (max_probes + MAX_ASIDES + 1) + 5 visitor turns.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from agents.interview.closed_questions import parse_rating, rating_scale
from agents.interview.interviewer.board import MAX_ASIDES, Board
from agents.interview.interviewer.closing import ClosingMoves
from agents.interview.interviewer.depth import (
    AnswerFeatures,
    asks_for_wish,
    holds_opinion,
    missing_probes,
    read_features,
    telling_fragment,
)
from agents.interview.interviewer.moment import Reader, without_question_marks
from agents.interview.interviewer.phrases import Voice, uses_familiar_address
from agents.interview.interviewer.reading import Aside, Reading, TurnKind, is_bare_no
from agents.interview.interviewer.summary import shorten, telling_sentence
from agents.interview.interviewer.touching import questions_touched
from agents.interview.language import fold, normalise_language, words
from agents.interview.types import (
    Briefing,
    InterviewReply,
    InterviewState,
    Phase,
    ProbeKind,
    Question,
    QuestionKind,
    QuestionStatus,
    Role,
    Turn,
)

MAX_REASKS = 2
_GRIEF = ("died", "passed away", "funeral", "cancer", "murio", "fallecio")


def _seed_of(briefing: Briefing, spoken_turns: int) -> int:
    # Different interviews begin with different variants; inside one they take turns.
    start = zlib.crc32("|".join(question.id for question in briefing.questions).encode())
    return start % 97 + spoken_turns


def make_voice(briefing: Briefing, *, spoken_turns: int) -> Voice:
    """Return the voice for the next message; `spoken_turns` counts the agent's messages so far."""
    return Voice(
        normalise_language(briefing.language),
        familiar=uses_familiar_address([question.text for question in briefing.questions]),
        seed=_seed_of(briefing, spoken_turns),
    )


def initial_state(briefing: Briefing) -> InterviewState:
    """Return the state before anything was said."""
    empty = InterviewState(phase=Phase.GREETING, current_question_id=None, progress=())
    return Board(briefing, empty).to_state()


def open_interview(briefing: Briefing) -> InterviewReply:
    """Greet, say what it is about, and ask the first question."""
    board = Board(briefing, initial_state(briefing))
    voice = make_voice(briefing, spoken_turns=0)
    return _Turnaround(board, voice, (), 0.0).open()


def reply_to(
    briefing: Briefing,
    state: InterviewState,
    turns: Sequence[Turn],
    *,
    elapsed_seconds: float,
    read: Reader,
) -> InterviewReply:
    """Answer what the visitor said since the agent last spoke.

    Args:
        briefing: of this interview.
        state: as stored after the last reply.
        turns: the whole transcript so far; late turns are left out.
        elapsed_seconds: since the interview became active, on the server's clock.
        read: understands one turn; see `reading.read_turn`.
    """
    live = [turn for turn in turns if not turn.is_late]
    spoken = sum(1 for turn in live if turn.role is Role.AGENT)
    board = Board(briefing, state)
    voice = make_voice(briefing, spoken_turns=spoken)
    return _Turnaround(board, voice, live, elapsed_seconds).answer(read)


class _Turnaround(ClosingMoves):
    """The moves while there are questions left."""

    # --- opening -------------------------------------------------------------------------

    def open(self) -> InterviewReply:
        waiting = self.board.waiting(only_required=False)
        if not waiting:
            return self.close([self.voice.say("hello"), self.voice.say("closing_nothing")])
        about = self.board.briefing.visitor_context or self.voice.say(
            "about_default", count=self._count_of_questions(len(waiting))
        )
        greeting = f"{self.voice.say('hello')} {about}"
        self.board.phase = Phase.QUESTIONS
        return self._ask(waiting[0], [greeting], is_first=True)

    def _count_of_questions(self, count: int) -> str:
        if self.voice.language == "es":
            return "una pregunta" if count == 1 else f"{count} preguntas"
        return "one question" if count == 1 else f"{count} questions"

    # --- answering -----------------------------------------------------------------------

    def answer(self, read: Reader) -> InterviewReply:
        board = self.board
        if board.phase is Phase.CLOSED:
            return self.answer_after_the_end()
        if board.phase is Phase.GREETING:
            return self.open()
        question = board.current
        if self.elapsed >= self.budget:
            if question and words(self.said):
                board.record_answer(question.id, self.said_ids)
                board.settle(question.id, QuestionStatus.ANSWERED)
            return self.close([self.voice.say("time_up"), self.voice.say("press_done")])
        if board.phase is Phase.SUMMARY:
            return self.answer_in_summary(read)
        if question is None:
            return self._go_on([])
        if not self.said:
            return self.say([self.question_text(question)])
        reading = read(self.said, question, self._is_answered(question))
        return self._on_reading(reading, question)

    def _on_reading(self, reading: Reading, question: Question) -> InterviewReply:
        board, voice = self.board, self.voice
        kind = reading.kind
        if kind is TurnKind.STOP:
            return self.close([voice.say("closing_stop")])
        if kind is TurnKind.SKIP:
            board.settle(question.id, QuestionStatus.REFUSED)
            return self._go_on([reading.acknowledgement or voice.say("ack_skip")])
        if kind is TurnKind.REFUSAL:
            if words(reading.content):
                board.record_answer(question.id, self.said_ids)
            board.status[question.id] = (
                QuestionStatus.PARTLY
                if len(board.answers[question.id]) > 1
                else QuestionStatus.REFUSED
            )
            return self._go_on([reading.acknowledgement or voice.say("ack_refusal")])
        if kind is TurnKind.CORRECTION:
            return self._on_correction(reading, question)
        if kind is TurnKind.NOTHING_MORE:
            board.settle(question.id, QuestionStatus.ANSWERED)
            return self._go_on([reading.acknowledgement or voice.say("ack")])
        if kind is TurnKind.UNKNOWN:
            return self._on_unknown(reading, question)
        if kind is TurnKind.ANSWER:
            return self._on_answer(reading, question)
        return self._on_aside(reading, question)

    def _on_aside(self, reading: Reading, question: Question) -> InterviewReply:
        """Answer a turn that brings no answer, and put the question again, a few times."""
        board, voice = self.board, self.voice
        # After an answer, small talk or noise is no reason to repeat the question.
        if self._is_answered(question) and reading.kind is not TurnKind.ASIDE:
            board.settle(question.id, QuestionStatus.ANSWERED)
            return self._go_on([voice.say("ack")])
        if board.raise_count(f"asides:{question.id}") > MAX_ASIDES:
            board.settle(question.id, QuestionStatus.OFF_TOPIC)
            return self._go_on([voice.say("moving_on")])
        if reading.kind is TurnKind.OFF_TOPIC:
            board.status[question.id] = QuestionStatus.OFF_TOPIC
        lead = {
            TurnKind.READY: "ready",
            TurnKind.OFF_TOPIC: "redirect",
            TurnKind.UNCLEAR: "unclear",
        }.get(reading.kind)
        if lead:
            opening = reading.acknowledgement or voice.say(lead)
            return self.say([opening, self.question_text(question)])
        if reading.aside is Aside.WAIT:
            return self.say([voice.say("aside_wait")])
        parts = [reading.acknowledgement or self._answer_aside(reading.aside or Aside.GENERAL)]
        if reading.aside not in {Aside.REPEAT, Aside.MEANING, Aside.LEFT}:
            parts.append(voice.say("back_to"))
        return self.say([*parts, self.question_text(question)])

    def _answer_aside(self, aside: Aside) -> str:
        if aside is not Aside.LEFT:
            return self.voice.say(aside.value)
        left = 1 + len(self.board.waiting(only_required=self.time_is_short))
        if left == 1:
            return self.voice.say("aside_left_one")
        return self.voice.say("aside_left_many", count=left)

    def _on_correction(self, reading: Reading, question: Question) -> InterviewReply:
        board, voice = self.board, self.voice
        board.corrections += 1
        if len(words(reading.content)) < 2:
            if board.raise_count(f"asides:{question.id}") > MAX_ASIDES:
                board.settle(question.id, QuestionStatus.OFF_TOPIC)
                return self._go_on([voice.say("moving_on")])
            return self.say([voice.say("ask_own_words")])
        earlier = self._corrected_question(question)
        if earlier:
            # The next question was already put: the correction belongs to the one before.
            board.record_answer(earlier, self.said_ids)
            board.status[earlier] = QuestionStatus.ANSWERED
            board.set_id_list("corrected", [*board.id_list("corrected"), self.said_ids[-1]])
            if self._is_answered(question):
                board.settle(question.id, QuestionStatus.ANSWERED)
                return self._go_on([voice.say("ack_correction")])
            if board.raise_count(f"asides:{question.id}") <= MAX_ASIDES:
                return self.say([voice.say("ack_correction"), self.question_text(question)])
            board.settle(question.id, QuestionStatus.OFF_TOPIC)
            return self._go_on([voice.say("ack_correction")])
        return self._on_answer(reading, question, acknowledgement=voice.say("ack_correction"))

    def _corrected_question(self, question: Question) -> str | None:
        """Return the earlier question a correction belongs to; None when it is the present one."""
        board = self.board
        asked = board.id_list("asked")
        place = asked.index(question.id) if question.id in asked else 0
        earlier = [i for i in reversed(asked[:place]) if board.answers.get(i)]
        if not earlier:
            return None
        if not board.has_answer(question.id):
            return self.closest_question(earlier) or earlier[0]
        closest = self.closest_question([question.id, *earlier])
        return closest if closest != question.id else None

    def _on_unknown(self, reading: Reading, question: Question) -> InterviewReply:
        board, voice = self.board, self.voice
        had_answer = self._is_answered(question)
        board.record_answer(question.id, self.said_ids)
        board.status[question.id] = QuestionStatus.PARTLY
        may_probe = (
            not had_answer
            and question.kind is QuestionKind.OPEN
            and board.probes_left(question, time_is_short=self.time_is_short) > 0
            and ProbeKind.DESCRIBE not in board.probes[question.id]
        )
        if may_probe:
            board.probes[question.id].append(ProbeKind.DESCRIBE)
            return self.say([voice.say("ack_unknown"), voice.say("probe_unknown")])
        return self._go_on([reading.acknowledgement or voice.say("ack_unknown")])

    def _on_answer(
        self, reading: Reading, question: Question, *, acknowledgement: str = ""
    ) -> InterviewReply:
        board = self.board
        had_answer = self._is_answered(question)
        if question.kind is not QuestionKind.OPEN and not had_answer:
            if not self._has_value(question, reading):
                return self._reask(question)
            board.notes[f"value:{question.id}"] = "1"
        board.record_answer(question.id, self.said_ids)
        self._note_other_questions(question)
        opening = acknowledgement or reading.acknowledgement or self._acknowledge()
        probe = self._choose_probe(reading, question, had_answer=had_answer)
        if probe:
            board.probes[question.id].append(probe)
            board.status[question.id] = QuestionStatus.PARTLY
            return self._say_probe(probe, reading, question, opening, keep=bool(acknowledgement))
        board.status[question.id] = QuestionStatus.ANSWERED
        if reading.is_complete is False:
            board.status[question.id] = QuestionStatus.PARTLY
        return self._go_on([opening])

    def _is_answered(self, question: Question) -> bool:
        """Say whether the question has its answer: a value for a closed one, words for an open."""
        if question.kind is QuestionKind.OPEN:
            return self.board.has_answer(question.id)
        return f"value:{question.id}" in self.board.notes

    def _has_value(self, question: Question, reading: Reading) -> bool:
        # "It depends on the day, mostly it does" answers a yes-no question well enough.
        is_told = question.kind is QuestionKind.YES_NO and reading.features.word_count > 6
        return reading.has_closed_value or is_told

    def _reask(self, question: Question) -> InterviewReply:
        """Keep the words, ask for the value once or twice more."""
        board, voice = self.board, self.voice
        board.record_answer(question.id, self.said_ids)
        board.status[question.id] = QuestionStatus.PARTLY
        if board.raise_count(f"asides:{question.id}") > MAX_REASKS:
            return self._go_on([voice.say("ack")])
        if question.kind is QuestionKind.RATING:
            scale = rating_scale(question)
            return self.say([voice.say("reask_rating", low=scale.low, high=scale.high)])
        if question.kind is QuestionKind.CHOICE:
            return self.say([voice.say("reask_choice", choices=self.choices_of(question))])
        return self.say([voice.say("reask_yes_no")])

    def _note_other_questions(self, question: Question) -> None:
        later = self.board.waiting(only_required=False)
        others = [self.board.questions[i] for i in later if i != question.id]
        for other in questions_touched(self.said, question, others):
            self.board.touch(other.id, self.said_ids)

    # --- probing -------------------------------------------------------------------------

    def _choose_probe(
        self, reading: Reading, question: Question, *, had_answer: bool
    ) -> ProbeKind | None:
        board = self.board
        used = board.probes[question.id]
        if board.probes_left(question, time_is_short=self.time_is_short) <= 0:
            return None
        if reading.is_complete is True:
            return None
        if reading.probe is not None:
            return reading.probe if reading.probe not in used else None
        if question.kind is not QuestionKind.OPEN:
            return self._probe_for_closed(reading, question)
        if is_bare_no(reading.content, question):
            return None
        features = self._features_so_far(question)
        if had_answer and not self._is_second_probe_worth_it(reading.features, features):
            return None
        wanted = missing_probes(features, question, preferred=board.preferred_probes(question.id))
        return next((kind for kind in wanted if kind not in used), None)

    def _probe_for_closed(self, reading: Reading, question: Question) -> ProbeKind | None:
        used = self.board.probes[question.id]
        if used or reading.features.has_reason or reading.features.word_count >= 8:
            return None
        is_yes_no = question.kind is QuestionKind.YES_NO
        return ProbeKind.DESCRIBE if is_yes_no else ProbeKind.WHY

    def _is_second_probe_worth_it(self, last: AnswerFeatures, all_: AnswerFeatures) -> bool:
        """Whether to ask on: not after two words (no more to say) nor after a full reply."""
        if last.word_count <= 3 or last.word_count >= 10:
            return False
        return all_.word_count < 8 or not (all_.is_specific or all_.has_reason)

    def _features_so_far(self, question: Question) -> AnswerFeatures:
        return read_features("\n".join(self.answer_texts(question.id)))

    def _say_probe(
        self, probe: ProbeKind, reading: Reading, question: Question, opening: str, *, keep: bool
    ) -> InterviewReply:
        voice = self.voice
        if reading.probe_text:
            return self.say([opening, reading.probe_text])
        if question.kind is QuestionKind.RATING and probe is ProbeKind.WHY:
            value = parse_rating(self.said, rating_scale(question))
            if value is not None:
                return self.say([opening, voice.say("probe_rating_why", value=value)])
        if question.kind is QuestionKind.CHOICE and probe is ProbeKind.WHY:
            return self.say([opening, voice.say("probe_choice_why")])
        if probe is ProbeKind.WHY and asks_for_wish(question):
            return self.say([opening, voice.say("probe_why_wish")])
        fragment = telling_fragment(reading.content)
        is_short = reading.features.word_count <= 6
        # Asking why of half a remark sounds like an examination; of a judgement it does not.
        may_quote = probe is not ProbeKind.WHY or is_short or holds_opinion(fragment)
        if fragment and may_quote:
            text = voice.say(f"probe_{probe.value}_quoted", quote=fragment)
            # A quoted follow-up shows it was heard; a "thank you" before it is one too many.
            return self.say([opening, text] if keep else [text])
        return self.say([opening, voice.say(f"probe_{probe.value}")])

    # --- going on ------------------------------------------------------------------------

    def _acknowledge(self) -> str:
        folded = f" {fold(self.said)} "
        if any(f" {word}" in folded for word in _GRIEF):
            return self.voice.say("ack_sorry")
        return self.voice.say("ack")

    def _go_on(self, parts: list[str]) -> InterviewReply:
        """Ask the next question, or close with the summary."""
        board = self.board
        if self.time_is_short and not board.time_warning_given:
            board.time_warning_given = True
            waiting = board.waiting(only_required=True)
            if waiting:
                parts = [*parts, self._time_warning()]
        waiting = board.waiting(only_required=self.time_is_short)
        if waiting:
            return self._ask(waiting[0], parts)
        return self.summarise_and_confirm(parts)

    def _time_warning(self) -> str:
        minutes = round((self.budget - self.elapsed) / 60)
        if minutes <= 1:
            return self.voice.say("time_warning_one")
        return self.voice.say("time_warning_many", minutes=minutes)

    def _ask(self, question_id: str, parts: list[str], *, is_first: bool = False) -> InterviewReply:
        board, voice = self.board, self.voice
        question = board.questions[question_id]
        is_touched = question_id in board.id_list("touched")
        board.put(question_id)
        is_last = not board.waiting(only_required=self.time_is_short)
        says_optional = not question.required and "optional_said" not in board.notes
        if says_optional:
            board.notes["optional_said"] = "1"
        if is_last and not is_first:
            parts = [*parts, voice.say("last_optional_lead" if says_optional else "last_lead")]
        elif says_optional:
            parts = [*parts, voice.say("optional_lead")]
        if is_touched:
            quote = shorten(telling_sentence(self.answer_texts(question_id)), max_words=10)
            parts = [*parts, voice.say("touched_lead", quote=without_question_marks(quote))]
        separator = "\n\n" if is_first else " "
        return self.say([*parts, self.question_text(question)], separator=separator)

    def _answer_texts(self, question_id: str) -> list[str]:
        mine = set(self.board.answers[question_id])
        return [turn.text for turn in self.turns if turn.id in mine]
