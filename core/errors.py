"""Errors every layer may raise, each with a stable code and the HTTP status it becomes.

Free of any framework, so that services can raise them; `core.api.exceptions` turns them into
RFC 9457 problem details. `detail` is read by people outside: say what to do, repeat no secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class ParleyError(Exception):
    """A refusal with a reason.

    Args:
        code: stable, lower-case words joined by underscores; clients branch on it.
        detail: one sentence for a person: what is wrong and what to do.
        status: HTTP status.
        title: short name of the kind of problem; by default the code in words.
        extra: further members of the problem body, JSON values only.
    """

    default_status: ClassVar[int] = 400

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int | None = None,
        title: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.status = self.default_status if status is None else status
        self.title = title or code.replace("_", " ").capitalize()
        self.extra: dict[str, Any] = dict(extra or {})


class InvalidInputError(ParleyError):
    """What was sent cannot be used as it stands."""


class AuthenticationFailedError(ParleyError):
    """Nobody, or a credential that is wrong, expired or revoked."""

    default_status = 401


class ForbiddenError(ParleyError):
    """Known, and not allowed."""

    default_status = 403


class NotFoundError(ParleyError):
    """No such thing, or none the caller may know of."""

    default_status = 404


class ConflictError(ParleyError):
    """The present state does not allow it."""

    default_status = 409


class GoneError(ParleyError):
    """It existed and will not come back."""

    default_status = 410


class TooLargeError(ParleyError):
    """More bytes than the route takes."""

    default_status = 413


class UnprocessableError(ParleyError):
    """Well formed, and in contradiction to itself or to what was said before."""

    default_status = 422


class _RetryLaterError(ParleyError):
    """Base of the refusals that pass by waiting; answered with Retry-After."""

    default_code: ClassVar[str]
    default_detail: ClassVar[str]

    def __init__(
        self,
        retry_after_seconds: int,
        *,
        code: str | None = None,
        detail: str | None = None,
        title: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            code or self.default_code, detail or self.default_detail, title=title, extra=extra
        )
        self.retry_after_seconds = max(1, retry_after_seconds)


class RateLimitedError(_RetryLaterError):
    """Too many requests of this kind in a window of time."""

    default_status = 429
    default_code = "rate_limited"
    default_detail = "Too many requests. Wait as long as Retry-After says, then try again."


class UnavailableError(_RetryLaterError):
    """A part this needs is down or not configured."""

    default_status = 503
    default_code = "unavailable"
    default_detail = "This is not available right now. Try again later."

    def __init__(
        self,
        retry_after_seconds: int = 5,
        *,
        code: str | None = None,
        detail: str | None = None,
        title: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(retry_after_seconds, code=code, detail=detail, title=title, extra=extra)
