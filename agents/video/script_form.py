"""The script editor's form: every scene as fields, buttons that work without JavaScript.

Owns how a script travels through an HTML form and back. What a script may be is decided by
`script_rules`; whatever was typed is shown again, right or wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms

from agents.video.models import SceneKind, VideoSession
from agents.video.script_rules import (
    MAX_SCENES,
    CheckedScript,
    Fault,
    ScriptRefusedError,
    check_script,
)

LANGUAGES: Final = (
    ("en", "English"),
    ("es", "Spanish"),
    ("es-419", "Spanish (Latin America)"),
    ("fr", "French"),
    ("de", "German"),
    ("pt", "Portuguese"),
    ("it", "Italian"),
    ("nl", "Dutch"),
)
USED_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    SceneKind.TITLE: ("text",),
    SceneKind.CHART: ("values",),
    SceneKind.QUOTE: ("text", "items"),
    SceneKind.FIGURE: ("text", "items"),
    SceneKind.LIST: ("items",),
    SceneKind.CLOSING: ("text",),
}
"""What each kind shows besides its heading; the rest of what was typed is left out when saved."""

_ACTION: Final = re.compile(r"(remove|up|down):(\d{1,3})")
_SPLIT_VALUE: Final = re.compile(r"^(.*?)[\s]*[:=;\t]\s*([^:=;\t]*)$")


class HeadForm(forms.Form):
    """Title, language and voice."""

    title = forms.CharField(label="Title", required=False)
    language = forms.ChoiceField(label="Language of the voice", required=False)
    voice = forms.CharField(
        label="Voice",
        required=False,
        help_text="A name your speech provider knows. Leave it empty for its own choice.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = self.data.get("language") or self.initial.get("language") or "en"
        known = [code for code, _ in LANGUAGES]
        choices = [*LANGUAGES, *([] if given in known else [(given, given)])]
        self.fields["language"] = forms.ChoiceField(
            label="Language of the voice", required=False, choices=choices
        )


class SceneForm(forms.Form):
    """One scene. Lists are typed a line each."""

    kind = forms.ChoiceField(label="Kind", choices=SceneKind.choices, required=False)
    heading = forms.CharField(label="Heading", required=False)
    text = forms.CharField(
        label="Text on the slide",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="A subtitle; for a quote the words quoted; for a key figure the figure itself.",
    )
    items = forms.CharField(
        label="Points",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line. For a quote: who said it. For a key figure: what it is of.",
    )
    values = forms.CharField(
        label="Bars",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line: the name, a colon, the number. Example: Too slow: 30",
    )
    narration = forms.CharField(
        label="What the voice says",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, sent: Mapping[str, Any], *, number: int) -> None:
        super().__init__(dict(sent), prefix=f"scene-{number}", use_required_attribute=False)
        self.number = number
        self.position = number + 1


@dataclass
class ScriptForm:
    """The whole form, filled from a row or from what was sent."""

    head: HeadForm
    scenes: list[SceneForm]
    revision: str = ""
    notes: tuple[str, ...] = ()
    """What is wrong with the script as a whole."""

    @property
    def has_errors(self) -> bool:
        """Whether anything was refused."""
        return bool(self.notes or self.head.errors or any(form.errors for form in self.scenes))

    @property
    def faulty_scenes(self) -> list[SceneForm]:
        """The scenes something is wrong with."""
        return [form for form in self.scenes if form.errors]

    def check(self) -> CheckedScript | None:
        """Return the script when it may be saved; otherwise put every fault beside its field."""
        faults: list[Fault] = []
        scenes = [_read_scene(form, faults) for form in self.scenes]
        head = {name: str(self.head.data.get(name, "")).strip() for name in HeadForm.base_fields}
        try:
            checked = check_script(scenes=scenes, **head)
        except ScriptRefusedError as error:
            faults.extend(error.faults)
        else:
            if not faults:
                return checked
        self._show(faults)
        return None

    def refuse(self, note: str) -> None:
        """Say something about the script as a whole."""
        self.notes = (*self.notes, note)

    def _show(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            parts = fault.pointer.strip("/").split("/")
            if parts[0] in self.head.fields:
                self._add(self.head, parts[0], fault.detail)
            elif len(parts) >= 3 and parts[0] == "scenes":
                detail = _name_line(parts, fault.detail)
                self._add(self.scenes[int(parts[1])], parts[2], detail)
            else:
                self.refuse(fault.detail)

    @staticmethod
    def _add(form: forms.Form, name: str, detail: str) -> None:
        form.is_valid()
        if detail not in form.errors.get(name, []):
            form.add_error(name, detail)


def form_of_script(video_session: VideoSession) -> ScriptForm:
    """Return the form filled from a row."""
    return _bound(
        {
            "title": video_session.title,
            "language": video_session.language,
            "voice": video_session.voice,
        },
        [_write_scene(scene) for scene in video_session.scenes],
        str(video_session.revision),
    )


def starter_form() -> ScriptForm:
    """Return the form of a new script, with a beginning and an end to fill in."""
    scenes: list[Mapping[str, str]] = [
        {"kind": SceneKind.TITLE, "heading": "", "narration": ""},
        {"kind": SceneKind.LIST, "heading": "", "items": "", "narration": ""},
        {"kind": SceneKind.CLOSING, "heading": "Thank you", "narration": "Thank you for watching."},
    ]
    return _bound({"title": "", "language": "en", "voice": ""}, scenes, "")


def form_of_post(sent: Mapping[str, Any]) -> ScriptForm:
    """Return the form as it was sent, with the button's change of the scenes carried out.

    Args:
        sent: the POST; ``do`` is ``save``, ``save_start``, ``add``, or ``up:2`` and the like.
    """
    count = _read_count(sent.get("scenes"))
    names = SceneForm.base_fields
    scenes = [
        {name: str(sent.get(f"scene-{number}-{name}", "")) for name in names}
        for number in range(count)
    ]
    action = str(sent.get("do", ""))
    match = _ACTION.fullmatch(action)
    if action == "add" and len(scenes) < MAX_SCENES:
        kind = str(sent.get("add_kind", ""))
        scenes.append({"kind": kind if kind in SceneKind.values else SceneKind.LIST})
    elif match is not None and int(match[2]) < len(scenes):
        _rearrange(scenes, match[1], int(match[2]))
    head = {name: str(sent.get(name, "")) for name in HeadForm.base_fields}
    return _bound(head, scenes, str(sent.get("revision", ""))[:12])


def _rearrange(scenes: list[Any], action: str, number: int) -> None:
    if action == "remove":
        del scenes[number]
    else:
        other = number - 1 if action == "up" else number + 1
        if 0 <= other < len(scenes):
            scenes[number], scenes[other] = scenes[other], scenes[number]


def _bound(
    head: Mapping[str, str], scenes: Iterable[Mapping[str, Any]], revision: str
) -> ScriptForm:
    bound = [
        SceneForm({f"scene-{number}-{name}": value for name, value in scene.items()}, number=number)
        for number, scene in enumerate(scenes)
    ]
    return ScriptForm(HeadForm(dict(head), use_required_attribute=False), bound, revision)


def _read_count(sent: object) -> int:
    text = str(sent or "")
    return min(int(text), MAX_SCENES) if text.isascii() and text.isdigit() and len(text) < 5 else 0


def _read_scene(form: SceneForm, faults: list[Fault]) -> dict[str, Any]:
    """Return the scene's fields that its kind uses."""
    typed = {name: str(form[name].value() or "") for name in form.fields}
    used = USED_FIELDS.get(typed["kind"], ())
    scene: dict[str, Any] = {
        "kind": typed["kind"],
        "heading": typed["heading"],
        "narration": typed["narration"],
    }
    if "text" in used:
        scene["text"] = typed["text"]
    if "items" in used:
        scene["items"] = [line for line in typed["items"].splitlines() if line.strip()]
    if "values" in used:
        scene["values"] = _read_values(typed["values"], form.number, faults)
    return scene


