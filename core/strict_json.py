"""JSON from strangers, decoded without surprises. Knows no framework.

Beyond RFC 8259 it refuses what two readers would understand differently (a name twice, NaN,
numbers no 64-bit integer or double holds), what no database stores (NUL, lone surrogates), and
nesting nobody needs, which would end in a RecursionError further in.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

DEFAULT_MAX_DEPTH = 32
MAX_INTEGER = 2**63 - 1
# One more digit than 2**63 has; longer text is refused before the slow conversion.
MAX_INTEGER_CHARS = 20
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class JSONRefusedError(ValueError):
    """The text is not JSON, or not JSON this product takes.

    `code` is stable; `detail` says what to do and repeats nothing of the text.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JSONRefusedError(
            "json_duplicate_key", "An object names a member twice. Send it once."
        )
    return found


def _too_large() -> JSONRefusedError:
    return JSONRefusedError("json_number_out_of_range", "A number is too large. Send it as text.")


def _integer(text: str) -> int:
    if len(text) > MAX_INTEGER_CHARS or abs(number := int(text)) > MAX_INTEGER:
        raise JSONRefusedError(
            "json_number_out_of_range", "A number is too large. Send it as text."
        )
    return number


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise JSONRefusedError(
            "json_number_out_of_range", "A number is too large. Send it as text."
        )
    return number


def _constant(text: str) -> float:
    raise JSONRefusedError(
        "json_invalid", "NaN and Infinity are not JSON. Send null or leave it out."
    )


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
)


def decode_json(raw: bytes | str, *, max_depth: int = DEFAULT_MAX_DEPTH) -> Any:
    """Return the value the text stands for.

    The caller limits the size; time and memory are linear in it.

    Args:
        raw: UTF-8 bytes, or text.
        max_depth: how deep arrays and objects may nest.

    Raises:
        JSONRefusedError: with codes json_invalid, json_not_utf8, json_too_deep,
            json_duplicate_key, json_number_out_of_range, json_unstorable_text.
    """
    if isinstance(raw, bytes):
        try:
            raw = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise JSONRefusedError(
                "json_not_utf8", "The text is not UTF-8. Encode it as UTF-8."
            ) from None
    try:
        value = _DECODER.decode(raw)
    except RecursionError:
        raise _too_deep(max_depth) from None
    except json.JSONDecodeError as error:
        raise JSONRefusedError(
            "json_invalid", f"Not valid JSON, at line {error.lineno}, column {error.colno}."
        ) from None
    _inspect(value, max_depth)
    return value


def _too_deep(max_depth: int) -> JSONRefusedError:
    return JSONRefusedError(
        "json_too_deep", f"Arrays and objects nest deeper than {max_depth} levels. Send less depth."
    )


def _inspect(value: Any, max_depth: int) -> None:
    """Look at every string and the depth, without recursion."""
    level: list[Any] = [value]
    depth = 0
    while level:
        following: list[Any] = []
        for item in level:
            if isinstance(item, str):
                if _UNSTORABLE.search(item):
                    raise JSONRefusedError(
                        "json_unstorable_text",
                        "A text holds NUL or half a surrogate pair. Take it out.",
                    )
            elif isinstance(item, dict):
                following.extend(item.keys())
                following.extend(item.values())
            elif isinstance(item, list):
                following.extend(item)
        if any(isinstance(item, dict | list) for item in level):
            depth += 1
            if depth > max_depth:
                raise _too_deep(max_depth)
        level = following
