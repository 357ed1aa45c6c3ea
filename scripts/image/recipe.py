"""Reads the Dockerfile and .dockerignore; runs nothing.

Knows the instructions that this repository's Dockerfile uses and refuses every other, so that a
line the rehearsal does not understand is noticed instead of being left out.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

# What only an image has: nothing here for a rehearsal to do.
DECLARATIONS = {"VOLUME", "EXPOSE", "STOPSIGNAL", "USER"}
INSTRUCTIONS = {"FROM", "ENV", "WORKDIR", "RUN", "COPY", "CMD", "HEALTHCHECK"} | DECLARATIONS


class RecipeError(Exception):
    """The Dockerfile holds something the rehearsal does not understand."""


@dataclass(frozen=True)
class Step:
    """One instruction of the Dockerfile."""

    instruction: str
    rest: str

    def words(self) -> list[str]:
        """Return the words of the JSON form of CMD and of HEALTHCHECK's CMD."""
        words: list[str] = json.loads(self.rest[self.rest.index("[") :])
        return words

    def variables(self) -> dict[str, str]:
        """Return what ENV sets."""
        return dict(word.split("=", 1) for word in shlex.split(self.rest))


@dataclass
class Stage:
    """The steps from one FROM to the next."""

    name: str
    base: str
    steps: list[Step] = field(default_factory=list)

    def last(self, instruction: str) -> Step:
        """Return the last step of that kind, which is the one that counts."""
        return next(one for one in reversed(self.steps) if one.instruction == instruction)


def read_dockerfile(text: str) -> list[Stage]:
    """Return the stages in their order.

    Raises:
        RecipeError: an instruction is unknown, or stands before the first FROM.
    """
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.M))
    stages: list[Stage] = []
    for line in filter(str.strip, joined.splitlines()):
        instruction, rest = line.split(None, 1)
        if instruction not in INSTRUCTIONS:
            raise RecipeError(f"The rehearsal does not know {instruction}: {line}")
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(name=name.strip(), base=base.strip()))
        elif not stages:
            raise RecipeError(f"{instruction} stands before FROM")
        else:
            stages[-1].steps.append(Step(instruction, " ".join(rest.split())))
    return stages


class Ignored:
    """What .dockerignore keeps out of the build: the last pattern that matches decides."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines()]
        self._rules = [
            (not line.startswith("!"), re.compile(_as_expression(line.lstrip("!"))))
            for line in lines
            if line and not line.startswith("#")
        ]

    def __contains__(self, path: Path) -> bool:
        ignored = False
        for says_ignored, expression in self._rules:
            # A folder that is left out takes along what is in it.
            candidates = [path, *path.parents]
            if any(expression.fullmatch(one.as_posix()) for one in candidates):
                ignored = says_ignored
        return ignored


def _as_expression(pattern: str) -> str:
    expression = ""
    for part in re.split(r"(\*\*/|\*\*|\*|\[[^\]]*\])", pattern.strip("/")):
        translated = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}.get(part)
        is_class = part.startswith("[") and part.endswith("]")
        expression += translated or (part if is_class else re.escape(part))
    return expression
