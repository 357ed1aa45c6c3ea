"""The adapter for OpenAI and every server that speaks its chat completions.

Owns the only use of the ``openai`` package here: deadline, one retry, size limit, circuit
breaker, usage. Knows nothing of interviews. Log lines hold figures and kinds of failure, never a
prompt or an answer.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Any

import httpx2
import openai

from agents.llm import measures
from agents.llm.answers import read_completion, read_object
from agents.llm.circuit import CircuitBreaker
from agents.llm.client import LLMBadAnswerError, LLMUnavailableError
from agents.llm.transport import BodyTooLargeError, CappedTransport
from core.retry import backoff_seconds

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 512 * 1024
BACKOFF_BASE_SECONDS = 0.2
BACKOFF_CAP_SECONDS = 2.0
#: Less time than this is not worth another attempt.
MIN_ATTEMPT_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class OpenAIOptions:
    """How to reach the model."""

    api_key: str
    base_url: str
    """Empty for OpenAI itself."""
    model: str
    attempt_seconds: float
    """The longest one attempt may take, inside the caller's deadline."""
    max_attempts: int = 2
    max_output_tokens: int = 2000


class _RetryableError(Exception):
    """An attempt failed in a way another one may not; `wait_seconds` is what the server asked."""

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_seconds = wait_seconds


class OpenAIClient:
    """Ask a chat completions endpoint for JSON.

    Calls come from any thread; the requests run on one event loop in a thread of this client, so
    that a deadline cancels a request whatever the server does (a read time-out alone never ends
    a body that trickles). Thread-safe. `close` ends the thread.
    """

    def __init__(self, options: OpenAIOptions, *, breaker: CircuitBreaker | None = None) -> None:
        """Remember the options; the thread starts with the first call."""
        self._options = options
        self._breaker = breaker or CircuitBreaker()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._client: openai.AsyncOpenAI | None = None
        self._takes_schemas = True

    @property
    def model(self) -> str:
        """The model's name."""
        return self._options.model

    def complete_json(
        self, *, system: str, user: str, schema: dict[str, Any], deadline_seconds: float
    ) -> dict[str, Any]:
        """Return the model's answer as an object of `schema`; see `LLMClient`.

        One retry at most, on 408, 409, 429, 5xx, a lost connection or a time-out, after the wait
        the server asks for, and only when both fit into the deadline.
        """
        if not self._breaker.allows():
            measures.count_call(self.model, "skipped")
            raise LLMUnavailableError("the circuit is open after repeated failures")
        started = time.monotonic()
        outcome = "failed"
        try:
            found = self._run(
                self._ask(system, user, schema, started + deadline_seconds), deadline_seconds
            )
            outcome = "answered"
            return found
        except LLMBadAnswerError:
            outcome = "bad_answer"
            raise
        finally:
            seconds = time.monotonic() - started
            self._breaker.record(succeeded=outcome == "answered")
            measures.count_call(self.model, outcome)
            measures.observe_seconds(self.model, seconds)
            logger.info(
                "llm.call",
                extra={"model": self.model, "outcome": outcome, "seconds": round(seconds, 3)},
            )

    def close(self) -> None:
        """Close the connections and end the thread. The client may be used again after it."""
        with self._lock:
            loop, thread, client = self._loop, self._thread, self._client
            self._loop = self._thread = self._client = None
        if loop is None or thread is None:
            return
        if client is not None:
            asyncio.run_coroutine_threadsafe(client.close(), loop).result(timeout=5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=5)
        loop.close()

    def _run(
        self, work: Coroutine[Any, Any, dict[str, Any]], deadline_seconds: float
    ) -> dict[str, Any]:
        future = asyncio.run_coroutine_threadsafe(work, self._get_loop())
        try:
            # The coroutine keeps the deadline itself; the extra second only guards the guard.
            return future.result(timeout=deadline_seconds + 1)
        except FutureTimeoutError as error:
            future.cancel()
            raise LLMUnavailableError("no answer within the deadline") from error

    def _get_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="llm-client", daemon=True
                )
                self._thread.start()
            return self._loop

    def _get_client(self) -> openai.AsyncOpenAI:
        if self._client is None:
            self._client = openai.AsyncOpenAI(
                # Servers of one's own often want no key, the package always does.
                api_key=self._options.api_key or "none",
                base_url=self._options.base_url or None,
                max_retries=0,
                http_client=httpx2.AsyncClient(
                    transport=CappedTransport(max_body_bytes=MAX_BODY_BYTES)
                ),
            )
        return self._client

    async def _ask(
        self, system: str, user: str, schema: dict[str, Any], deadline: float
    ) -> dict[str, Any]:
        attempt = 0
        while True:
            attempt += 1
            left = deadline - time.monotonic()
            if left <= 0:
                raise LLMUnavailableError("the deadline has passed")
            try:
                async with asyncio.timeout(min(left, self._options.attempt_seconds)):
                    body = await self._send(system, user, schema)
            except TimeoutError as error:
                failure = _RetryableError("time-out")
                failure.__cause__ = error
            except _RetryableError as error:
                failure = error
            else:
                return self._read(body, schema)
            wait = failure.wait_seconds
            if wait is None:
                wait = backoff_seconds(attempt, BACKOFF_BASE_SECONDS, BACKOFF_CAP_SECONDS)
            too_late = time.monotonic() + wait + MIN_ATTEMPT_SECONDS > deadline
            if attempt >= self._options.max_attempts or too_late:
                raise LLMUnavailableError(failure.reason) from failure
            await asyncio.sleep(wait)

    def _read(self, body: bytes, schema: dict[str, Any]) -> dict[str, Any]:
        text, prompt_tokens, completion_tokens = read_completion(body)
        # Paid for whether or not the answer is of use.
        measures.count_tokens(self.model, prompt_tokens, completion_tokens)
        return read_object(text, schema)

    async def _send(self, system: str, user: str, schema: dict[str, Any]) -> bytes:
        """Make one attempt and return the body of a successful answer."""
        limit = (
            {"max_tokens": self._options.max_output_tokens}
            if self._options.base_url
            else {"max_completion_tokens": self._options.max_output_tokens}
        )
        body: dict[str, Any] = {
            "model": self._options.model,
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": user},
            ],
            "response_format": self._response_format(schema),
            **limit,
        }
        try:
            response = await self._get_client().post(
                "/chat/completions", body=body, cast_to=httpx2.Response
            )
        except openai.APIStatusError as error:
            raise self._judge_status(error) from error
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, BodyTooLargeError):
                raise LLMBadAnswerError("the answer is larger than the limit") from error
            raise _RetryableError("no connection") from error
        return response.content

    def _response_format(self, schema: dict[str, Any]) -> dict[str, Any]:
        if not self._takes_schemas:
            return {"type": "json_object"}
        return {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": schema},
        }

    def _judge_status(self, error: openai.APIStatusError) -> Exception:
        status = error.status_code
        if status in {408, 409, 429} or status >= 500:
            return _RetryableError(f"status {status}", _retry_after(error.response))
        if status in {400, 422} and self._takes_schemas:
            # Older servers know plain JSON mode only. The schema is checked here all the same.
            self._takes_schemas = False
            return _RetryableError(f"status {status}", 0.0)
        return LLMUnavailableError(f"status {status}")


def _retry_after(response: httpx2.Response) -> float | None:
    """Return the seconds the server asks to wait; None for no or an unreadable wish."""
    value = response.headers.get("retry-after", "").strip()
    return float(value) if value.isascii() and value.isdigit() and len(value) <= 6 else None
