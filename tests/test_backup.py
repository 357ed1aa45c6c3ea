"""`manage.py backup` and `restore`: what comes back is what was there, or nothing is touched."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command

from core.backup.databases import count_rows, is_empty
from core.single_process import ServerLock
from surveys.models import Payout
from surveys.selectors.ledger_check import verify_ledger
from surveys.tests.builders import Visitor, make_survey

pytestmark = pytest.mark.django_db(transaction=True)
PROOF = b"\x89PNG\r\n\x1a\n not really, but these very bytes"


@pytest.fixture(autouse=True)
def places(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def paid(acme: Any) -> Payout:
    """Make an answer that was scored and paid, and a file."""
    assert Visitor(make_survey(acme)).answer_all()["payment_status"] == "success"
    storages["default"].save("proofs/2026/proof.png", ContentFile(PROOF))
    return Payout.objects.get()


def backup(*arguments: str) -> Path:
    out = StringIO()
    call_command("backup", *arguments, stdout=out, stderr=StringIO())
    return Path(out.getvalue().strip())


def restore(folder: Path, *arguments: str) -> str:
    out = StringIO()
    call_command("restore", str(folder), *arguments, stdout=out)
    return out.getvalue()


def lose_everything() -> None:
    call_command("flush", interactive=False, verbosity=0, reset_sequences=False)
    storages["default"].delete("proofs/2026/proof.png")


def test_what_was_lost_comes_back_to_the_last_row_and_byte(paid: Payout, settings: Any) -> None:
    before = count_rows()
    folder = backup()
    lose_everything()
    assert not Payout.objects.exists()

    text = restore(folder)

    assert folder.parent == settings.DATA_DIR / "backups"
    assert count_rows() == before
    assert Payout.objects.get().amount_minor == paid.amount_minor > 0
    assert verify_ledger() == []
    with storages["default"].open("proofs/2026/proof.png") as proof:
        assert proof.read() == PROOF
    assert "verify_ledger" in text
    # A backup of what was restored is as good as the first.
    again = backup()
    restore(again, "--force")
    assert count_rows() == before


def test_a_database_that_was_only_migrated_is_empty() -> None:
    assert is_empty()


def test_a_place_that_is_not_empty_is_left_alone_unless_forced(paid: Payout) -> None:
    folder = backup()
    Payout.objects.update(review_note="written since")

    with pytest.raises(CommandError, match="database is not empty"):
        restore(folder)
    assert Payout.objects.get().review_note == "written since"

    restore(folder, "--force")
    assert Payout.objects.get().review_note == ""


def test_files_that_are_there_are_not_lost_unasked(paid: Payout) -> None:
    folder = backup()
    # Sequences stay as they are: tests after this one count on with them.
    call_command("flush", interactive=False, verbosity=0, reset_sequences=False)

    with pytest.raises(CommandError, match="files already"):
        restore(folder)


@pytest.mark.parametrize("what", ["database", "file", "missing"])
def test_a_damaged_backup_changes_nothing(paid: Payout, what: str) -> None:
    folder = backup()
    names = {
        "database": next(folder.glob("database.*")),
        "file": folder / "files/proofs/2026/proof.png",
    }
    damaged = names.get(what, names["file"])
    if what == "missing":
        damaged.unlink()
    else:
        content = bytearray(damaged.read_bytes())
        content[len(content) // 2] ^= 1
        damaged.write_bytes(content)

    with pytest.raises(CommandError, match=damaged.name):
        restore(folder, "--force")

    assert Payout.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"engine": "oracle"}, "The backup is of oracle"),
        ({"format": 99}, "made by newer code"),
        ({"migrations": [["surveys", "9999_from_the_future"]]}, "surveys.9999_from_the_future"),
        (
            {"parts": [{"path": "../../etc/passwd", "size": 1, "sha256": ""}]},
            "outside of the backup",
        ),
        ({"parts": 3}, "cannot be read"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    paid: Payout, change: dict[str, Any], said: str
) -> None:
    folder = backup()
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **change}))

    with pytest.raises(CommandError, match=said):
        restore(folder, "--force")

    assert Payout.objects.count() == 1


def test_a_folder_without_a_manifest_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is no backup"):
        restore(tmp_path)


def test_a_bucket_stays_where_it_is_and_that_is_said(paid: Payout, settings: Any) -> None:
    settings.AWS_STORAGE_BUCKET_NAME = "parley-files"
    said = StringIO()
    call_command("backup", stdout=StringIO(), stderr=said)

    assert "NOT included, they stay in bucket parley-files" in said.getvalue()
    [folder] = (settings.DATA_DIR / "backups").iterdir()
    assert not (folder / "files").exists()
    with_bucket = backup("--include-bucket")
    assert (with_bucket / "files/proofs/2026/proof.png").read_bytes() == PROOF


def test_under_a_running_server_nothing_is_restored(paid: Payout, settings: Any) -> None:
    if not settings.DATABASE_IS_SQLITE:
        pytest.skip("PostgreSQL waits for a lock instead")
    folder = backup()
    with ServerLock(settings.DATA_DIR), pytest.raises(CommandError, match="Stop the server first"):
        restore(folder, "--force")
    assert Payout.objects.count() == 1


def test_a_backup_that_fails_leaves_no_half_of_one(
    paid: Payout, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("core.backup.service.shutil.copyfileobj", broken)

    with pytest.raises(OSError, match="No space left"):
        backup()

    assert list((settings.DATA_DIR / "backups").iterdir()) == []
