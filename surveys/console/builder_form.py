"""Reads the survey builder's form and shows it again, with whatever was typed and what is wrong.

Owns the shape of the form. Every rule about surveys is `services.definitions`'; its answers are
put beside the fields here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.http import QueryDict

from agents.interview.types import QuestionKind
from core import money
from core.errors import ParleyError
from core.text import clean_text
from surveys.models import Survey
from surveys.services.definitions import QUESTIONS_MAX
from surveys.services.surveys import current_definition, current_version
from surveys.services.targeting import AUDIENCES, DEVICES

KINDS = (
    (QuestionKind.OPEN, "Open: in their own words"),
    (QuestionKind.RATING, "Rating: a number on a scale"),
    (QuestionKind.CHOICE, "Choice: one or more of yours"),
    (QuestionKind.YES_NO, "Yes or no"),
)
PROBES = ((0, "None"), (1, "One"), (2, "Up to two"))
_AUDIENCE_WORDS = {"all": "Everybody", "new": "New visitors", "returning": "Returning visitors"}
_DEVICE_WORDS = {"all": "Any device", "mobile": "Phones and tablets", "desktop": "Computers"}
_ROW_FIELD = "question"
TYPED_MAX = 100_000
_LINES = ("allowed_origins", "targeting_url_contains")


def _lines(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "spellcheck": "false"})


def _text(**attributes: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": "off", **attributes})


class SurveyForm(forms.Form):
    """The builder's single fields, as text: the services say what may stand in them."""

    title = forms.CharField(label="Title", required=False, widget=_text(maxlength=200))
    description = forms.CharField(
        label="Description",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Visitors read it before they start.",
    )
    objective = forms.CharField(
        label="What do you want to find out?",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Only the interviewer reads it; it decides where to ask for more.",
    )
    languages = forms.CharField(
        label="Languages",
        required=False,
        widget=_text(),
        help_text="Codes with a comma between, such as en, es. The first one is the default.",
    )
    max_minutes = forms.CharField(
        label="Longest conversation", required=False, widget=_text(inputmode="numeric")
    )
    currency = forms.ChoiceField(
        label="Currency",
        required=False,
        choices=[(code, code) for code in sorted(money.CURRENCIES)],
    )
    payment_min = forms.CharField(
        label="Lowest pay", required=False, widget=_text(inputmode="decimal")
    )
    payment_max = forms.CharField(
        label="Highest pay", required=False, widget=_text(inputmode="decimal")
    )
    max_responses = forms.CharField(
        label="Answers at most", required=False, widget=_text(inputmode="numeric")
    )
    budget = forms.CharField(
        label="Budget",
        required=False,
        widget=_text(inputmode="decimal"),
        help_text="Empty: as many answers as above, each at the highest pay.",
    )
    consent_text = forms.CharField(
        label="Consent text",
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="Visitors agree to it before the first word. Empty: our standard text.",
    )
    allowed_origins = forms.CharField(
        label="Websites that may show it",
        required=False,
        widget=_lines(3),
        help_text="One a line, such as https://shop.example.com. Empty: any website.",
    )
    targeting_audience = forms.ChoiceField(
        label="Who",
        required=False,
        choices=[(value, _AUDIENCE_WORDS[value]) for value in AUDIENCES],
    )
    targeting_device = forms.ChoiceField(
        label="Device", required=False, choices=[(value, _DEVICE_WORDS[value]) for value in DEVICES]
    )
    targeting_percent = forms.CharField(
        label="Share of visitors who see it", required=False, widget=_text(inputmode="numeric")
    )
    targeting_cooldown_days = forms.CharField(
        label="Rest after a visitor closed it", required=False, widget=_text(inputmode="numeric")
    )
    targeting_url_contains = forms.CharField(
        label="Only on pages whose address contains",
        required=False,
        widget=_lines(2),
        help_text="One a line; any of them is enough.",
    )
    targeting_attributes = forms.CharField(
        label="Only visitors with these attributes",
        required=False,
        widget=_lines(2),
        help_text="One a line, such as plan = pro, business. Your page tells us the attributes.",
    )
    accept_client_transcript = forms.BooleanField(
        label="Trust transcripts our own server sends",
        required=False,
        help_text="Only with your company key, and only when Parley has no record of its own.",
    )
    retention_days = forms.CharField(
        label="Keep answers for",
        required=False,
        widget=_text(inputmode="numeric"),
        help_text="Empty: as long as the company settings say.",
    )


