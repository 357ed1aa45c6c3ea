"""The files of the project, as the architecture tests read them. Knows no rule."""

from __future__ import annotations

import ast
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Made by tools or by running the product, never written by us.
SKIPPED_FOLDERS = {"node_modules", "staticfiles", "var", "__pycache__", "vendor"}


def walk(*suffixes: str) -> Iterator[Path]:
    """Yield our files with one of the suffixes, sorted, hidden and generated folders left out."""
    for folder, names, files in os.walk(ROOT):
        names[:] = sorted(n for n in names if n not in SKIPPED_FOLDERS and not n.startswith("."))
        for file in sorted(files):
            if file.endswith(suffixes):
                yield Path(folder, file)


def relative(path: Path) -> str:
    """Return the path as a reader of a failure wants it."""
    return path.relative_to(ROOT).as_posix()


def is_test(path: Path) -> bool:
    """Tell whether a file belongs to the tests."""
    return "tests" in path.relative_to(ROOT).parts or path.name == "conftest.py"


def is_migration(path: Path) -> bool:
    """Tell whether a file is a migration."""
    return "migrations" in path.relative_to(ROOT).parts


@dataclass(frozen=True)
class Module:
    """One Python file of ours."""

    path: Path
    name: str
    """Dotted, as it is imported."""
    tree: ast.Module

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree."""
        return tuple(ast.walk(self.tree))

    @property
    def package(self) -> str:
        return self.name.split(".")[0]

    def imported_names(self) -> Iterator[tuple[str, int]]:
        """Yield every imported module or member as a dotted name, with its line."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                yield node.module, node.lineno
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


@lru_cache(maxsize=1)
def python_modules() -> tuple[Module, ...]:
    """Return every Python file of ours, parsed."""
    with _garbage_kept():
        return tuple(
            Module(
                path=path,
                name=".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(
                    ".__init__"
                ),
                tree=ast.parse(path.read_text(encoding="utf-8"), filename=str(path)),
            )
            for path in walk(".py")
        )


@contextmanager
def _garbage_kept() -> Iterator[None]:
    """Collect no garbage meanwhile: Python 3.11 counts the depth of all parsing in one place.

    A task that failed in an earlier test is logged when it is collected, its traceback is parsed,
    and a parser that was at work then finds its count changed: "AST constructor recursion depth
    mismatch" (python/cpython issue 106905).
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def product_modules() -> Iterator[Module]:
    """Yield the modules of the product itself, without tests and migrations."""
    return (m for m in python_modules() if not is_test(m.path) and not is_migration(m.path))
