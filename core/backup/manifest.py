"""What stands in a backup's manifest, and whether a folder still is what it says.

Owns the format. Knows neither databases nor storages.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

FORMAT: Final = 1
NAME: Final = "manifest.json"
_CHUNK = 1 << 20


class BackupError(Exception):
    """A backup cannot be made or restored; the text says what to do. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a backup."""

    path: str
    """Below the backup's folder, with slashes."""
    size: int
    sha256: str


@dataclass(slots=True)
class Manifest:
    """Everything a restore must know."""

    created_at: str
    engine: str
    """``sqlite`` or ``postgresql``."""
    server_version: str
    migrations: list[list[str]]
    """Each as [app, name]."""
    rows: dict[str, int]
    """Table to its number of rows at the moment of the backup."""
    files_from: str
    """Where uploads lay, in words."""
    has_files: bool
    parts: list[Part] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write it as the last file of a backup: without it a folder is none."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True)
        (folder / NAME).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read a folder's manifest.

    Raises:
        BackupError: there is none, or this code cannot read it.
    """
    try:
        found: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if found.pop("format") != FORMAT:
            raise BackupError("The backup was made by newer code: restore it with that.")
        parts = [Part(**part) for part in found.pop("parts")]
        return Manifest(**found, parts=parts)
    except FileNotFoundError:
        raise BackupError(f"{folder} is no backup: it has no {NAME}.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{folder / NAME} cannot be read: {type(error).__name__}.") from error


def describe_part(folder: Path, path: Path) -> Part:
    """Return size and checksum of a file of a backup."""
    return Part(path.relative_to(folder).as_posix(), path.stat().st_size, _hash(path))


def check_parts(folder: Path, manifest: Manifest) -> None:
    """Compare every file with its checksum.

    Raises:
        BackupError: a file is missing or has changed; the text names the first of them.
    """
    wrong = []
    for part in manifest.parts:
        path = folder / part.path
        if not path.resolve().is_relative_to(folder.resolve()):
            raise BackupError(f"The manifest names {part.path}, which is outside of the backup.")
        if not path.is_file() or path.stat().st_size != part.size or _hash(path) != part.sha256:
            wrong.append(part.path)
    if wrong:
        raise BackupError(
            f"{len(wrong)} files of the backup are missing or damaged, the first is {wrong[0]}."
        )


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
