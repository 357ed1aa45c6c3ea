"""What the crash runners share: loading the product, forking, dying, and a server no kill reaches.

Owns processes and nothing of what is killed: the points and what must hold are each runner's own.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

NO_CRASH = "none"


@dataclass
class Outcome:
    """What happened to the processes of one case."""

    crashes: int = field(default=0, kw_only=True)
    problems: list[str] = field(default_factory=list, kw_only=True)


class Server(Protocol):
    """A fake service that knows its own address."""

    url: str


def load_product(data_dir: str, variables: Mapping[str, str]) -> None:
    """Load the product with settings of its own; must come before any of its imports."""
    os.environ |= {
        "PARLEY_ENV_FILE": "",
        "DEBUG": "false",
        "SECRET_KEY": "only-for-crashing-0123456789-abcdefghijklmnopqrstuvwxyz",
        "ALLOWED_HOSTS": "localhost",
        "DATA_DIR": data_dir,
        "JOBS_MODE": "inline",
        "LOG_STREAM": "none",
        "LOG_LEVEL": "error",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        **variables,
    }
    import django

    django.setup()


def make_tables() -> None:
    """Create the tables straight from the models, which takes a tenth of the migrations' time."""
    from django.apps import apps
    from django.conf import settings
    from django.core.management import call_command

    settings.MIGRATION_MODULES = {config.label: None for config in apps.get_app_configs()}
    call_command("migrate", verbosity=0, run_syncdb=True)


def die() -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def after(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with death right after it."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        die()
        return result

    return wrapped


def before(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return death instead of the function."""

    def wrapped(*args: Any, **kwargs: Any) -> None:
        die()

    return wrapped


@contextmanager
def no_connections() -> Iterator[None]:
    """Fork without open connections, which two processes must not share."""
    from django.db import connections

    connections.close_all()
    for alias in connections:
        if hasattr(connections[alias], "close_pool"):
            connections[alias].close_pool()
    yield


def fork(work: Callable[[], None]) -> int:
    """Start a process that does the work, or dies in it; return its id."""
    with no_connections():
        process = os.fork()
    if process:
        return process
    status = 1
    try:
        work()
        status = 0
    finally:
        if status:
            traceback.print_exc()
        # Not sys.exit: a fork must not run what its parent has registered for the end.
        os._exit(status)


def wait(case: Outcome, process: int, what: str) -> None:
    """Wait for a process; note one that ended in neither of the two expected ways."""
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        case.crashes += 1
    elif os.waitstatus_to_exitcode(status) != 0:
        case.problems.append(f"{what} ended with {os.waitstatus_to_exitcode(status)}")


@contextmanager
def server_apart(make: Callable[[], AbstractContextManager[Server]]) -> Iterator[str]:
    """Serve in a process of its own, which no crash reaches; yield its address.

    To be entered before the product is loaded.
    """
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        os.close(reading)
        with make() as server:
            os.write(writing, f"{server.url}\n".encode())
            signal.pause()
        os._exit(0)
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            yield pipe.readline().strip()
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
