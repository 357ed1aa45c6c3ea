"""Documents name tests, files and pages of their own: each must exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
)
TEST = re.compile(r"`([\w/]+/test_\w+\.py)(?:::(?:\w+::)?(\w+))?`")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
MODULE = re.compile(r"`((?:\w+/)+\w+\.(?:py|js|css|html|yaml|json))`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_is_there(document: Path):
    text = document.read_text(encoding="utf-8")
    missing = []
    for path, name in TEST.findall(text):
        file = ROOT / path
        if not file.is_file():
            missing.append(path)
        elif name and not re.search(rf"def {name}\b", file.read_text(encoding="utf-8")):
            missing.append(f"{path}::{name}")
    for link in LINK.findall(text):
        if not re.match(r"[a-z]+:", link) and not (document.parent / link).exists():
            missing.append(link)
    if "adr" not in document.parts:  # a decision names what was there on its day
        missing += [path for path in MODULE.findall(text) if not _is_there(path)]

    assert missing == []


def _is_there(path: str) -> bool:
    """Tell whether a file is there as named from the root, or below any package."""
    return (ROOT / path).is_file() or any(
        True for depth in ("*", "*/*") for _ in ROOT.glob(f"{depth}/{path}")
    )


def test_there_is_something_to_hold():
    assert sum(len(TEST.findall(one.read_text(encoding="utf-8"))) for one in DOCUMENTS) > 80
