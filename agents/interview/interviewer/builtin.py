"""The built-in interviewer: rules only, no key, no network.

Owns nothing but the joining of `reading` (what was said) and `flow` (what comes next).
Deterministic: the same turns give the same words.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.interview.interviewer.flow import open_interview, reply_to
from agents.interview.interviewer.reading import Reading, read_turn
from agents.interview.types import Briefing, InterviewReply, InterviewState, Question, Turn


def _read(text: str, question: Question, has_answer: bool) -> Reading:
    return read_turn(text, question, has_answer=has_answer)


class BuiltinInterviewer:
    """Hold an interview by rules, in English or Spanish."""

    def open(self, briefing: Briefing) -> InterviewReply:
        """Return the greeting with the first question."""
        return open_interview(briefing)

    def respond(
        self,
        briefing: Briefing,
        state: InterviewState,
        turns: Sequence[Turn],
        *,
        elapsed_seconds: float,
        deadline_seconds: float,
    ) -> InterviewReply:
        """Answer the visitor turns at the end of ``turns``.

        Takes well under a millisecond a turn, so ``deadline_seconds`` is never near.
        """
        del deadline_seconds
        return reply_to(briefing, state, turns, elapsed_seconds=elapsed_seconds, read=_read)