def _read_values(typed: str, number: int, faults: list[Fault]) -> list[dict[str, Any]]:
    values: list[dict[str, Any]] = []
    for line in typed.splitlines():
        if not line.strip():
            continue
        match = _SPLIT_VALUE.match(line.strip())
        amount = _read_amount(match[2]) if match else None
        if match is None or amount is None:
            faults.append(
                Fault(
                    f"/scenes/{number}/values",
                    "invalid",
                    f'Write "{line.strip()[:40]}" as a name, a colon and a number from 0 up.',
                )
            )
        else:
            values.append({"label": match[1], "value": amount})
    return values


def _read_amount(text: str) -> float | int | None:
    cleaned = text.strip().rstrip("%").strip().replace(" ", "")
    if re.fullmatch(r"\d{1,13}", cleaned):
        return int(cleaned)
    # A comma is a decimal comma: thousands are typed without marks.
    if re.fullmatch(r"\d{1,13}[.,]\d{1,6}", cleaned):
        return float(cleaned.replace(",", "."))
    return None


def _write_scene(scene: Mapping[str, Any]) -> dict[str, str]:
    return {
        "kind": scene["kind"],
        "heading": scene["heading"],
        "text": scene.get("text", ""),
        "items": "\n".join(scene.get("items", ())),
        "values": "\n".join(f"{one['label']}: {one['value']:g}" for one in scene.get("values", ())),
        "narration": scene["narration"],
    }


def _name_line(parts: list[str], detail: str) -> str:
    """Say which line of a list is meant."""
    is_line = len(parts) >= 4 and parts[3].isdigit()
    return f"Line {int(parts[3]) + 1}: {detail}" if is_line else detail
