"""Looking at every configured service, for `manage.py doctor`.

Owns the register of probes, their deadline, and that no secret is ever repeated. An app adds its
own in `<app>/probes.py`, which the command imports. Knows no service.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit

import httpx2
from django.conf import settings
from django.db import connections
from django.utils.module_loading import autodiscover_modules

from core.clock import monotonic
from core.metrics import Gauge

Status = Literal["OK", "WARN", "FAIL"]
DEADLINE_SECONDS: Final = 10.0
CALL_SECONDS: Final = 5.0
SLOW_QUEUE_SECONDS: Final = 60
STUCK_QUEUE_SECONDS: Final = 600
_SECRET_SETTING = re.compile(r"(KEY|SECRET|TOKENS?|PASSWORD|FALLBACKS)$")
_SHORTEST_SECRET = 6


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found."""

    status: Status
    what: str
    advice: str = ""
    """What to do, for everything but OK."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of the answer."""

    name: str
    status: Status
    what: str
    advice: str
    ms: int

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)


Probe = Callable[[], Finding]
_probes: dict[str, Probe] = {}


def register_probe(name: str, probe: Probe) -> None:
    """Add a probe, replacing one of the same name.

    Args:
        name: one word, which `doctor --only` takes.
        probe: looks at one service, with time-outs of its own; an exception counts as FAIL.
    """
    _probes[name] = probe


def probe_names() -> tuple[str, ...]:
    """Return the names of all probes, in the order in which they registered."""
    autodiscover_modules("probes")
    return tuple(_probes)


def examine(
    names: Sequence[str] = (), *, deadline_seconds: float = DEADLINE_SECONDS
) -> list[Diagnosis]:
    """Run the probes at the same time and return what each found.

    Args:
        names: only these; none means all.
        deadline_seconds: a probe that has not ended by then counts as FAIL.

    Raises:
        KeyError: there is no probe of a name.
    """
    wanted = names or probe_names()
    chosen = {name: _probes[name] for name in wanted}
    found: dict[str, Diagnosis] = {}

    def look(name: str, probe: Probe) -> None:
        started = monotonic()
        try:
            result = probe()
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, the part fails
            result = Finding("FAIL", f"{type(error).__name__}: {error}", "See what the line says.")
        finally:
            connections.close_all()
        ms = round((monotonic() - started) * 1000)
        found[name] = Diagnosis(name, result.status, scrub(result.what), scrub(result.advice), ms)

    # Daemons: one that hangs in a driver must not hold the command.
    threads = [
        threading.Thread(target=look, args=item, name=f"probe-{item[0]}", daemon=True)
        for item in chosen.items()
    ]
    for thread in threads:
        thread.start()
    ends_at = monotonic() + deadline_seconds
    for thread in threads:
        thread.join(max(0.0, ends_at - monotonic()))
    late = Diagnosis(
        "",
        "FAIL",
        f"no answer within {deadline_seconds:g} seconds",
        "Look at the address, the firewall and the load of the service.",
        round(deadline_seconds * 1000),
    )
    done = dict(found)
    return [done.get(name) or Diagnosis(name, *_rest(late)) for name in chosen]


def _rest(line: Diagnosis) -> tuple[Status, str, str, int]:
    return line.status, line.what, line.advice, line.ms


def scrub(text: str) -> str:
    """Return one line of the text with every configured secret taken out."""
    for secret in sorted(_secrets(), key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return " ".join(text.split())[:400]


def _secrets() -> set[str]:
    """Return the values that no line may hold: keys, tokens, and the passwords inside addresses."""
    found: set[str] = set()

    def add(value: object) -> None:
        if isinstance(value, str):
            parts = {value}
            if "://" in value:
                password = urlsplit(value).password or ""
                parts = {password, unquote(password)}
            found.update(part for part in parts if len(part) >= _SHORTEST_SECRET)
        elif isinstance(value, Mapping):
            for one in value.values():
                add(one)
        elif isinstance(value, list | tuple):
            for one in value:
                add(one)

    for name in dir(settings):
        if name.isupper() and (_SECRET_SETTING.search(name) or name.endswith("_URL")):
            add(getattr(settings, name))
    add(str(settings.DATABASES["default"].get("PASSWORD") or ""))
    return found


def ask(
    url: str,
    *,
    bearer: str = "",
    basic: str = "",
    parameters: Mapping[str, str] | None = None,
) -> tuple[int, dict[str, Any]]:
    """Send a GET that changes nothing; return the status and the JSON object answered, or {}.

    Args:
        url: absolute.
        bearer: a token for the Authorization header.
        basic: a user name without password for it.
        parameters: of the query.

    Raises:
        httpx2.HTTPError: nobody answered within CALL_SECONDS.
    """
    headers = {}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    if basic:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{basic}:".encode()).decode()
    answer = httpx2.get(url, headers=headers, params=dict(parameters or {}), timeout=CALL_SECONDS)
    try:
        body = answer.json()
    except ValueError:
        body = {}
    return answer.status_code, body if isinstance(body, dict) else {}


def judge_ages(gauges: Iterable[Gauge], name: str, queues: Sequence[str]) -> Finding:
    """Judge the age of the oldest row in each of the queues that a gauge tells.

    Args:
        gauges: what an app reads for /metrics.
        name: of the gauge whose only label is the queue.
        queues: those that machines empty; where people decide, waiting is no fault.
    """
    ages = {
        labels[0]: age
        for gauge in gauges
        if gauge.name == name
        for labels, age in gauge.values.items()
        if labels[0] in queues
    }
    oldest = max(ages, key=lambda queue: ages[queue], default="")
    age = ages.get(oldest, 0.0)
    if age < SLOW_QUEUE_SECONDS:
        return Finding("OK", f"nothing waits longer than {SLOW_QUEUE_SECONDS} s")
    return Finding(
        "FAIL" if age >= STUCK_QUEUE_SECONDS else "WARN",
        f"{oldest}: the oldest has waited for {age:.0f} s",
        "See that workers run (probe 'worker'), then look into their logs for errors; start more "
        "of them when they are only busy.",
    )
