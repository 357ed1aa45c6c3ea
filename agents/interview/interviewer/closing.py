"""The end of an interview: the summary, its correction, and the last words.

Owns every move from the last answer to the closed interview. At most: the summary, two questions
back, one request for what to change, one repeated summary; then it closes whatever is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agents.interview.interviewer import patterns
from agents.interview.interviewer.board import Board
from agents.interview.interviewer.moment import Moment, Reader, without_question_marks
from agents.interview.interviewer.reading import Aside, TurnKind
from agents.interview.interviewer.summary import (
    MAX_LINES,
    has_more,
    shorten,
    summarise,
    telling_sentence,
)
from agents.interview.language import fold, words
from agents.interview.types import InterviewReply, Phase, QuestionStatus, Turn

MAX_SUMMARY_ASIDES = 2

_SUMMARY_ENDERS = frozenset(
    {
        TurnKind.NOTHING_MORE,
        TurnKind.SKIP,
        TurnKind.REFUSAL,
        TurnKind.READY,
        TurnKind.UNCLEAR,
        TurnKind.OFF_TOPIC,
        TurnKind.UNKNOWN,
    }
)
_AGREEMENT_WORDS = """
yes yeah yep yup correct right exactly perfect that's thats that is it all good fine ok okay
sure you did got it quite pretty much everything looks sounds great thanks thank i think so
accurate spot on indeed absolutely
si correcto exacto exactamente asi es perfecto todo bien esta muy gracias vale eso claro de
acuerdo lo has ha entendido creo que
"""
_AGREEMENT = frozenset(_AGREEMENT_WORDS.split())
_OBJECTION_WORDS = """
no nope wrong not right quite really exactly that's thats that is it you didn't incorrect sorry
didnt get did incorrecto mal esta bien del todo eso asi es lo no exactamente
"""
_OBJECTION = frozenset(_OBJECTION_WORDS.split())
_AFFIRMS = re.compile(
    r"(?:no )*(?:(?:that's|that is|it's|it is|you're|all) )*(?:right|correct|fine|good|perfect|all)"
    r"(?: (?:thanks|thank you))?$|(?:no )*(?:todo (?:esta )?bien|asi esta bien)(?: gracias)?$"
)
"""After a "no" that denies nothing. Without its comma, "no está bien" would be the opposite."""
_PLAIN_NO = frozenset({"no", "nope", "wrong", "not", "incorrect", "incorrecto", "mal", "didn't"})


class ClosingMoves(Moment):
    """What is said once there is no question left to ask."""

    def _summary_lines(self) -> list[str]:
        board = self.board
        lines = summarise(board.briefing.questions, board.status, board.answers, self.turns)
        corrected = set(board.id_list("corrected"))
        texts = [shorten(turn.text) for turn in self.turns if turn.id in corrected]
        return [*lines[: MAX_LINES - len(texts)], *(text for text in texts if text not in lines)]

    def summarise_and_confirm(self, parts: list[str]) -> InterviewReply:
        """Give the summary and ask whether it is right; with nothing to sum up, close."""
        board, voice = self.board, self.voice
        board.current_id = None
        lines = self._summary_lines()
        if not lines:
            return self.close([*parts, voice.say("closing_nothing")])
        board.phase = Phase.SUMMARY
        intro = voice.say("summary_intro" if len(lines) > 1 else "summary_intro_short")
        return self._say_summary(" ".join([*parts, intro]), lines, voice.say("summary_confirm"))

    def _say_summary(self, intro: str, lines: list[str], confirm: str) -> InterviewReply:
        answered = sum(1 for ids in self.board.answers.values() if ids)
        quoted = [self.voice.quote(without_question_marks(line)) for line in lines]
        if has_more(len(lines), answered):
            quoted.append(self.voice.say("summary_more"))
        return self.say([intro, *quoted, confirm], separator="\n")

    def answer_in_summary(self, read: Reader) -> InterviewReply:
        """Take what the visitor says to the summary."""
        board, voice = self.board, self.voice
        last_question = board.briefing.questions[-1]
        reading = read(self.said, last_question, True) if self.said else None
        if reading is None:
            return self.say([voice.say("summary_confirm")])
        if reading.kind is TurnKind.STOP:
            return self.close([voice.say("closing")])
        if reading.kind is TurnKind.ASIDE and reading.aside:
            if board.raise_count("summary_asides") <= MAX_SUMMARY_ASIDES:
                return self._summary_aside(reading.aside)
            return self.close([voice.say("closing")])
        if _agrees(self.said) or _takes_leave(self.said):
            return self.close([voice.say("closing")])
        if _objects_without_words(self.said) or (
            reading.kind is TurnKind.CORRECTION and len(words(reading.content)) < 2
        ):
            board.corrections += 1
            if board.count("summary_repeated") or board.raise_count("change_asked") > 1:
                return self.close([voice.say("closing_unsettled")])
            return self.say([voice.say("summary_change")])
        if reading.kind in _SUMMARY_ENDERS:
            return self.close([voice.say("closing")])
        return self._take_summary_correction()

    def _summary_aside(self, aside: Aside) -> InterviewReply:
        voice = self.voice
        if aside in {Aside.REPEAT, Aside.MEANING}:
            lines = self._summary_lines()
            return self._say_summary(voice.say("aside_repeat"), lines, voice.say("summary_confirm"))
        if aside is Aside.WAIT:
            return self.say([voice.say("aside_wait")])
        if aside is Aside.LEFT:
            return self.close([voice.say("closing")])
        return self.say([voice.say(aside.value), voice.say("summary_confirm")])

    def _take_summary_correction(self) -> InterviewReply:
        board, voice = self.board, self.voice
        before = self._summary_lines()
        answered = [question_id for question_id, ids in board.answers.items() if ids]
        target = self.closest_question(answered)
        if target:
            board.record_answer(target, self.said_ids)
            board.status[target] = QuestionStatus.ANSWERED
        board.corrections += 1
        if board.raise_count("summary_repeated") > 1:
            return self.close([voice.say("closing_noted")])
        corrected = shorten(telling_sentence([self.said]) or self.said)
        lines = [line for line in before if not _is_replaced(line, target, board, self.turns)]
        return self._say_summary(
            voice.say("summary_again"),
            [*lines[:3], corrected],
            voice.say("summary_confirm_again"),
        )

    def answer_after_the_end(self) -> InterviewReply:
        """Say once more that only Done is left; words said now are noted, not answered."""
        noted = len(words(self.said)) > 3
        return self.close([self.voice.say("closing_noted" if noted else "closed")])


def _agrees(said: str) -> bool:
    spoken = [fold(word) for word in words(said)]
    if spoken[:1] == ["no"] and _AFFIRMS.match(" ".join(spoken[1:])):
        return True  # "No, that's right": nothing to change.
    return bool(spoken) and set(spoken) <= _AGREEMENT and not (_PLAIN_NO & set(spoken))


def _takes_leave(said: str) -> bool:
    spoken = {fold(word) for word in words(said)}
    objects = bool(spoken & (_PLAIN_NO | {"but", "pero", "it", "was", "era", "fue"}))
    return len(words(said)) <= 10 and not objects and bool(patterns.FAREWELL.match(fold(said)))


def _objects_without_words(said: str) -> bool:
    spoken = [fold(word) for word in words(said)]
    return bool(_PLAIN_NO & set(spoken)) and set(spoken) <= _OBJECTION


def _is_replaced(line: str, target: str | None, board: Board, turns: Sequence[Turn]) -> bool:
    if target is None:
        return False
    mine = set(board.answers[target])
    stem_of_line = line.rstrip("\u2026")
    return any(turn.id in mine and stem_of_line in " ".join(turn.text.split()) for turn in turns)