@dataclass(slots=True)
class QuestionRow:
    """One row of the question list, as typed."""

    question_id: str = ""
    text: str = ""
    kind: str = QuestionKind.OPEN.value
    choices: str = ""
    """One a line."""
    max_probes: str = "2"
    required: bool = True
    errors: dict[str, list[str]] = field(default_factory=dict)

    def to_raw(self) -> dict[str, Any]:
        """Return the question as the services read it."""
        raw: dict[str, Any] = {
            "text": self.text,
            "kind": self.kind,
            "required": self.required,
            "max_probes": _whole(self.max_probes),
        }
        if self.kind == QuestionKind.CHOICE:
            raw["choices"] = _split_lines(_clean(self.choices))
        if self.question_id:
            raw["id"] = self.question_id
        return raw


@dataclass(slots=True)
class Builder:
    """The form and its rows."""

    form: SurveyForm
    rows: list[QuestionRow]
    row_errors: list[str] = field(default_factory=list)
    """What is wrong with the list as a whole."""

    @property
    def has_errors(self) -> bool:
        return bool(self.row_errors or any(row.errors for row in self.rows) or self.form.errors)

    def to_raw(self, *, is_new: bool) -> dict[str, Any]:
        """Return the fields as `definitions.read_definition` takes them."""
        typed = self.form.data
        text = {name: _clean(str(typed.get(name, ""))) for name in self.form.fields}
        raw: dict[str, Any] = {
            name: text[name] for name in ("title", "description", "objective", "consent_text")
        }
        raw |= {name: _whole(text[name]) for name in ("max_minutes", "max_responses")}
        raw |= {name: text[name] for name in ("payment_min", "payment_max")}
        if is_new:
            raw["currency"] = text.get("currency") or "USD"
        if text["budget"]:
            raw["budget"] = text["budget"]
        elif not is_new:
            raw["budget"] = _full_budget(text["payment_max"], text["max_responses"])
        raw["languages"] = text["languages"].replace(",", " ").split()
        raw["allowed_origins"] = _split_lines(text["allowed_origins"])
        raw["targeting"] = _targeting(text)
        raw["accept_client_transcript"] = bool(typed.get("accept_client_transcript"))
        raw["retention_days"] = _whole(text["retention_days"]) if text["retention_days"] else None
        raw["questions"] = [row.to_raw() for row in self.rows]
        return raw

    def show_problems(self, error: ParleyError) -> None:
        """Put what the services found wrong beside the fields it is about."""
        found = error.extra.get("errors")
        if not found:
            self.form.add_error(None, error.detail)
            return
        for problem in found:
            parts = problem["pointer"].strip("/").split("/")
            self._show(parts, problem["detail"])

    def _show(self, parts: Sequence[str], detail: str) -> None:
        name, rest = parts[0], parts[1:]
        if name == "questions":
            self._show_row(rest, detail)
            return
        if name == "targeting" and rest:
            name = f"targeting_{rest[0]}"
        elif rest and name in _LINES:
            detail = f"Line {int(rest[0]) + 1}: {detail}"
        self.form.add_error(name if name in self.form.fields else None, detail)

    def _show_row(self, rest: Sequence[str], detail: str) -> None:
        if not rest:
            self.row_errors.append(detail)
            return
        row = self.rows[int(rest[0])]
        row.errors.setdefault(rest[1] if len(rest) > 1 else "text", []).append(detail)

    def change_rows(self, action: str) -> bool:
        """Add, move or remove a row without script; tell whether ``action`` was one of those."""
        verb, _, number = action.partition(":")
        if verb == "add":
            if len(self.rows) < QUESTIONS_MAX:
                self.rows.append(QuestionRow())
            return True
        if verb not in ("up", "down", "remove") or not number.isdecimal() or len(number) > 3:
            return False
        at = int(number)
        if at < len(self.rows):
            row = self.rows.pop(at)
            if verb != "remove":
                self.rows.insert(max(0, at - 1) if verb == "up" else at + 1, row)
        return True


def empty_builder(*, currency: str = "USD") -> Builder:
    """Return the form of a new survey, with values to start from."""
    form = SurveyForm(
        initial={
            "languages": "en",
            "max_minutes": "10",
            "currency": currency,
            "payment_min": "5",
            "payment_max": "20",
            "max_responses": "50",
            "targeting_percent": "100",
            "targeting_cooldown_days": "7",
        }
    )
    return Builder(form, [QuestionRow(), QuestionRow()])


