"""What an agent may ask of a language model, and how that can fail.

Owns the Protocol and its errors. Knows no vendor: the adapters stand beside this module and
are chosen by `agents.llm.factory`.
"""

from __future__ import annotations

from typing import Any, Protocol


class LLMError(Exception):
    """A model gave nothing that can be used; the caller goes on without it."""


class LLMUnavailableError(LLMError):
    """No answer in time: network, limit, server fault, deadline, or the circuit is open."""


class LLMBadAnswerError(LLMError):
    """An answer came but it is not the JSON object that was asked for."""


class LLMClient(Protocol):
    """One structured question to a language model."""

    @property
    def model(self) -> str:
        """The model's name, shown as the `source` of what it wrote."""
        ...

    def complete_json(
        self, *, system: str, user: str, schema: dict[str, Any], deadline_seconds: float
    ) -> dict[str, Any]:
        """Return the model's answer as a JSON object that follows `schema`.

        Args:
            system: instructions of ours. Never holds text a visitor wrote.
            user: the material, as JSON; whatever people wrote is data in there.
            schema: a JSON Schema of one object, all of its properties required.
            deadline_seconds: for everything together, retries included.

        Raises:
            LLMUnavailableError: nothing came in time.
            LLMBadAnswerError: something came that is no such object.
        """
        ...
