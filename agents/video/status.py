"""The status message: its fields, its conditions, its JSON Schema. Built and checked here alone.

Every light of the studio is such a message. A message is stored without its number, which its
stream gives, and without a link, which would be dead when somebody reads it later: `video_key`
stands for the link until then. Knows no row and no socket.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

EVENT_TYPE: Final = "status"
AGENTS: Final = ("Orchestrator", "Agent2", "Agent4", "Agent5")
STATUSES: Final = ("starting", "processing", "finished", "error")
WITH_VIDEO: Final = ("Orchestrator", "Agent5")
"""Those whose finished message carries the link."""
WITH_FILES: Final = ("Agent2", "Agent4")
"""Those whose finished message says how many files there are."""
STOPPED_REASON: Final = "stopped because {agent} failed"
CANCELLED_REASON: Final = "cancelled"

MAX_ERROR_LENGTH: Final = 200
MAX_REASON_LENGTH: Final = 500
MAX_URL_LENGTH: Final = 4000
MAX_INFO_ENTRIES: Final = 20
_ID: Final = r"^[A-Za-z0-9_-]{1,64}$"
_is_id: Final = re.compile(_ID[1:-1]).fullmatch
_is_url: Final = re.compile(r"https?://[^\s/]+/\S*").fullmatch
_MAX_WHOLE: Final = 2**53 - 1

STATUS_SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:parley:video-status:1",
    "title": "Status message",
    "type": "object",
    "additionalProperties": False,
    "required": ["agentnumber", "userID", "sessionID", "status", "timestamp", "seq", "run"],
    "properties": {
        "agentnumber": {"type": "string", "enum": list(AGENTS)},
        "userID": {"type": "string", "pattern": _ID},
        "sessionID": {"type": "string", "pattern": _ID},
        "status": {"type": "string", "enum": list(STATUSES)},
        "timestamp": {
            "type": "integer",
            "minimum": 0,
            "maximum": _MAX_WHOLE,
            "description": "Unix time in whole seconds.",
        },
        "error": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_ERROR_LENGTH,
            "description": "Stable code of what went wrong.",
        },
        "reason": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_REASON_LENGTH,
            "description": "What went wrong, in words, and what to do.",
        },
        "videoUrl": {
            "type": "string",
            "pattern": r"^https?://[^\s/]+/\S*$",
            "maxLength": MAX_URL_LENGTH,
            "description": "Signed when it is sent; it expires.",
        },
        "progress": {"type": "number", "minimum": 0, "maximum": 100},
        "fileCount": {"type": "integer", "minimum": 0, "maximum": _MAX_WHOLE},
        "cost": {
            "type": "number",
            "minimum": 0,
            "description": "US dollars the agent has spent; the Orchestrator's is the sum.",
        },
        "seq": {
            "type": "integer",
            "minimum": 1,
            "maximum": _MAX_WHOLE,
            "description": "Number of the message within the video session.",
        },
        "run": {"type": "string", "pattern": _ID},
        "info": {
            "type": "object",
            "maxProperties": MAX_INFO_ENTRIES,
            "description": "Further facts for people, such as the attempt or the step.",
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
        },
    },
    "allOf": [
        {
            "if": {"properties": {"status": {"const": "error"}}},
            "then": {
                "required": ["error", "reason"],
                "properties": {"videoUrl": False},
            },
            "else": {"properties": {"error": False, "reason": False}},
        },
        {
            "if": {
                "properties": {
                    "status": {"const": "finished"},
                    "agentnumber": {"enum": list(WITH_VIDEO)},
                }
            },
            "then": {"required": ["videoUrl"]},
            "else": {"properties": {"videoUrl": False}},
        },
        {
            "if": {
                "properties": {
                    "status": {"const": "finished"},
                    "agentnumber": {"enum": list(WITH_FILES)},
                }
            },
            "then": {"required": ["fileCount"]},
        },
        {
            "if": {"properties": {"status": {"const": "finished"}}},
            "then": {"properties": {"progress": {"const": 100}}},
        },
    ],
}


class InvalidStatusError(ValueError):
    """A message that breaks the published form; a mistake in the calling code."""


def build_status(
    *,
    agent: str,
    user_id: str,
    session_id: str,
    run_id: str,
    status: str,
    timestamp: int,
    error: str = "",
    reason: str = "",
    progress: float | None = None,
    file_count: int | None = None,
    cost: float | None = None,
    info: Mapping[str, Any] | None = None,
    video_key: str = "",
) -> dict[str, Any]:
    """Return a message as it is stored; what is too long to show is cut.

    Args:
        agent: one of AGENTS.
        timestamp: Unix seconds.
        error: stable code; with `reason` for the status ``error`` alone.
        progress: 0 to 100; what rounding took beyond is brought back. Finished is always 100.
        cost: US dollars.
        video_key: storage key, of what `read_status` makes a link.

    Raises:
        InvalidStatusError: the fields contradict each other.
    """
    message: dict[str, Any] = {
        "agentnumber": agent,
        "userID": user_id,
        "sessionID": session_id,
        "status": status,
        "timestamp": timestamp,
    }
    if error:
        message["error"] = _cut(error, MAX_ERROR_LENGTH)
    if reason:
        message["reason"] = _cut(reason, MAX_REASON_LENGTH)
    if status == "finished":
        message["progress"] = 100
    elif progress is not None:
        message["progress"] = min(100.0, max(0.0, round(progress, 1)))
    if file_count is not None:
        message["fileCount"] = file_count
    if cost is not None:
        message["cost"] = round(cost, 6)
    message["run"] = run_id
    if info:
        message["info"] = dict(info)
    if video_key:
        message["video_key"] = video_key
    # Checked as it will be sent: with some number and some link in the places of the later ones.
    read_status(message, seq=1, link_of=lambda key: "https://host/file")
    return message


def read_status(
    stored: Mapping[str, Any], *, seq: int, link_of: Callable[[str], str]
) -> dict[str, Any]:
    """Return a stored message as it is sent now.

    Args:
        stored: from `build_status`.
        seq: its number in the stream.
        link_of: signs a link for a storage key.

    Raises:
        InvalidStatusError: it breaks the published form.
    """
    message = {name: value for name, value in stored.items() if name not in ("video_key", "run")}
    message.pop("info", None)
    if stored.get("video_key"):
        message["videoUrl"] = link_of(stored["video_key"])
    message["seq"] = seq
    message["run"] = stored.get("run")
    if "info" in stored:
        message["info"] = stored["info"]
    check_status(message)
    return message


def check_status(message: Mapping[str, Any]) -> None:
    """Refuse what STATUS_SCHEMA refuses.

    Written out because a schema library costs every web process 60 ms of start; a property test
    holds the two against each other.

    Raises:
        InvalidStatusError: names the first field that is wrong, never its value.
    """
    for name, rule in _RULES.items():
        if name not in message:
            if name in STATUS_SCHEMA["required"]:
                raise InvalidStatusError(f"{name} is missing")
        elif not rule(message[name]):
            raise InvalidStatusError(f"{name} is not allowed as it is")
    if not message.keys() <= _RULES.keys():
        raise InvalidStatusError("unknown field")
    _check_conditions(message)


def _check_conditions(message: Mapping[str, Any]) -> None:
    agent, status = message["agentnumber"], message["status"]
    for name in ("error", "reason"):
        if (name in message) != (status == "error"):
            raise InvalidStatusError(f"{name} belongs to the status error, and to no other")
    is_ready = status == "finished" and agent in WITH_VIDEO
    if ("videoUrl" in message) != is_ready:
        raise InvalidStatusError("videoUrl belongs to Orchestrator and Agent5 once finished")
    if status == "finished":
        if agent in WITH_FILES and "fileCount" not in message:
            raise InvalidStatusError("fileCount is missing")
        if message.get("progress", 100) != 100:
            raise InvalidStatusError("what is finished has a progress of 100")


def _is_whole(value: object, minimum: int) -> bool:
    return type(value) is int and minimum <= value <= _MAX_WHOLE


def _is_number(value: object, minimum: float, maximum: float) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and minimum <= value <= maximum
    )


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= longest


def _is_info(value: object) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= MAX_INFO_ENTRIES
        and all(isinstance(item, str | int | float | bool | None) for item in value.values())
    )


_RULES: Final[dict[str, Callable[[Any], bool]]] = {
    "agentnumber": lambda value: value in AGENTS,
    "userID": lambda value: isinstance(value, str) and _is_id(value) is not None,
    "sessionID": lambda value: isinstance(value, str) and _is_id(value) is not None,
    "status": lambda value: value in STATUSES,
    "timestamp": lambda value: _is_whole(value, 0),
    "error": lambda value: _is_text(value, MAX_ERROR_LENGTH),
    "reason": lambda value: _is_text(value, MAX_REASON_LENGTH),
    "videoUrl": lambda value: _is_text(value, MAX_URL_LENGTH) and _is_url(value) is not None,
    "progress": lambda value: _is_number(value, 0, 100),
    "fileCount": lambda value: _is_whole(value, 0),
    "cost": lambda value: _is_number(value, 0, float("inf")),
    "seq": lambda value: _is_whole(value, 1),
    "run": lambda value: isinstance(value, str) and _is_id(value) is not None,
    "info": _is_info,
}


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
