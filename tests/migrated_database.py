"""The migrated SQLite database that test runs start from, made once for each state of migrations.

Owns the copy kept in pytest's cache folder. Running all migrations takes every process of a test
run ten seconds, whatever it is about to test; copying the result takes none. Knows no app.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import django
from django.apps import apps
from django.conf import settings


def fingerprint() -> str:
    """Return a hash of all that decides what the migrations make: their text and the versions."""
    digest = hashlib.sha256(f"{django.VERSION}{sqlite3.sqlite_version}{sys.version}".encode())
    digest.update(repr(settings.INSTALLED_APPS).encode())
    for config in apps.get_app_configs():
        folder = Path(config.path)
        for path in sorted(folder.glob("migrations/*.py")):
            digest.update(f"{config.label}/{path.name}".encode())
            digest.update(path.read_bytes())
        # Permissions and content types are made from the models after the migrations.
        for path in (folder / "models.py", *sorted(folder.glob("models/**/*.py"))):
            if path.is_file():
                digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


class MigratedDatabase:
    """One kept database file.

    Args:
        folder: where it is kept; those of other fingerprints are removed from it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / f"{fingerprint()}.sqlite3"

    def copy_to(self, target: Path) -> bool:
        """Put a copy there. Returns False when there is none to copy yet."""
        if not self.path.is_file():
            return False
        _copy(self.path, target)
        return True

    def keep(self, source: Path) -> None:
        """Keep a copy of a freshly migrated database, and nothing older."""
        draft = self._folder / f"{self.path.stem}.{os.getpid()}"
        _copy(source, draft)
        draft.replace(self.path)
        for other in self._folder.glob("*.sqlite3"):
            if other != self.path:
                other.unlink(missing_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let the processes of one run in one by one: the first makes what the others copy."""
        if sys.platform == "win32":
            # There each makes its own the first time.
            yield
            return
        import fcntl

        with (self._folder / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as reading, closing(sqlite3.connect(target)) as writing:
        reading.backup(writing)