def survey_builder(survey: Survey) -> Builder:
    """Return the form of a survey that exists."""
    definition = current_definition(survey)
    targeting = definition.targeting
    form = SurveyForm(
        initial={
            "title": definition.title,
            "description": definition.description,
            "objective": definition.objective,
            "languages": ", ".join(definition.languages),
            "max_minutes": definition.max_minutes,
            "currency": survey.currency,
            "payment_min": money.from_minor(definition.payment_min_minor, survey.currency),
            "payment_max": money.from_minor(definition.payment_max_minor, survey.currency),
            "max_responses": definition.max_responses,
            "budget": money.from_minor(definition.budget_minor, survey.currency),
            "consent_text": definition.consent_text,
            "allowed_origins": "\n".join(definition.allowed_origins),
            "targeting_audience": targeting.get("audience", "all"),
            "targeting_device": targeting.get("device", "all"),
            "targeting_percent": targeting.get("percent", ""),
            "targeting_cooldown_days": targeting.get("cooldown_days", ""),
            "targeting_url_contains": "\n".join(targeting.get("url_contains", ())),
            "targeting_attributes": "\n".join(
                f"{name} = {', '.join(values)}"
                for name, values in targeting.get("attributes", {}).items()
            ),
            "accept_client_transcript": definition.accept_client_transcript,
            "retention_days": definition.retention_days or "",
        }
    )
    del form.fields["currency"]
    return Builder(form, [_stored_row(item) for item in current_version(survey).questions])


def read_builder(posted: QueryDict, *, is_new: bool) -> Builder:
    """Return the form as it was sent, rows in the order of the page."""
    form = SurveyForm(posted)
    if not is_new:
        del form.fields["currency"]
    rows = [
        QuestionRow(
            question_id=posted.get(f"q{token}-id", ""),
            text=posted.get(f"q{token}-text", ""),
            kind=posted.get(f"q{token}-kind", ""),
            choices=posted.get(f"q{token}-choices", ""),
            max_probes=posted.get(f"q{token}-max_probes", ""),
            required=bool(posted.get(f"q{token}-required")),
        )
        for token in posted.getlist(_ROW_FIELD)[: QUESTIONS_MAX + 1]
    ]
    return Builder(form, rows)


def _stored_row(item: Mapping[str, Any]) -> QuestionRow:
    return QuestionRow(
        question_id=item["id"],
        text=item["text"],
        kind=item.get("kind", QuestionKind.OPEN.value),
        choices="\n".join(item.get("choices", ())),
        max_probes=str(item.get("max_probes", 2)),
        required=item.get("required", True),
    )


def _targeting(text: Mapping[str, str]) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    for name in ("audience", "device"):
        value = text[f"targeting_{name}"]
        if value and value != "all":
            rules[name] = value
    for name in ("percent", "cooldown_days"):
        if text[f"targeting_{name}"]:
            rules[name] = _whole(text[f"targeting_{name}"])
    urls = _split_lines(text["targeting_url_contains"])
    if urls:
        rules["url_contains"] = urls
    attributes: dict[str, list[str]] = {}
    for line in _split_lines(text["targeting_attributes"]):
        name, _, values = line.partition("=")
        # A line without values stays one, so that the services refuse it by name.
        attributes[name.strip()] = [value.strip() for value in values.split(",") if value.strip()]
    if attributes:
        rules["attributes"] = attributes
    return rules


def _clean(text: str) -> str:
    """Return the text without what no field takes; far longer than any may be, so none is cut."""
    return clean_text(text, TYPED_MAX).text


def _whole(text: str) -> int | str:
    """Return a whole number, or the text as it is, which the services then refuse by name."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text


def _full_budget(payment_max: str, max_responses: str) -> str | None:
    """Return what a full survey at the highest pay costs; None where the two are no numbers."""
    answers = _whole(max_responses)
    try:
        # Any currency will do: three decimals are the most there are.
        pay = money.to_minor(payment_max, "KWD")
    except ValueError:
        return None
    if isinstance(answers, str):
        return None
    amount = money.from_minor(pay * answers, "KWD")
    return f"{amount:f}".rstrip("0").rstrip(".")


def _split_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
