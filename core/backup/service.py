"""Making a backup and restoring one: database first, then files, the manifest last.

Files are written before the row that names them and deleted after it, so a copy of the files taken
after the copy of the rows holds every file the rows name, but for what was erased in between.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, storages
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from core import clock
from core.backup.databases import count_rows, get_copier, is_empty
from core.backup.manifest import (
    BackupError,
    Manifest,
    check_parts,
    describe_part,
    read_manifest,
)

FILES = "files"
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore has put there."""

    rows: int
    files: int
    waiting_migrations: int
    """Of this code, newer than the backup: `manage.py migrate` runs them."""


def make_backup(*, into: Path, include_bucket: bool, report: Report) -> Path:
    """Copy database and files into a new folder below `into`; return it.

    Args:
        into: is made when it is not there.
        include_bucket: copy the objects of the bucket too; files of a local folder always are.
        report: told each step.

    Raises:
        BackupError: nothing usable was made, and what was begun is removed.
    """
    copier = get_copier()
    now = clock.now()
    folder = into / f"parley-{now:%Y%m%dT%H%M%S%f}Z"
    draft = folder.with_suffix(".partial")
    draft.mkdir(parents=True, mode=0o700)
    bucket = settings.AWS_STORAGE_BUCKET_NAME
    try:
        report(f"database: {copier.engine} {copier.version()}")
        database = draft / copier.file_name
        rows = copier.dump(database)
        migrations = sorted(list(key) for key in MigrationRecorder(connection).applied_migrations())
        manifest = Manifest(
            created_at=clock.rfc3339(now),
            engine=copier.engine,
            server_version=copier.version(),
            migrations=migrations,
            rows=rows,
            files_from=f"bucket {bucket}" if bucket else f"folder {settings.MEDIA_ROOT}",
            has_files=include_bucket or not bucket,
        )
        manifest.parts.append(describe_part(draft, database))
        if manifest.has_files:
            for name in walk(storages["default"]):
                copied = draft / FILES / name
                copied.parent.mkdir(parents=True, exist_ok=True)
                try:
                    with storages["default"].open(name) as source, copied.open("wb") as target:
                        shutil.copyfileobj(source, target)
                except FileNotFoundError:
                    # Erased since it was listed, and its row with it.
                    copied.unlink(missing_ok=True)
                    continue
                manifest.parts.append(describe_part(draft, copied))
            report(f"files: {len(manifest.parts) - 1} from {manifest.files_from}")
        else:
            report(
                f"files: NOT included, they stay in {manifest.files_from}: use its own versioning, "
                "or --include-bucket"
            )
        manifest.write(draft)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    draft.rename(folder)
    return folder


def restore_backup(*, folder: Path, is_forced: bool, report: Report) -> Restored:
    """Replace database and files by those of a backup.

    Args:
        folder: of the backup.
        is_forced: also when something is there already, which is then lost.
        report: told each step.

    Raises:
        BackupError: the backup is damaged or does not fit, or the target is not empty. Nothing
            was changed unless the text says so.
    """
    manifest = read_manifest(folder)
    copier = get_copier()
    if manifest.engine != copier.engine:
        raise BackupError(
            f"The backup is of {manifest.engine}, the configured database is {copier.engine}: "
            "restore into the same kind."
        )
    check_parts(folder, manifest)
    report(f"checksums: {len(manifest.parts)} files are as they were")
    _refuse_newer(manifest)
    storage = storages["default"]
    if not is_forced:
        _refuse_full(storage, has_files=manifest.has_files)
    copier.load(folder / copier.file_name)
    _compare(manifest)
    report(f"database: {sum(manifest.rows.values())} rows in {len(manifest.rows)} tables")
    files = _restore_files(folder, manifest, storage) if manifest.has_files else 0
    report(
        f"files: {files}"
        if manifest.has_files
        else f"files: not in the backup; they lay in {manifest.files_from}"
    )
    executor = MigrationExecutor(connection)
    waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    return Restored(sum(manifest.rows.values()), files, waiting)


def walk(storage: Storage, folder: str = "") -> Iterator[str]:
    """Yield the names of all files of a storage."""
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    prefix = f"{folder}/" if folder else ""
    yield from (prefix + name for name in sorted(files) if name)
    for name in sorted(folders):
        yield from walk(storage, prefix + name)


def _refuse_newer(manifest: Manifest) -> None:
    known = set(MigrationLoader(None).graph.nodes)
    apps = {app for app, _ in known}
    unknown = [
        f"{app}.{name}"
        for app, name in manifest.migrations
        if (app, name) not in known and app in apps
    ]
    if unknown:
        raise BackupError(
            f"The backup knows migrations this code does not ({unknown[0]}): use the code it was "
            "made with, or newer."
        )


def _refuse_full(storage: Storage, *, has_files: bool) -> None:
    if not is_empty():
        raise BackupError(
            "The database is not empty. Restore into an empty one, or say --force to lose what is "
            "there."
        )
    if has_files and next(walk(storage), None) is not None:
        raise BackupError(
            "There are files already. Restore into an empty place, or say --force to lose them."
        )


def _compare(manifest: Manifest) -> None:
    there = count_rows()
    wrong = {
        table: (expected, there.get(table))
        for table, expected in manifest.rows.items()
        if there.get(table) != expected
    }
    if wrong:
        table, (expected, found) = next(iter(wrong.items()))
        raise BackupError(
            f"The database was replaced and {len(wrong)} tables differ from the manifest: {table} "
            f"has {found} rows instead of {expected}. Does something write meanwhile?"
        )


def _restore_files(folder: Path, manifest: Manifest, storage: Storage) -> int:
    for name in list(walk(storage)):
        storage.delete(name)
    count = 0
    for part in manifest.parts:
        if not part.path.startswith(f"{FILES}/"):
            continue
        name = part.path.removeprefix(f"{FILES}/")
        with (folder / part.path).open("rb") as handle:
            saved = storage.save(name, File(handle, name=name))
        if saved != name:
            raise BackupError(
                f"The database was restored; the file {name} was stored as {saved}: something "
                "writes files meanwhile."
            )
        count += 1
    return count
