"""Whether this process can do its work: named checks, run on request and remembered briefly.

Owns the register and the answers. Apps add checks with `register_check`; a check's text goes to
strangers, so it names no host, path or version of a dependency.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from core.clock import monotonic

logger = logging.getLogger(__name__)

Status = Literal["pass", "warn", "fail"]
REMEMBERED_SECONDS = 1.0


@dataclass(frozen=True)
class CheckResult:
    """What a check found."""

    status: Status
    note: str = ""
    """One constant sentence on what to do; public."""


Check = Callable[[], CheckResult | None]

_checks: dict[str, tuple[Check, bool]] = {}
_lock = threading.Lock()
_remembered: tuple[float, dict[str, Any]] | None = None


def register_check(name: str, check: Check, *, needed: bool = True) -> None:
    """Add a check, replacing one of the same name.

    Args:
        name: what is checked, one word.
        check: returns None or a CheckResult; an exception counts as a failure. Must be quick.
        needed: whether its failure makes the process unfit; else it is only a warning.
    """
    _checks[name] = (check, needed)


def run_checks() -> dict[str, Any]:
    """Run every check, or return the answer of less than a second ago.

    Returns:
        ``{"status": "ok" | "fail", "checks": {name: {"status", "ms", "note"?}}}``
    """
    global _remembered
    with _lock:
        if _remembered is not None and monotonic() - _remembered[0] < REMEMBERED_SECONDS:
            return _remembered[1]
        answer = _run_all()
        _remembered = (monotonic(), answer)
        return answer


def forget_results() -> None:
    """Run the checks afresh next time."""
    global _remembered
    _remembered = None


def _run_all() -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    healthy = True
    for name, (check, needed) in _checks.items():
        started = monotonic()
        try:
            result = check() or CheckResult("pass")
        except Exception:
            # Whatever a driver raises means the same here: the part does not work.
            logger.warning("health.check_failed", extra={"check": name}, exc_info=True)
            result = CheckResult("fail", "See the server's log.")
        status: Status = result.status
        if status == "fail" and not needed:
            status = "warn"
        healthy = healthy and status != "fail"
        entry: dict[str, Any] = {"status": status, "ms": round((monotonic() - started) * 1000, 1)}
        if result.note:
            entry["note"] = result.note
        found[name] = entry
    return {"status": "ok" if healthy else "fail", "checks": found}


def check_database() -> CheckResult | None:
    """Ask the database for a row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return None


def check_migrations() -> CheckResult | None:
    """Compare the migrations of the code with those of the database, until once they agree."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return CheckResult("fail", "Run 'python manage.py migrate'.")
        _migrated = True
    return None


def check_cache() -> CheckResult | None:
    """Ask Redis for a key, where it is configured."""
    if settings.REDIS_URL:
        caches["default"].get("parley:health")
    return None


def check_storage() -> CheckResult | None:
    """See that the local folder takes a file; a bucket is not asked on every probe."""
    if not settings.AWS_STORAGE_BUCKET_NAME:
        settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=settings.MEDIA_ROOT, prefix=".health")
        os.close(descriptor)
        Path(name).unlink()
    return None


_migrated = False

register_check("database", check_database)
register_check("migrations", check_migrations)
register_check("cache", check_cache, needed=False)
register_check("storage", check_storage)
