"""What a sender of webhooks does, in words of no library. Knows no row and no secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

EXCERPT_BYTES = 2000
"""Of an answer's body, no more is read."""


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """One request, ready to go."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class OutboundAnswer:
    """What an endpoint answered, whatever its status."""

    status: int
    excerpt: str
    """The beginning of the body as text; never more than `EXCERPT_BYTES` of it are read."""
    retry_after_seconds: int | None = None


class OutboundError(Exception):
    """No answer came.

    Args:
        code: short and stable, shown to the company: what to look for.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RetryableError(OutboundError):
    """It may go better later: no connection, a time-out, an answer that is no HTTP."""


class RefusedAddressError(RetryableError):
    """The address is not one we send to, or it leads to a network that is not the public one.

    Retried all the same: names change hands, and a wrong record may be mended in an hour.
    """


class WebhookSender(Protocol):
    """Sends one message. Has a deadline of its own and runs outside of transactions."""

    def send(self, message: OutboundMessage) -> OutboundAnswer:
        """Post the message and return the answer; redirects are answers like any other.

        Raises:
            RefusedAddressError: nothing was sent.
            RetryableError: it may have arrived or not.
        """
        ...
