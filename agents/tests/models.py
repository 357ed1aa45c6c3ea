"""A stand-in for a language model that answers what a test wrote down."""

from __future__ import annotations

from typing import Any

from agents.llm.answers import check_schema


class ScriptedClient:
    """Return the scripted answers in order, or raise a scripted error; keep every call.

    Answers are held against the schema like a real client does, so that a test cannot script
    what no model could send.
    """

    model = "scripted-1"

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self._answers = list(answers)
        self.calls: list[dict[str, Any]] = []

    def complete_json(
        self, *, system: str, user: str, schema: dict[str, Any], deadline_seconds: float
    ) -> dict[str, Any]:
        self.calls.append({"system": system, "user": user, "deadline": deadline_seconds})
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        check_schema(answer, schema)
        return answer
