"""Log records as one compact JSON object a line, with nothing personal or secret in them.

Owns the format, the redaction and the request id that ties lines together. A message is
constant and its facts travel in `extra`: ``logger.info("payout.sent", extra={"payout_id": …})``.
The text of an exception is never written, because it may repeat what a person said; its type
and place are. Knows no settings: `config` passes them in.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

request_id_var: ContextVar[str] = ContextVar("parley_request_id", default="")

MAX_TEXT_CHARS = 300
MAX_FRAMES = 8
MAX_ITEMS = 20
REDACTED = "[redacted]"

_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    # Put on records by Django and its servers: objects, or lines with a query string.
    "request",
    "server_time",
    "status_code",
}
_SECRET_NAMES = re.compile(
    r"(?i)(^|_)(authorization|cookie|password|passwd|secret|token|api_key|hmac|signature|phone|"
    r"wa_id|email|e_mail|transcript|text|prompt|body|answer|query|query_string)(s?)$"
)
_BEARER = re.compile(r"(?i)\bbearer[ .]+[^\s\"',;]+")
_PREFIXED_SECRET = re.compile(r"\b[a-z]{2,12}_(?:live_|test_)?[A-Za-z0-9_-]{32,}")
_LONG_RANDOM = re.compile(r"[A-Za-z0-9_+-]{40,}={0,2}")
_EMAIL = re.compile(r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
_QUERY = re.compile(r"\?[^\s\"'<>]*")
_PHONE = re.compile(r"(?<![\w.:/-])\+?\(?\d[\d ().-]{7,18}\d(?![\w:])")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
# Public identifiers (core.ids) and transaction ids built from them are what a log is for.
_PUBLIC_ID = re.compile(r"(?:[a-z0-9]+_)+[0-7][0-9a-hjkmnp-tv-z]{25}(?:_\d+)?")
_NUMBER_SECRETS = re.compile(r"(?i)phone|wa_id|password|secret")

LOGGED_PACKAGES = (
    "parley",
    "core",
    "accounts",
    "agents",
    "sessions",
    "surveys",
    "workflows",
    "messaging",
    "config",
)


def _hide_phone(match: re.Match[str]) -> str:
    found = match.group()
    digits = re.sub(r"\D", "", found)
    if not 9 <= len(digits) <= 15 or _DATE.match(found):
        return found
    return f"[phone …{digits[-4:]}]"


def _hide_secret(match: re.Match[str]) -> str:
    found = match.group()
    return found if _PUBLIC_ID.fullmatch(found) else "[token]"


def redact(text: str) -> str:
    """Return the text without bearer tokens, keys, e-mail addresses, phone numbers and queries.

    Text longer than 1,200 characters is cut.
    """
    # The patterns take time by the square of the length, and a line shows little anyway.
    text = text[: 4 * MAX_TEXT_CHARS]
    text = _BEARER.sub("[token]", text)
    text = _PREFIXED_SECRET.sub(_hide_secret, text)
    text = _LONG_RANDOM.sub(_hide_secret, text)
    text = _QUERY.sub("?…", text)
    text = _EMAIL.sub("[email]", text)
    return _PHONE.sub(_hide_phone, text)


def _clean(name: str, value: Any) -> Any:
    if isinstance(value, bool | int | float | None):
        # A count such as prompt_tokens is no secret; a telephone number is, as digits too.
        return REDACTED if value and _NUMBER_SECRETS.search(name) else value
    if _SECRET_NAMES.search(name):
        return REDACTED
    if name == "route":
        # A pattern of ours, whose question marks begin no query.
        return str(value)[:MAX_TEXT_CHARS]
    if isinstance(value, Mapping):
        return {str(key): _clean(str(key), item) for key, item in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", item) for item in list(value)[:MAX_ITEMS]]
    return redact(str(value))[:MAX_TEXT_CHARS]


def _place(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-MAX_FRAMES:]
    return [f"{Path(frame.filename).name}:{frame.lineno}:{frame.name}" for frame in frames]


def _message(record: logging.LogRecord) -> str:
    if hasattr(record, "request"):
        # Django's own lines end in the path, where a reset link carries its token; those about
        # suspicious requests are the text of an exception.
        if record.name.startswith("django.security.") and record.exc_info:
            return "Suspicious request"
        return record.getMessage().partition(":")[0]
    return redact(record.getMessage())[:MAX_TEXT_CHARS]


class JsonFormatter(logging.Formatter):
    """Write a record as one JSON object: ts, level, at, logger, the fields, request_id."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its line break."""
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "at": _message(record),
            "logger": record.name,
        }
        for name, value in vars(record).items():
            if name not in _STANDARD_FIELDS and not name.startswith("_"):
                line[name] = _clean(name, value)
        request_id = request_id_var.get()
        if request_id:
            line.setdefault("request_id", request_id)
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["error_place"] = _place(record.exc_info[2])
        return json.dumps(line, separators=(",", ":"), default=str)


def build_logging_config(
    *, level: str, file: Path | None, stream: str, terse: bool = False
) -> dict[str, Any]:
    """Return the `LOGGING` setting.

    Args:
        level: debug, info, warning or error.
        file: where lines also go, or None.
        stream: stdout, stderr or none.
        terse: what is less than a warning goes to the file alone.
    """
    handlers: dict[str, Any] = {"null": {"class": "logging.NullHandler"}}
    if stream != "none":
        handlers["stream"] = {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "stream": f"ext://sys.{stream}",
            "level": "WARNING" if terse else "NOTSET",
        }
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        handlers["file"] = {
            "class": "logging.handlers.RotatingFileHandler",
            "formatter": "json",
            "filename": str(file),
            "maxBytes": 10_000_000,
            "backupCount": 3,
            "delay": True,
            "encoding": "utf-8",
        }
    used = [name for name in handlers if name != "null"] or ["null"]
    silent = {"handlers": ["null"], "propagate": False, "level": "CRITICAL"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "core.logs.JsonFormatter"}},
        "handlers": handlers,
        "root": {"handlers": used, "level": "WARNING"},
        "loggers": {
            **{name: {"level": level.upper()} for name in LOGGED_PACKAGES},
            "django": {"level": "INFO", "handlers": [], "propagate": True},
            # Refusals have their line from the middleware; a failure has its traceback from here.
            "django.request": {"level": "ERROR"},
            # Access lines of the servers show query strings; the middleware writes our own.
            "uvicorn.access": silent,
            "django.server": silent,
            "django.channels.server": silent,
            "daphne.http_protocol": silent,
        },
    }
