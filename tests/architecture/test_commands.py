"""The commands people and CI run: what is named exists, and what exists is explained."""

from __future__ import annotations

import re
import subprocess

from tests.architecture.sources import ROOT, relative, walk

DEFINED = re.compile(r"^([a-z][a-z-]*):(?!=)(.*)$", re.M)


def makefile_targets():
    """Return the targets of the Makefile with the line behind each name."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return dict(DEFINED.findall(text))


def test_every_target_makes_its_environment_first_and_says_what_it_does():
    targets = makefile_targets()

    unexplained = [name for name, rest in targets.items() if " ## " not in rest]
    without_environment = {
        name for name, rest in targets.items() if not re.match(r" \$\((RUNTIME|DEV|BENCH)\) ", rest)
    }

    assert unexplained == []
    assert without_environment == {"help"}


def test_help_lists_every_target():
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert re.findall(r"^  make ([a-z-]+)", shown.stdout, re.M) == list(makefile_targets())


def test_continuous_integration_runs_the_four_suites():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    steps = re.search(r"^STEPS=\((.*)\)$", script, re.M)

    assert steps is not None
    assert steps[1].split() == ["check", "test", "test-browser", "test-services"]


def test_every_make_target_the_documents_name_exists():
    targets = makefile_targets()

    unknown = [
        f"{relative(path)}: make {name}"
        for path in walk(".md", ".py", ".sh", ".ini", ".toml")
        for name in re.findall(r"`make ([a-z][a-z-]*)", path.read_text(encoding="utf-8"))
        if name not in targets
    ]

    assert unknown == []
