"""Installation of the servers from Debian packages.

Owns apt and nothing else: it must not start a server, and keeps Debian from starting one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts.services.base import Service, ServiceError

POLICY = Path("/usr/sbin/policy-rc.d")
# Voices that speak to the recogniser in tests: programs, and packages of the same names.
SPEECH_VOICES = ("flite", "espeak-ng")


def install_missing(services: Sequence[Service]) -> None:
    """Install what the services need and the machine lacks.

    Raises:
        ServiceError: something is missing and we are not root on a Debian, or apt failed. The
            text names each missing program and the package that brings it.
    """
    lacking = [service for service in services if service.missing_programs()]
    if not lacking:
        return
    packages = [package for service in lacking for package in service.debian_packages]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        missing = "; ".join(
            f"{service.name} ({', '.join(service.missing_programs())})" for service in lacking
        )
        raise ServiceError(
            f"not installed: {missing}. As an administrator run `apt-get install "
            f"{' '.join(packages)}`, or on another system install these programs so that they "
            "are on PATH, and try again."
        )
    print(f"services: installing the Debian packages {', '.join(packages)}")
    with _keep_stopped():
        _run_apt("update")
        _run_apt("install", "-y", "--no-install-recommends", *packages)
    still = [program for service in lacking for program in service.missing_programs()]
    if still:
        raise ServiceError(f"the packages were installed but lack {', '.join(still)}.")


def install_speech_voices() -> None:
    """Install the voices the speech tests speak with, where that is possible; else name them.

    Nothing but those tests needs them, so what is missing stops nobody.
    """
    missing = [program for program in SPEECH_VOICES if shutil.which(program) is None]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"services: NOT INSTALLED: {', '.join(missing)}; speech tests use another voice")
        return
    try:
        _run_apt("update")
        _run_apt("install", "-y", "--no-install-recommends", *missing)
    except ServiceError as error:
        print(f"services: NOT INSTALLED: {', '.join(missing)}: {error}")


@contextmanager
def _keep_stopped() -> Iterator[None]:
    """Forbid Debian to start the servers it installs, unless the machine has its own rule.

    Without it the packages' own PostgreSQL and Redis would run on their standard ports.
    """
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def _run_apt(*arguments: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    finished = subprocess.run(
        ["apt-get", "-qq", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise ServiceError(f"apt-get {arguments[0]} failed:\n{finished.stdout[-3000:]}")
