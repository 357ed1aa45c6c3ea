"""The environment: one reader, and an example file that names every variable it reads."""

from __future__ import annotations

import ast
import re

from django.conf import settings

from config.env import env
from tests.architecture.sources import ROOT, product_modules

READERS = (
    "config.env",
    # Which .env file to read is known before the reader has read it.
    "config.settings",
    # Run without the settings, or before them.
    "benchmarks",
    "manage",
    "scripts",
    # prometheus_client's own variable, which it reads itself in the same way.
    "core.metrics",
    # Hands its own environment on to pg_dump and pg_restore, with the password that no argument
    # may carry.
    "core.backup.databases",
    # A client of a server that may be elsewhere: its key is no setting of this process.
    "surveys.management.commands.widget_flow",
)


def documented_names():
    """Return the variables `.env.example` sets, or shows commented out."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^(?:# ?)?([A-Z][A-Z0-9_]+)=", text, re.M))


def test_the_example_names_every_variable_the_settings_read():
    assert settings.configured
    assert env.names - documented_names() == set()


def test_the_example_names_no_variable_that_nothing_reads():
    tools = " ".join(
        path.read_text(encoding="utf-8")
        for path in [
            *ROOT.glob("scripts/**/*.py"),
            *ROOT.glob("scripts/*.sh"),
            ROOT / "Makefile",
            ROOT / "compose.yaml",
        ]
    )

    idle = {name for name in documented_names() - env.names if not re.search(rf"\b{name}\b", tools)}

    assert idle == set()


def test_only_the_reader_looks_at_the_environment():
    found = [
        f"{module.name}:{node.lineno}"
        for module in product_modules()
        if not module.name.startswith(READERS)
        for node in module.nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in {("os", "environ"), ("os", "getenv")}
    ]

    assert found == []
