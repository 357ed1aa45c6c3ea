"""What every back end of WhatsApp does, and the ways it can fail. Knows no row and no vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class ErrorClass(StrEnum):
    """What is to be done about an error."""

    RETRY = "retry"
    """It will pass: back off and try again."""
    PAIR = "pair"
    """This person only was written to too often: wait 4^n seconds."""
    AMBIGUOUS = "ambiguous"
    """Nobody knows whether it was taken: wait for a status before anything else."""
    WINDOW = "window"
    """More than 24 hours since they wrote: wait until they write again."""
    LATER = "later"
    """Not before a day has passed."""
    NEVER = "never"
    """It will fail in the same way for ever."""
    STOP = "stop"
    """Nothing of this number will work until a person has looked."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A number of ours as the back end needs it."""

    phone_number_id: str
    token: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person as the back end needs them: the phone, or else the user id."""

    phone: str | None
    bsuid: str | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The back end took the message; delivery is told by statuses."""

    wamid: str


class SendError(Exception):
    """The back end did not take a message."""

    def __init__(
        self, error_class: ErrorClass, code: str, *, retry_after_seconds: float = 0
    ) -> None:
        super().__init__(f"{error_class}: {code}")
        self.error_class = error_class
        self.code = code
        self.retry_after_seconds = retry_after_seconds


class MediaGoneError(Exception):
    """The file is no longer there, or was never ours."""


class WhatsAppBackend(Protocol):
    """One way to reach people. Calls block, each with a time-out; never inside a transaction."""

    def send(
        self, sender: Sender, recipient: Recipient, message: Mapping[str, Any], *, opaque: str
    ) -> Accepted:
        """Hand over a message body made by `messaging.whatsapp.bodies`.

        Raises:
            SendError: it was not taken, or nobody knows.
        """
        ...

    def mark_read(self, sender: Sender, wamid: str, *, is_typing: bool) -> None:
        """Show the person that their message was read, and that an answer is being written.

        Raises:
            SendError: it did not work; nothing depends on it.
        """
        ...

    def fetch_media(self, sender: Sender, media_id: str, *, limit_bytes: int) -> tuple[bytes, str]:
        """Return a file the person sent and its media type.

        Raises:
            MediaGoneError: it is gone, or larger than the limit.
            SendError: it did not work this time.
        """
        ...

    def upload_media(self, sender: Sender, content: bytes, *, mime_type: str, name: str) -> str:
        """Hand over a file of ours; return its media id.

        Raises:
            SendError: it was not taken.
        """
        ...


#: By code, as Meta's pages and three client libraries agree; what is not listed is `NEVER` for
#: 4xx answers and `RETRY` for 5xx.
_RETRY = {1, 2, 4, 80007, 130429, 131000, 131016, 131052, 131053, 131057, 133004}
_STOP = {0, 3, 10, 33, 190, 368, 130497, 131031, 131042, 131045, 131048, 131064, 133010}


def classify_error(code: int, http_status: int) -> ErrorClass:
    """Return what to do about an error code of the Graph API."""
    if code == 131056:
        return ErrorClass.PAIR
    if code == 131047:
        return ErrorClass.WINDOW
    if code == 131049:
        return ErrorClass.LATER
    if code in _STOP or 200 <= code <= 299:
        return ErrorClass.STOP
    if code in _RETRY:
        return ErrorClass.RETRY
    if code < 0 or not code:
        return ErrorClass.RETRY if http_status == 429 or http_status >= 500 else ErrorClass.NEVER
    return ErrorClass.NEVER
