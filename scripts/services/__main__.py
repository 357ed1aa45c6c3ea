"""Command line of the development services.

    python -m scripts.services start | stop | status | env
    python -m scripts.services run -- <command>    start, run it with their addresses, stop

Owns the commands; each server is a class of its own in the modules beside.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from scripts.services.base import Service, ServiceError
from scripts.services.install import install_missing, install_speech_voices
from scripts.services.livekit import LiveKitService
from scripts.services.postgres import PostgresService
from scripts.services.redis import RedisService
from scripts.services.swift import SwiftService

SERVICE_CLASSES: tuple[type[Service], ...] = (
    PostgresService,
    RedisService,
    LiveKitService,
    SwiftService,
)


def services_home() -> Path:
    """Return the folder of all services of this clone."""
    return Path(os.environ.get("DATA_DIR", "").strip() or "var").resolve() / "services"


def start_services(services: Sequence[Service]) -> list[Service]:
    """Install and start what does not run.

    Returns:
        The services this call started, which are the ones its caller may stop.

    An optional one that does not come up is named and left out.

    Raises:
        ServiceError: another did not come up; those started before it are stopped again.
    """
    install_missing(services)
    started: list[Service] = []
    for service in services:
        try:
            if service.start():
                started.append(service)
                print(f"services: {service.name} started", file=sys.stderr)
            else:
                print(f"services: {service.name} runs already", file=sys.stderr)
        except ServiceError as error:
            if not service.is_optional:
                stop_services(started)
                raise
            print(f"services: NOT STARTED: {error}", file=sys.stderr)
    return started


def stop_services(services: Sequence[Service]) -> None:
    """End the services that run, last started first.

    Raises:
        ServiceError: at least one did not stop; the others were still tried.
    """
    failures: list[str] = []
    for service in reversed(services):
        try:
            was_running = service.stop()
        except ServiceError as error:
            failures.append(str(error))
            continue
        print(
            f"services: {service.name} {'stopped' if was_running else 'was not running'}",
            file=sys.stderr,
        )
    if failures:
        raise ServiceError("\n".join(failures))


def report_status(services: Sequence[Service]) -> int:
    """Print one line a service. Returns 0 when all needed ones run, else 3."""
    running = {service.name: service.is_running() for service in services}
    for service in services:
        state = service.state
        where = f"127.0.0.1:{state.port} {state.folder}" if state else "never started"
        print(f"{service.name} {'running' if running[service.name] else 'stopped'} {where}")
    needed = [running[service.name] for service in services if not service.is_optional]
    return 0 if all(needed) else 3


def collect_variables(services: Sequence[Service]) -> dict[str, str]:
    """Return the environment that points Parley at the services, absent optional ones left out."""
    present = [one for one in services if not one.is_optional or one.is_running()]
    return {name: value for service in present for name, value in service.variables().items()}


def run_with_services(services: Sequence[Service], command: Sequence[str]) -> int:
    """Run a command with the services up and their addresses in its environment.

    Services that ran before stay up; those started here are stopped whatever happens, also on
    an interrupt or SIGTERM.

    Returns:
        The exit status of the command, 128 + n when signal n ended it.
    """
    child: subprocess.Popen[bytes] | None = None

    def pass_on(signal_number: int, frame: FrameType | None) -> None:
        if child is None:
            raise SystemExit(128 + signal_number)
        child.send_signal(signal_number)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    started = start_services(services)
    try:
        variables = {**collect_variables(services), "TEST_SERVICES_HOME": str(services_home())}
        child = subprocess.Popen(command, env={**os.environ, **variables})
        status = child.wait()
    finally:
        stop_services(started)
    return status if status >= 0 else 128 - status


def main(arguments: Sequence[str]) -> int:
    """Parse the command line and do what it says. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.services", description=__doc__)
    parser.add_argument("action", choices=("start", "stop", "status", "env", "run"))
    parser.add_argument("command", nargs=argparse.REMAINDER, help="after run: -- and a command")
    options = parser.parse_args(arguments)
    command: list[str] = options.command
    if command[:1] == ["--"]:
        command = command[1:]
    if (options.action == "run") != bool(command):
        parser.error("a command follows `run --`, and nothing follows the other actions")

    services = [service_class(services_home(), os.environ) for service_class in SERVICE_CLASSES]
    if options.action in ("start", "run"):
        install_speech_voices()
    if options.action == "start":
        start_services(services)
    elif options.action == "stop":
        stop_services(services)
    elif options.action == "status":
        return report_status(services)
    elif options.action == "env":
        for name, value in collect_variables(services).items():
            print(f"{name}={value}")
    else:
        return run_with_services(services, command)
    return 0


if __name__ == "__main__":
    if os.name != "posix":
        sys.exit("services: PostgreSQL and Redis are started on Linux and macOS only.")
    try:
        sys.exit(main(sys.argv[1:]))
    except ServiceError as failure:
        sys.exit(f"services: {failure}")
