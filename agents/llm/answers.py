"""From the body of a chat completion to the JSON object that was asked for.

Owns the checks on what a model answered. Strict: an answer that is not exactly an object of the
schema is refused, never repaired.
"""

from __future__ import annotations

from typing import Any

from agents.llm.client import LLMBadAnswerError
from core.strict_json import JSONRefusedError, decode_json

MAX_DEPTH = 16


def read_completion(body: bytes) -> tuple[str, int, int]:
    """Return the text of the first choice and the tokens used (prompt, completion).

    Raises:
        LLMBadAnswerError: the body is no chat completion, was cut short, or is a refusal.
    """
    found = _decode(body, "the answer is not JSON")
    choices = found.get("choices") if isinstance(found, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(first, dict) or not isinstance(content, str) or not content.strip():
        raise LLMBadAnswerError("the answer holds no text")
    if first.get("finish_reason") == "length":
        raise LLMBadAnswerError("the answer was cut short")
    usage = found.get("usage") if isinstance(found, dict) else None
    return content, _tokens(usage, "prompt_tokens"), _tokens(usage, "completion_tokens")


def _tokens(usage: object, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and value >= 0 else 0


def read_object(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the object in `text` if it follows `schema`.

    Raises:
        LLMBadAnswerError: it is no JSON object or does not follow the schema.
    """
    found = _decode(text, "the text is not JSON")
    check_schema(found, schema)
    if not isinstance(found, dict):
        raise LLMBadAnswerError("the text is not a JSON object")
    return found


def _decode(raw: bytes | str, message: str) -> Any:
    try:
        return decode_json(raw, max_depth=MAX_DEPTH)
    except JSONRefusedError as error:
        raise LLMBadAnswerError(f"{message}: {error.code}") from error


_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def check_schema(value: object, schema: dict[str, Any], *, where: str = "answer") -> None:
    """Hold `value` against the part of JSON Schema our schemas use.

    Covered: type (one or a list), enum, properties, required, additionalProperties false, items.

    Raises:
        LLMBadAnswerError: the value does not follow the schema; the message names the place,
            never the value.
    """
    if "enum" in schema and value not in schema["enum"]:
        raise LLMBadAnswerError(f"{where} is none of the allowed values")
    wanted = schema.get("type")
    if wanted is not None and not _has_type(value, wanted):
        raise LLMBadAnswerError(f"{where} has the wrong type")
    if isinstance(value, dict):
        _check_members(value, schema, where)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            check_schema(item, schema["items"], where=f"{where}[{index}]")


def _has_type(value: object, wanted: str | list[str]) -> bool:
    names = [wanted] if isinstance(wanted, str) else wanted
    if isinstance(value, bool):
        # In Python True is an int; in JSON it is not.
        return "boolean" in names
    return any(isinstance(value, _TYPES[name]) for name in names)


def _check_members(value: dict[str, Any], schema: dict[str, Any], where: str) -> None:
    properties: dict[str, Any] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            raise LLMBadAnswerError(f"{where} lacks {name}")
    for name, item in value.items():
        if name in properties:
            check_schema(item, properties[name], where=f"{where}.{name}")
        elif schema.get("additionalProperties") is False:
            raise LLMBadAnswerError(f"{where} has a member nobody asked for")
