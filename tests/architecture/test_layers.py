"""Who may import whom, where import-linter alone cannot tell."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib

import pytest

from tests.architecture.sources import ROOT, Module, product_modules

# Packages beside the product: they may import it, it never imports them.
BESIDE = {"benchmarks", "examples", "scripts", "tests"}

# Who may import an outside library, by the start of the module's name. import-linter sees only
# the first part of an outside name, so it cannot tell livekit.api from livekit.agents.
LIBRARY_OWNERS = {
    "livekit.agents": ("agents.voice",),
    "livekit.plugins": ("agents.voice",),
    "openai": ("agents.llm", "agents.voice"),
    "stripe": ("surveys.payments", "messaging.payments", "workflows.billing"),
    "procrastinate": ("core.jobs",),
    "boto3": (),
    "botocore": ("core.files_s3",),
    # openai and livekit bring httpx2; a second HTTP stack would be one too many.
    "httpx": (),
    "requests": (),
    "aiohttp": (),
}


def is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def role(module: Module) -> str | None:
    """Return `services`, `selectors` or `models` for a module of that room of an app."""
    if module.package in BESIDE:
        return None
    rooms = [part for part in module.name.split(".") if part in {"services", "selectors", "models"}]
    return rooms[0] if rooms else None


def product_packages() -> set[str]:
    return {module.package for module in product_modules() if "." in module.name} - BESIDE


def linter_settings() -> dict[str, object]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    linter: dict[str, object] = settings["tool"]["importlinter"]
    return linter


def test_every_package_is_known_to_import_linter():
    assert set(linter_settings()["root_packages"]) == product_packages()


def test_every_app_is_held_to_the_layers_inside_an_app():
    contracts = {contract["name"]: contract for contract in linter_settings()["contracts"]}
    inside = contracts["Inside an app: urls, what answers, services, adapters, selectors, models"]

    # `config` composes; of `agents` only the video part is an app with rows of its own.
    apps = product_packages() - {"config", "agents"} | {"agents.video"}
    assert set(inside["containers"]) == apps


def test_import_linter_contracts_are_kept(tmp_path):
    program = "from importlinter.cli import lint_imports_command as check; check()"

    linted = subprocess.run(
        [sys.executable, "-c", program, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert linted.returncode == 0, linted.stdout[linted.stdout.find("Broken") :]


@pytest.mark.parametrize("library", sorted(LIBRARY_OWNERS))
def test_a_library_is_imported_by_its_owner_only(library):
    owners = LIBRARY_OWNERS[library]

    strangers = [
        f"{module.name}:{line}"
        for module in product_modules()
        if module.package not in BESIDE and not any(is_below(module.name, own) for own in owners)
        for name, line in module.imported_names()
        if is_below(name, library)
    ]

    assert strangers == []


def test_the_product_imports_no_tests_and_no_tools():
    found = [
        f"{module.name}:{line} imports {name}"
        for module in product_modules()
        if module.package not in BESIDE
        for name, line in module.imported_names()
        if "tests" in name.split(".") or name.split(".")[0] in {"pytest", "hypothesis", *BESIDE}
    ]

    assert found == []


def test_services_selectors_and_models_know_no_web_framework():
    web = ("rest_framework", "channels", "django.http", "django.shortcuts", "django.views")

    found = [
        f"{module.name}:{line} imports {name}"
        for module in product_modules()
        if role(module)
        for name, line in module.imported_names()
        if any(is_below(name, package) for package in web)
    ]

    assert found == []


def test_selectors_open_no_transaction():
    # Under SQLite's IMMEDIATE mode any atomic() takes the write lock: a read would wait for it.
    found = [
        f"{module.name}:{node.lineno}"
        for module in product_modules()
        if role(module) == "selectors"
        for node in module.nodes
        if (isinstance(node, ast.Attribute) and node.attr == "atomic")
        or (isinstance(node, ast.Name) and node.id == "atomic")
    ]

    assert found == []


def test_services_name_their_arguments():
    # What a function acts on, and the moment or state it is told, read well without a name
    # (`note_presence(voice_session, now)`); a third one can be mixed up.
    found = [
        f"{module.name}.{node.name}"
        for module in product_modules()
        if role(module) == "services"
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and len(node.args.posonlyargs + node.args.args) > 2
    ]

    assert found == []


def test_serializers_list_their_fields():
    # A field added to a model later must not appear in an answer by itself.
    found = [
        f"{module.name}:{node.lineno}"
        for module in product_modules()
        for node in module.nodes
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and node.value.value == "__all__"
        and any(isinstance(target, ast.Name) and target.id == "fields" for target in node.targets)
    ]

    assert found == []


def test_the_web_process_imports_nothing_heavy():
    heavy = ["livekit.agents", "openai", "boto3", "stripe", "av", "onnxruntime", "numpy", "PIL"]
    program = (
        "import sys, config.asgi, config.urls; "
        "from django.urls import get_resolver; get_resolver().url_patterns; "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )

    started = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "VOICE_IN_PROCESS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (started.returncode, started.stdout.strip()) == (0, "[]"), started.stderr
