"""What holds for every file: its size, its name, and what must not stand in it."""

from __future__ import annotations

import re

from tests.architecture.sources import ROOT, is_migration, relative, walk

MOST_LINES = 500
REASON_REACH = 5
WRITTEN = (
    *(".py", ".js", ".css", ".html", ".sh", ".md"),
    *(".yaml", ".toml", ".txt", ".ini", "Makefile"),
)

# Spelled in two parts, so that this file does not find itself.
MARKS = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "HA" + "CK")))
SILENCED = re.compile(r"#\s*(?:type:\s*ignore\[[\w, -]+\]|noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)(.*)")
BLANKET = re.compile(r"#\s*(?:type:\s*ignore(?!\[)|noqa(?!:)|pragma:\s*no\s*cover)")

# Names that say nothing about what a module owns.
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "misc", "common", "manager", "data", "stuff"}


def test_no_file_is_longer_than_it_should_be():
    long = {
        relative(path): lines
        for path in walk(".py", ".js", ".css", ".html", ".sh")
        if not is_migration(path)
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }

    assert long == {}


def test_no_module_has_a_name_that_says_nothing():
    found = [relative(path) for path in walk(".py", ".js") if path.stem in EMPTY_NAMES]
    folders = [
        relative(path.parent) for path in walk("__init__.py") if path.parent.name in EMPTY_NAMES
    ]

    assert found + folders == []


def test_nothing_is_left_for_later():
    found = [
        f"{relative(path)}:{number}"
        for path in walk(*WRITTEN)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if MARKS.search(line)
    ]

    assert found == []


def test_a_silenced_check_names_its_rule_and_its_reason():
    # The reason stands behind the rule, or in a comment just above; one serves a run of lines.
    found = []
    for path in walk(".py"):
        explained_until = 0
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            silenced = SILENCED.search(line)
            has_reason = silenced is not None and len(silenced[1].strip(" -#:")) >= 8
            if has_reason or line.lstrip().startswith("#"):
                explained_until = number + REASON_REACH
            is_blanket = path.name != "test_files.py" and BLANKET.search(line)
            if is_blanket or (silenced and number > explained_until):
                found.append(f"{relative(path)}:{number}: {line.strip()}")

    assert found == []


def test_no_file_names_the_folder_it_was_written_in():
    found = [
        relative(path)
        for path in walk(*WRITTEN)
        if str(ROOT) in path.read_text(encoding="utf-8") and len(ROOT.parts) > 2
    ]

    assert found == []


def test_every_text_file_ends_with_one_line_end():
    found = [
        relative(path)
        for path in walk(*WRITTEN)
        if (text := path.read_text(encoding="utf-8")) and not re.search(r"[^\n]\n\Z", text)
    ]

    assert found == []
