"""What a script may be: its limits, and the check that API, studio and callers from above share.

Refuses with every fault at once, each with a pointer to its field and what to do. Knows no row
and no request.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from agents.video.models import SceneKind
from core.errors import InvalidInputError
from core.text import clean_text

MAX_SCENES: Final = 200
TITLE_LENGTH: Final = 120
HEADING_LENGTH: Final = 160
TEXT_LENGTH: Final = 1000
MAX_ITEMS: Final = 8
ITEM_LENGTH: Final = 160
MAX_VALUES: Final = 12
LABEL_LENGTH: Final = 60
LARGEST_VALUE: Final = 1e12
NARRATION_LENGTH: Final = 5000
MAX_NARRATION: Final = 60_000
"""Characters spoken in the whole video: about an hour."""
LANGUAGE_PATTERN: Final = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?$"
VOICE_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_+-]{0,63}$"
SPOKEN_CHARACTERS_A_SECOND: Final = 15.0
"""Measured on the offline voice; good enough to tell a minute from ten."""

SCENE_FIELDS: Final = ("kind", "heading", "text", "items", "values", "narration")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong."""

    pointer: str
    """JSON pointer such as ``/scenes/2/heading``."""
    code: str
    detail: str


class ScriptRefusedError(InvalidInputError):
    """A script that cannot be kept as it is."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(
            "script_invalid",
            "Some parts of the script cannot be used; see errors for which and why.",
            extra={
                "errors": [
                    {"pointer": one.pointer, "code": one.code, "detail": one.detail}
                    for one in faults
                ]
            },
        )
        self.faults = tuple(faults)


@dataclass(frozen=True)
class CheckedScript:
    """A script fit to be stored and rendered."""

    title: str
    scenes: list[dict[str, Any]]
    language: str
    voice: str


@dataclass
class _Checker:
    faults: list[Fault] = field(default_factory=list)

    def refuse(self, pointer: str, code: str, detail: str) -> None:
        self.faults.append(Fault(pointer, code, detail))

    def text(
        self, value: object, pointer: str, longest: int, *, missing: str = "", lines: bool = True
    ) -> str:
        """Return cleaned text; `missing` is what to say of none, empty where none is fine."""
        if value is None:
            value = ""
        if not isinstance(value, str):
            self.refuse(pointer, "invalid", "This must be text.")
            return ""
        cleaned = clean_text(value, max(len(value), 1)).text
        if not lines:
            cleaned = " ".join(cleaned.split())
        if not cleaned and missing:
            self.refuse(pointer, "required", missing)
        elif len(cleaned) > longest:
            self.refuse(
                pointer,
                "max_length",
                f"This has {len(cleaned)} characters; {longest} fit. Shorten it.",
            )
        return cleaned


def check_script(
    *, title: object, scenes: object, language: object = "en", voice: object = ""
) -> CheckedScript:
    """Return the script cleaned, with only the fields its kinds use.

    Raises:
        ScriptRefusedError: with all faults.
    """
    checker = _Checker()
    checked_title = checker.text(
        title, "/title", TITLE_LENGTH, missing="Give the video a title.", lines=False
    )
    checked_language = str(language or "en")
    if not re.fullmatch(LANGUAGE_PATTERN, checked_language):
        checker.refuse("/language", "invalid", "Use a language code such as en, es or es-419.")
    checked_voice = str(voice or "")
    if checked_voice and not re.fullmatch(VOICE_PATTERN, checked_voice):
        checker.refuse("/voice", "invalid", "Use letters, digits, _, + and -; at most 64.")
    checked_scenes: list[dict[str, Any]] = []
    if not isinstance(scenes, Sequence) or isinstance(scenes, str | bytes):
        checker.refuse("/scenes", "invalid", "Send a list of scenes.")
    elif not scenes:
        checker.refuse("/scenes", "required", "A video needs at least one scene. Add one.")
    elif len(scenes) > MAX_SCENES:
        checker.refuse(
            "/scenes",
            "max_length",
            f"There are {len(scenes)} scenes; {MAX_SCENES} fit. Make two videos of it.",
        )
    else:
        checked_scenes = [
            _check_scene(checker, scene, f"/scenes/{number}") for number, scene in enumerate(scenes)
        ]
        spoken = sum(len(scene.get("narration", "")) for scene in checked_scenes)
        if spoken > MAX_NARRATION:
            checker.refuse(
                "/scenes",
                "narration_too_long",
                f"All narrations together have {spoken} characters; {MAX_NARRATION} fit, "
                "which is about an hour. Make several videos of it.",
            )
    if checker.faults:
        raise ScriptRefusedError(checker.faults)
    return CheckedScript(checked_title, checked_scenes, checked_language, checked_voice)


def estimate_seconds(scenes: Sequence[Mapping[str, Any]]) -> float:
    """Return roughly how long the video will be."""
    return sum(
        1.0 + len(scene.get("narration", "")) / SPOKEN_CHARACTERS_A_SECOND for scene in scenes
    )


def _check_scene(checker: _Checker, scene: object, place: str) -> dict[str, Any]:
    if not isinstance(scene, Mapping):
        checker.refuse(place, "invalid", "A scene is an object with kind, heading and narration.")
        return {}
    unknown = sorted(str(name)[:40] for name in scene if name not in SCENE_FIELDS)[:5]
    for name in unknown:
        checker.refuse(f"{place}/{name}", "unknown", "This field is not known here.")
    kind = scene.get("kind")
    if not isinstance(kind, str) or kind not in SceneKind.values:
        checker.refuse(
            f"{place}/kind", "invalid_choice", f"Use one of {', '.join(SceneKind.values)}."
        )
        return {}
    checked: dict[str, Any] = {
        "kind": kind,
        "heading": checker.text(
            scene.get("heading"),
            f"{place}/heading",
            HEADING_LENGTH,
            missing="Say what this scene is about.",
            lines=False,
        ),
    }
    _check_body(checker, scene, place, checked)
    checked["narration"] = checker.text(
        scene.get("narration"),
        f"{place}/narration",
        NARRATION_LENGTH,
        missing="Write what the voice says during this scene.",
    )
    return checked


_TEXT_MISSING: Final = {
    SceneKind.QUOTE: "Write the words that are quoted.",
    SceneKind.FIGURE: "Write the figure to show large, such as 87 %.",
}


def _check_body(
    checker: _Checker, scene: Mapping[Any, Any], place: str, checked: dict[str, Any]
) -> None:
    """Check what lies between heading and narration; which fields count depends on the kind."""
    kind = SceneKind(checked["kind"])
    text = checker.text(
        scene.get("text"), f"{place}/text", TEXT_LENGTH, missing=_TEXT_MISSING.get(kind, "")
    )
    if text:
        checked["text"] = text
    items = _check_items(checker, scene.get("items"), f"{place}/items")
    if kind is SceneKind.LIST and not items:
        checker.refuse(f"{place}/items", "required", "Write at least one point.")
    if items:
        checked["items"] = items
    values = _check_values(checker, scene.get("values"), f"{place}/values")
    if kind is SceneKind.CHART and not values:
        checker.refuse(
            f"{place}/values", "required", "Write at least one bar: its name and its number."
        )
    if values:
        checked["values"] = values


def _check_items(checker: _Checker, items: object, place: str) -> list[str]:
    if items is None:
        return []
    if not isinstance(items, list | tuple):
        checker.refuse(place, "invalid", "Send a list of texts.")
        return []
    if len(items) > MAX_ITEMS:
        checker.refuse(
            place, "max_length", f"There are {len(items)} points; {MAX_ITEMS} fit one scene."
        )
        return []
    return [
        checker.text(
            item, f"{place}/{number}", ITEM_LENGTH, missing="A point needs words.", lines=False
        )
        for number, item in enumerate(items)
    ]


def _check_values(checker: _Checker, values: object, place: str) -> list[dict[str, Any]]:
    if values is None:
        return []
    if not isinstance(values, list | tuple):
        checker.refuse(place, "invalid", "Send a list of objects with label and value.")
        return []
    if len(values) > MAX_VALUES:
        checker.refuse(
            place, "max_length", f"There are {len(values)} bars; {MAX_VALUES} fit one chart."
        )
        return []
    checked = []
    for number, entry in enumerate(values):
        here = f"{place}/{number}"
        if not isinstance(entry, Mapping) or set(entry) != {"label", "value"}:
            checker.refuse(here, "invalid", "A bar is an object with label and value.")
            continue
        label = checker.text(
            entry["label"], f"{here}/label", LABEL_LENGTH, missing="Name the bar.", lines=False
        )
        amount = entry["value"]
        if (
            isinstance(amount, bool)
            or not isinstance(amount, int | float)
            or not math.isfinite(amount)
            or not 0 <= amount <= LARGEST_VALUE
        ):
            checker.refuse(f"{here}/value", "invalid", "A bar's value is a number from 0 up.")
            continue
        checked.append({"label": label, "value": amount})
    return checked
