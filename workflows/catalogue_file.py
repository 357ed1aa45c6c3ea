"""The catalogue file: read, checked against its schema, and refused with the place named.

Owns `workflows.json` and `workflows.schema.json` beside it. Knows no row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent
CATALOGUE_FILE: Final = FOLDER / "workflows.json"
SCHEMA_FILE: Final = FOLDER / "workflows.schema.json"
MAX_BYTES: Final = 2_000_000
_SHOWN_FAULTS: Final = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a file."""

    place: str
    """Such as ``workflows.resume_generator.steps[2].tips``, or a line and a column."""
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class CatalogueRefusedError(ValueError):
    """A file that cannot be loaded; nothing of it was."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class WorkflowDefinition:
    """One workflow as the file has it."""

    name: str
    title: str
    description: str
    tier: str
    steps: list[dict[str, Any]] = field(default_factory=list)
    """Objects with number, title, description, tips, estimated_time and required, in order."""
    translations: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By language code: title, description, and steps without ``required``, in order."""


def read_catalogue(path: Path = CATALOGUE_FILE) -> list[WorkflowDefinition]:
    """Return the workflows of a file, in its order.

    Raises:
        CatalogueRefusedError: it is missing, no JSON, or not what the schema asks; names each
            place.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CatalogueRefusedError([Fault(str(path), error.strerror or "unreadable")]) from error
    if len(raw) > MAX_BYTES:
        raise CatalogueRefusedError([Fault(path.name, f"larger than {MAX_BYTES:,} bytes")])
    return check_catalogue(_decode(raw, path.name))


def check_catalogue(document: Any) -> list[WorkflowDefinition]:
    """Return the workflows of a decoded document.

    Raises:
        CatalogueRefusedError: see `read_catalogue`.
    """
    # Imported here: it takes a tenth of a second, and only loading needs it.
    from jsonschema import Draft202012Validator

    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    found = sorted(
        Draft202012Validator(schema).iter_errors(document),
        key=lambda error: [str(part) for part in error.absolute_path],
    )
    faults = [Fault(_place(error.absolute_path), _shorten(error.message)) for error in found]
    if not faults:
        # Translations are measured by the steps, so those must be right first.
        faults = list(_find_miscounts(document)) or list(_find_gaps(document))
    if faults:
        raise CatalogueRefusedError(faults[:_SHOWN_FAULTS])
    return [
        WorkflowDefinition(
            name=name,
            title=entry["title"].strip(),
            description=entry["description"].strip(),
            tier=entry["tier"],
            steps=[_step(step) for step in entry["steps"]],
            translations={
                language: _translation(words)
                for language, words in entry.get("translations", {}).items()
            },
        )
        for name, entry in document["workflows"].items()
    ]


def _decode(raw: bytes, name: str) -> Any:
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_refuse_twice)
    except UnicodeDecodeError as error:
        raise CatalogueRefusedError([Fault(f"{name}, byte {error.start}", "not UTF-8")]) from error
    except json.JSONDecodeError as error:
        place = f"{name}, line {error.lineno}, column {error.colno}"
        raise CatalogueRefusedError([Fault(place, error.msg)]) from error
    except RecursionError as error:
        raise CatalogueRefusedError([Fault(name, "nested too deeply")]) from error


def _refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            # Which of the two is meant, nobody can tell.
            raise CatalogueRefusedError([Fault(name, "stands twice in one object")])
        found[name] = value
    return found


def _find_miscounts(document: Any) -> Iterable[Fault]:
    for name, entry in document["workflows"].items():
        place = f"workflows.{name}"
        steps = entry["steps"]
        if entry["total_steps"] != len(steps):
            yield Fault(
                f"{place}.total_steps", f"says {entry['total_steps']}, there are {len(steps)}"
            )
        for index, step in enumerate(steps):
            if step["number"] != index + 1:
                yield Fault(
                    f"{place}.steps[{index}].number", f"is {step['number']}, must be {index + 1}"
                )
        if not any(step.get("required", True) for step in steps):
            yield Fault(f"{place}.steps", "at least one step must be required")


def _find_gaps(document: Any) -> Iterable[Fault]:
    """Yield where a translation is not of the steps the workflow has."""
    for name, entry in document["workflows"].items():
        for language, words in entry.get("translations", {}).items():
            place = f"workflows.{name}.translations.{language}.steps"
            times = {step["number"]: step["estimated_time"] for step in entry["steps"]}
            found = [step["number"] for step in words["steps"]]
            missing = [number for number in times if number not in found]
            if missing:
                yield Fault(place, f"step {missing[0]} is missing")
                continue
            for index, step in enumerate(words["steps"]):
                number, time = step["number"], step["estimated_time"]
                if number != index + 1 or number not in times:
                    should = index + 1 if index + 1 in times else f"one of {len(times)}"
                    yield Fault(f"{place}[{index}].number", f"is {number}, must be {should}")
                elif time.partition(" ")[0] != times[number].partition(" ")[0]:
                    yield Fault(
                        f"{place}[{index}].estimated_time",
                        f"is {time!r}, the workflow says {times[number]!r}",
                    )


def _step(step: dict[str, Any]) -> dict[str, Any]:
    return {**_step_words(step), "required": step.get("required", True)}


def _translation(words: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": words["title"].strip(),
        "description": words["description"].strip(),
        "steps": [_step_words(step) for step in words["steps"]],
    }


def _step_words(step: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": step["number"],
        "title": step["title"].strip(),
        "description": step["description"].strip(),
        "tips": step["tips"].strip(),
        "estimated_time": step["estimated_time"],
    }


def _place(path: Iterable[str | int]) -> str:
    words = ""
    for part in path:
        words += f"[{part}]" if isinstance(part, int) else f".{part}" if words else str(part)
    return words or "the file"


def _shorten(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:200]}…"
