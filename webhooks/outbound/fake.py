"""A sender for tests: remembers what it was given and answers what it was told to."""

from __future__ import annotations

from collections.abc import Iterable

from webhooks.outbound.base import OutboundAnswer, OutboundError, OutboundMessage

OK = OutboundAnswer(status=200, excerpt="ok")


class FakeSender:
    """Answers from a script, then 200 for ever."""

    def __init__(self, answers: Iterable[OutboundAnswer | OutboundError] = ()) -> None:
        """Take the answers in the order they are given."""
        self.answers = list(answers)
        self.sent: list[OutboundMessage] = []

    def send(self, message: OutboundMessage) -> OutboundAnswer:
        """Remember the message and play the next answer."""
        self.sent.append(message)
        answer = self.answers.pop(0) if self.answers else OK
        if isinstance(answer, OutboundError):
            raise answer
        return answer
