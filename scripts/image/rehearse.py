"""Do by hand what Docker would do with the Dockerfile and compose.yaml, on a machine without it.

    python -m scripts.services run -- python -m scripts.image.rehearse     (make image-rehearsal)

A fresh clone of HEAD becomes the build context, each stage's COPY, ENV and RUN lines are executed
in an empty folder that stands for the image's root, and then every process of compose.yaml is
started from there with the variables compose would give it, against the PostgreSQL, Redis, store
and LiveKit in the environment. Their health checks, `doctor` and a visitor's first requests decide.
What needs the root of a container (apt-get, useradd, the user and its capabilities) is named and
not run.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts.image.containers import Compose, Containers
from scripts.image.recipe import Ignored, Stage, Step, read_dockerfile

REPOSITORY = Path(__file__).resolve().parents[2]
NEEDS_CONTAINER = ("apt-get", "useradd")
# How this machine reaches the package registries; nothing else of its environment gets in.
REGISTRIES = re.compile(
    r"^(HOME|PIP_.*|npm_config_.*|.*_proxy|.*_CERT.*|.*CERT_.*|.*_CA_.*)$", re.I
)


class Image:
    """A folder that stands for the root of the image, and the environment its steps run in."""

    def __init__(self, root: Path, context: Path) -> None:
        self.root = root
        self.context = context
        self.variables: dict[str, str] = {}
        self.workdir = "/"
        self._ignored = Ignored((context / ".dockerignore").read_text(encoding="utf-8"))
        self._made: set[str] = {"/tmp/build"}  # noqa: S108 - a path of the image, below root

    def build(self, stage: Stage) -> None:
        """Execute one stage."""
        self.variables = {"PATH": os.environ["PATH"]}
        print(f"== {stage.name}: {stage.base} stood in for by this machine")
        for step in stage.steps:
            begun = time.monotonic()
            print(f"   {step.instruction} {step.rest}", flush=True)
            run = getattr(self, f"_do_{step.instruction.lower()}", None)
            if run is not None:
                run(step)
                if time.monotonic() - begun > 1:
                    print(f"   {time.monotonic() - begun:.0f} s")

    def here(self, text: str) -> str:
        """Return a line with the image's own paths turned into those below the folder."""
        for path in sorted(self._made, key=len, reverse=True):
            text = text.replace(path, f"{self.root}{path}")
        return text

    def folder(self) -> Path:
        """Return where the present WORKDIR is on this machine."""
        return self.root / self.workdir.lstrip("/")

    def _do_workdir(self, step: Step) -> None:
        self.workdir = step.rest
        self._made.add(step.rest)
        self.folder().mkdir(parents=True, exist_ok=True)

    def _do_volume(self, step: Step) -> None:
        self._made.add(step.rest)
        (self.root / step.rest.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _do_env(self, step: Step) -> None:
        for name, value in step.variables().items():
            known = self.here(value).replace("$PATH", self.variables["PATH"])
            self.variables[name] = known

    def _do_copy(self, step: Step) -> None:
        *sources, target = step.rest.split()
        if sources[0].startswith("--from="):
            # One folder stands for all stages, so what lies under the same path is there already.
            source = self.root / sources[1].lstrip("/")
            to = self.root / target.lstrip("/") if target[0] == "/" else self.folder() / target
            if source != to:
                shutil.copytree(source, to, dirs_exist_ok=True)
            return
        for name in sources:
            self._copy_from_context(
                Path(name), self.folder() / target, is_folder=target[-1] in "/."
            )

    def _copy_from_context(self, name: Path, target: Path, *, is_folder: bool) -> None:
        source = self.context / name
        if source.is_file():
            to = target / name.name if is_folder else target
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, to)
            return
        for path in sorted(source.rglob("*")):
            relative = path.relative_to(self.context)
            if path.is_file() and relative not in self._ignored:
                to = target / path.relative_to(source)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, to)

    def _do_run(self, step: Step) -> None:
        if any(word in step.rest for word in NEEDS_CONTAINER):
            print("   NOT RUN: needs the root of a container")
            return
        subprocess.run(
            ["sh", "-ec", self.here(step.rest)],
            cwd=self.folder(),
            env={**_registries(), **self.variables},
            check=True,
        )


def _registries() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if REGISTRIES.match(name)}


def clone(context: Path) -> None:
    """Make a fresh clone of what is committed, as somebody who deploys has it."""
    subprocess.run(
        ["git", "clone", "--quiet", "--no-hardlinks", str(REPOSITORY), str(context)], check=True
    )


def main() -> int:
    """Build, start, look, stop. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the folder for a look")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="parley-image-"))
    try:
        clone(folder / "context")
        image = Image(folder / "root", folder / "context")
        stages = read_dockerfile((image.context / "Dockerfile").read_text(encoding="utf-8"))
        for stage in stages:
            image.build(stage)
        compose = Compose.read(image.context / "compose.yaml", os.environ)
        containers = Containers(image, stages[-1], compose, folder / "logs")
        return containers.rehearse()
    finally:
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
