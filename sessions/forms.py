"""The filter form of the history page."""

from __future__ import annotations

from typing import Any

from django import forms

from sessions.models import SessionKind, SessionStatus, Transport
from sessions.page_texts import HistoryTexts
from sessions.selectors import HistoryFilter


class HistoryForm(forms.Form):
    """What a person narrows their conversations by. Every field may be left empty."""

    words = forms.CharField(required=False, max_length=80)
    kind = forms.ChoiceField(required=False)
    status = forms.ChoiceField(required=False)
    transport = forms.ChoiceField(required=False)
    since = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    language = forms.ChoiceField(required=False)

    def __init__(
        self, *args: Any, languages: list[str], texts: HistoryTexts, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._words = words = texts.words
        self._choices = choices = {
            "kind": [(code, texts.name("kind", code)) for code in SessionKind.values],
            "status": [(code, texts.name("status", code)) for code in SessionStatus.values],
            "transport": [(code, texts.name("transport", code)) for code in Transport.values],
            "language": [(code, code) for code in languages],
        }
        for name, field in self.fields.items():
            field.label = words[f"field_{name}"]
            if isinstance(field, forms.ChoiceField):
                field.choices = [("", words[f"any_{name}"]), *choices[name]]
                field.error_messages["invalid_choice"] = words["error_choice"]
            elif isinstance(field, forms.DateField):
                field.error_messages["invalid"] = words["error_date"]
            else:
                field.error_messages["max_length"] = words["error_words"]

    def clean(self) -> dict[str, Any]:
        """Refuse a span that ends before it begins."""
        fields = super().clean() or {}
        since, until = fields.get("since"), fields.get("until")
        if since and until and until < since:
            self.add_error("until", self._words["error_span"])
        return fields

    def describe(self) -> str:
        """Return in a few words what narrows the list; empty when nothing does."""
        if not self.is_valid():
            return ""
        found = []
        for name, field in self.fields.items():
            value = self.cleaned_data[name]
            if not value:
                continue
            if isinstance(field, forms.ChoiceField):
                found.append(dict(self._choices[name])[value])
            elif isinstance(field, forms.DateField):
                found.append(f"{field.label} {value:%Y-%m-%d}")
            else:
                found.append(self._words["quoted"].format(words=value))
        return ", ".join(found)

    def narrowed(self) -> HistoryFilter:
        """Return the filter; fields that could not be used do not narrow."""
        fields = self.cleaned_data if self.is_valid() else {}
        return HistoryFilter(
            kind=fields.get("kind", ""),
            status=fields.get("status", ""),
            language=fields.get("language", ""),
            transport=fields.get("transport", ""),
            since=fields.get("since"),
            until=fields.get("until"),
            words=fields.get("words", ""),
        )
