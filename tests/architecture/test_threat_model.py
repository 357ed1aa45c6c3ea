"""docs/threat-model.md names a test for every incident; here they are looked for."""

from __future__ import annotations

import ast
import re

from tests.architecture.sources import ROOT, python_modules

MODEL = (ROOT / "docs" / "threat-model.md").read_text()
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
INCIDENTS = 33


def test_every_named_test_exists() -> None:
    there = {
        (module.path, node.name)
        for module in python_modules()
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    missing = [
        f"{file}::{name}" for file, name in NAMED.findall(MODEL) if (ROOT / file, name) not in there
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
