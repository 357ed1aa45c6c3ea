"""How long a provider is waited for until its first word or sound.

livekit's plugins wait half a minute for a server that accepts and never answers; a person does
not. Knows no provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from typing import TypeVar

from livekit.agents import APITimeoutError

T = TypeVar("T")


class _NothingCameError(Exception):
    """The answers ended without one."""


class AskedText:
    """Text on its way to a voice, which notes when the first of it came."""

    def __init__(self, text: AsyncIterable[str]) -> None:
        self._text = text
        self.has_begun = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[str]:
        try:
            async for piece in self._text:
                self.has_begun.set()
                yield piece
        finally:
            # Nothing to say is no reason to wait either.
            self.has_begun.set()


async def first_within(
    answers: AsyncGenerator[T, None], seconds: float, asked: asyncio.Event | None = None
) -> AsyncIterator[T]:
    """Yield what comes; the first must come in time.

    Args:
        answers: closed in the end, whatever happens.
        seconds: counted from when `asked` is set; at once without it.

    Raises:
        APITimeoutError: nothing came in time; not worth another attempt.
    """
    first: asyncio.Task[T] = asyncio.create_task(_next(answers), name="voice.first_answer")
    try:
        if asked is not None:
            beginning = asyncio.create_task(asked.wait(), name="voice.asked")
            await asyncio.wait({first, beginning}, return_when=asyncio.FIRST_COMPLETED)
            beginning.cancel()
        done, _ = await asyncio.wait({first}, timeout=seconds)
        if not done:
            raise APITimeoutError("the provider does not answer", retryable=False)
        try:
            yield first.result()
        except _NothingCameError:
            return
        async for answer in answers:
            yield answer
    finally:
        first.cancel()
        # Its outcome was passed on, or nobody waits for it any more.
        await asyncio.wait({first})
        if not first.cancelled():
            first.exception()
        await answers.aclose()


async def _next(answers: AsyncGenerator[T, None]) -> T:
    try:
        return await anext(answers)
    except StopAsyncIteration:
        # A task may not end in it.
        raise _NothingCameError from None
