"""Makes the model client the settings describe, once a process.

Owns the reading of the settings, when a client is asked for and never before; the vendor's
package is imported only then, so that a process without a model never pays for it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from django.conf import settings

from agents.llm.client import LLMClient

if TYPE_CHECKING:
    from agents.llm.openai_client import OpenAIClient, OpenAIOptions

MAX_ATTEMPTS = 2
"""One retry: the callers' deadlines are seconds, and a built-in agent stands behind each."""

_lock = threading.Lock()
_clients: dict[OpenAIOptions, OpenAIClient] = {}


def get_llm_client() -> LLMClient:
    """Return the client of the present settings; the same one while they do not change."""
    from agents.llm.openai_client import OpenAIClient, OpenAIOptions

    options = OpenAIOptions(
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL,
        model=settings.OPENAI_MODEL,
        attempt_seconds=settings.LLM_TIMEOUT_SECONDS,
        max_attempts=min(settings.LLM_MAX_ATTEMPTS, MAX_ATTEMPTS),
        max_output_tokens=settings.LLM_MAX_OUTPUT_TOKENS,
    )
    with _lock:
        if options not in _clients:
            _clients[options] = OpenAIClient(options)
        return _clients[options]


def close_llm_clients() -> None:
    """Close every client made so far. For the end of a process and for tests."""
    with _lock:
        clients = list(_clients.values())
        _clients.clear()
    for client in clients:
        client.close()
