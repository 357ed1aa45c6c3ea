"""Where a run keeps its files: a folder on this machine and a place in the storage.

Owns the keys below ``scaffold_test/{userId}/{sessionId}/``, the manifests and the checks of what
is read back. The number of the attempt is part of every key and an agent's manifest is written
last, so a worker that was only slow can never mix its files into those of its successor. Knows any
Django storage; knows neither rows nor agents.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, ParamSpec, Self, TypeVar

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage

from agents.video.pipeline.processes import record_owner
from agents.video.pipeline.types import PipelineError, RowError

ROOT: Final = "scaffold_test"
MANIFEST: Final = "manifest.json"
TIMESTAMP: Final = "timestamp.json"
MANIFEST_VERSION: Final = 1
MAX_MANIFEST_BYTES: Final = 8 << 20

P = ParamSpec("P")
T = TypeVar("T")

_is_id = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch
_ATTEMPT: Final = re.compile(r"attempt-(\d{1,9})")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file an agent left."""

    name: str
    key: str
    size_bytes: int
    sha256: str
    info: Mapping[str, Any] = field(default_factory=dict)
    """What the next agent needs to know of it."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one agent finished in one attempt."""

    agent: str
    """Name of the folder, such as ``agent2``."""
    attempt: int
    input_hash: str
    """Of everything the files depend on; equal input makes equal files."""
    script_hash: str
    files: tuple[StoredFile, ...]
    info: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return what is written to the storage."""
        return {
            "version": MANIFEST_VERSION,
            "agent": self.agent,
            "attempt": self.attempt,
            "inputHash": self.input_hash,
            "scriptHash": self.script_hash,
            "files": [
                {
                    "name": one.name,
                    "key": one.key,
                    "size": one.size_bytes,
                    "sha256": one.sha256,
                    "info": dict(one.info),
                }
                for one in self.files
            ],
            "info": dict(self.info),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        if value["version"] != MANIFEST_VERSION:
            raise ValueError("a manifest of another version")
        return cls(
            agent=value["agent"],
            attempt=int(value["attempt"]),
            input_hash=value["inputHash"],
            script_hash=value["scriptHash"],
            files=tuple(
                StoredFile(
                    name=one["name"],
                    key=one["key"],
                    size_bytes=int(one["size"]),
                    sha256=one["sha256"],
                    info=one["info"],
                )
                for one in value["files"]
            ),
            info=value["info"],
        )


class Workspace:
    """The files of one attempt.

    Args:
        storage: any Django storage; its calls run in threads.
        scratch_root: a folder of this machine for all runs.
        user_id: letters, digits, ``_`` and ``-``; anything else is no id of ours.
        session_id: the same.
        attempt: its number within the session.

    Raises:
        RowError: an id that could leave the folder.
    """

    def __init__(
        self, *, storage: Storage, scratch_root: Path, user_id: str, session_id: str, attempt: int
    ) -> None:
        if not _is_id(user_id) or not _is_id(session_id):
            raise RowError("The ids hold characters no id of ours has.")
        self._storage = storage
        self.attempt = attempt
        self.root_key = f"{ROOT}/{user_id}/{session_id}"
        self.scratch = scratch_root / f"{session_id}-{attempt}"

    async def open(self) -> None:
        """Make the folder on this machine, empty, and the one in the storage with its timestamp."""
        await asyncio.to_thread(self._open_scratch)
        key = f"{self.root_key}/{TIMESTAMP}"
        await self._call("timestamp", self._replace, key, str(int(time.time())).encode())

    async def close(self) -> None:
        """Remove the folder on this machine."""
        await asyncio.to_thread(shutil.rmtree, self.scratch, ignore_errors=True)

    def folder(self, agent: str) -> Path:
        """Return the agent's own folder on this machine."""
        path = self.scratch / agent
        path.mkdir(parents=True, exist_ok=True)
        return path

    def key(self, agent: str, name: str) -> str:
        """Return the key of a file of this attempt."""
        return f"{self._attempt_key(agent, self.attempt)}/{name}"

    async def put(
        self, agent: str, name: str, *, info: Mapping[str, Any] | None = None
    ) -> StoredFile:
        """Store a file of the agent's folder.

        Raises:
            PipelineError: ``disk_full`` or ``storage_failed``.
        """
        key = self.key(agent, name)
        return await self._call(name, self._put, self.folder(agent) / name, name, key, info or {})

    async def write_manifest(
        self,
        agent: str,
        *,
        input_hash: str,
        script_hash: str,
        files: Sequence[StoredFile],
        info: Mapping[str, Any] | None = None,
    ) -> Manifest:
        """Say that the agent's files are complete. The last thing an agent writes."""
        manifest = Manifest(agent, self.attempt, input_hash, script_hash, tuple(files), info or {})
        content = json.dumps(manifest.to_json(), ensure_ascii=False).encode()
        await self._call(MANIFEST, self._replace, self.key(agent, MANIFEST), content)
        return manifest

    async def scan(self, agent: str, attempts: Sequence[int]) -> list[Manifest]:
        """Return the manifests of these attempts that are there, in the order asked for.

        Looks into the storage, not into memory: what an agent left is what the storage holds.
        """
        return await self._call(agent, self._scan, agent, attempts)

    async def fetch(self, agent: str, stored: StoredFile) -> Path:
        """Return the file on this machine, checked against its manifest.

        Raises:
            PipelineError: ``input_damaged`` when its content is not what the manifest says.
        """
        return await self._call(stored.name, self._fetch, self.folder(agent) / stored.name, stored)

    async def is_complete(self, manifest: Manifest) -> bool:
        """Say whether every file of a manifest is still there in its full size."""
        return await self._call(manifest.agent, self._is_complete, manifest)

    async def _call(self, name: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking call in a thread and give its failures one form."""
        try:
            return await asyncio.to_thread(work, *args, **kwargs)
        except PipelineError:
            raise
        except OSError as error:
            if is_disk_full(error):
                raise disk_full_error() from error
            raise _storage_error(name) from error
        except Exception as error:
            # The errors of storages have no base of their own.
            raise _storage_error(name) from error

    def _attempt_key(self, agent: str, attempt: int) -> str:
        return f"{self.root_key}/{agent}/attempt-{attempt}"

    def _open_scratch(self) -> None:
        if self.scratch.exists():
            shutil.rmtree(self.scratch)
        self.scratch.mkdir(parents=True)
        record_owner(self.scratch)

    def _replace(self, key: str, content: bytes) -> None:
        if self._storage.exists(key):
            self._storage.delete(key)
        self._save(key, ContentFile(content))

    def _save(self, key: str, content: File[bytes]) -> None:
        saved = self._storage.save(key, content)
        if saved != key:
            # Something stands under this key, so the storage chose another one.
            self._storage.delete(saved)
            raise PipelineError(
                "storage_conflict",
                "A file of this attempt was there already. Start the video again.",
            )

    def _put(self, path: Path, name: str, key: str, info: Mapping[str, Any]) -> StoredFile:
        digest = _digest(path)
        with path.open("rb") as handle:
            self._save(key, File(handle, name=name))
        return StoredFile(name, key, path.stat().st_size, digest, dict(info))

    def _scan(self, agent: str, attempts: Sequence[int]) -> list[Manifest]:
        try:
            folders, _ = self._storage.listdir(f"{self.root_key}/{agent}")
        except FileNotFoundError:
            return []
        there = {
            int(match[1])
            for name in folders
            if (match := _ATTEMPT.fullmatch(name.rstrip("/"))) is not None
        }
        found = []
        for attempt in attempts:
            if attempt in there:
                manifest = self._read_manifest(agent, attempt)
                if manifest is not None:
                    found.append(manifest)
        return found

    def _read_manifest(self, agent: str, attempt: int) -> Manifest | None:
        key = f"{self._attempt_key(agent, attempt)}/{MANIFEST}"
        if not self._storage.exists(key):
            return None
        with self._storage.open(key) as handle:
            content = handle.read(MAX_MANIFEST_BYTES)
        try:
            manifest = Manifest.from_json(json.loads(content))
        except (ValueError, KeyError, TypeError):
            # Cut short by a crash of the storage: as good as none.
            return None
        # A manifest may name files of an earlier attempt, never those of somebody else.
        own = f"{self.root_key}/{agent}/attempt-"
        if any(not one.key.startswith(own) or ".." in one.key for one in manifest.files):
            return None
        return manifest if (manifest.agent, manifest.attempt) == (agent, attempt) else None

    def _is_complete(self, manifest: Manifest) -> bool:
        return all(
            self._storage.exists(one.key) and self._storage.size(one.key) == one.size_bytes
            for one in manifest.files
        )

    def _fetch(self, path: Path, stored: StoredFile) -> Path:
        if path.parent != self.scratch / path.parent.name:
            raise _damaged_error(stored.name)
        if not path.is_file():
            partial = path.with_name(f"{path.name}.part")
            with self._storage.open(stored.key) as source, partial.open("wb") as target:
                shutil.copyfileobj(source, target)
            partial.replace(path)
        if path.stat().st_size != stored.size_bytes or _digest(path) != stored.sha256:
            raise _damaged_error(stored.name)
        return path


def is_disk_full(error: BaseException) -> bool:
    """Say whether an error means that no space is left."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def disk_full_error() -> PipelineError:
    """Return what is said when no space is left."""
    return PipelineError(
        "disk_full", "No space is left for the video's files. Free some, then start it again."
    )


def _storage_error(name: str) -> PipelineError:
    return PipelineError(
        "storage_failed",
        f"The storage did not take or give {name}. Try again; if it goes on, check the storage.",
    )


def _damaged_error(name: str) -> PipelineError:
    return PipelineError(
        "input_damaged", f"{name} is not what its agent left there. Start the video again."
    )


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
