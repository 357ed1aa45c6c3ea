"""docs/threat-model.md names a test for every incident; here they are looked for."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODEL = (ROOT / "docs" / "threat-model.md").read_text()
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
INCIDENTS = 33


def _tests_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_named_test_exists() -> None:
    missing = [
        f"{file}::{name}"
        for file, name in NAMED.findall(MODEL)
        if not (ROOT / file).is_file() or name not in _tests_of(ROOT / file)
    ]

    assert missing == []


def test_every_incident_has_a_line_with_a_test() -> None:
    lines = {
        int(match[1]): line
        for line in MODEL.splitlines()
        if (match := re.match(r"\| (\d+) \|", line))
    }

    assert sorted(lines) == list(range(1, INCIDENTS + 1))
    assert [number for number, line in lines.items() if not NAMED.search(line)] == []
