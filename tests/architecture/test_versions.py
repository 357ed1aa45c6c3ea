"""What is installed is what is pinned, and no older than the security floors."""

from __future__ import annotations

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.architecture.sources import ROOT

FLOORS = {"django": "5.2.17", "djangorestframework": "3.17.2", "daphne": "4.2.2"}

# It brings a top-level package `agents`, which is ours.
BANNED = {"openai-agents"}

REQUIREMENT_FILES = ("requirements.txt", "requirements-dev.txt", "requirements-bench.txt")


def requirements(file_name):
    """Yield the requirements of one file, without its options and comments."""
    for line in (ROOT / file_name).read_text(encoding="utf-8").splitlines():
        text = line.split("#")[0].strip()
        if text and not text.startswith("-"):
            yield Requirement(text)


def pinned_versions():
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in requirements("constraints.txt")
    }


@pytest.mark.parametrize("name", sorted(FLOORS))
def test_a_security_floor_is_kept(name):
    floor = Version(FLOORS[name])

    lower_bounds = [
        Version(bound.version)
        for wanted in requirements("requirements.txt")
        if canonicalize_name(wanted.name) == name
        for bound in wanted.specifier
        if bound.operator == ">="
    ]

    assert lower_bounds == [floor]
    assert Version(pinned_versions()[name]) >= floor
    assert Version(metadata.version(name)) >= floor


def test_everything_required_is_pinned_to_one_fitting_version():
    pins = pinned_versions()

    loose = [
        str(wanted)
        for file_name in REQUIREMENT_FILES
        for wanted in requirements(file_name)
        if not wanted.specifier.contains(pins.get(canonicalize_name(wanted.name), "0"))
    ]

    assert loose == []
    assert [pin for pin in pins.values() if not re.fullmatch(r"[0-9][0-9a-z.!+]*", pin)] == []


def test_what_is_installed_is_what_is_pinned():
    pins = pinned_versions()
    installed = {
        canonicalize_name(found.metadata["Name"]): found.version
        for found in metadata.distributions()
    }

    differing = {
        name: f"installed {installed[name]}, pinned {version}"
        for name, version in pins.items()
        if name in installed and installed[name] != version
    }

    assert differing == {}
    assert BANNED & installed.keys() == set()
