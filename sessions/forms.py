"""The filter form of the history page."""

from __future__ import annotations

from typing import Any

from django import forms

from sessions.models import SessionKind, SessionStatus, Transport
from sessions.selectors import HistoryFilter


class HistoryForm(forms.Form):
    """What a person narrows their conversations by. Every field may be left empty."""

    words = forms.CharField(label="Words said", required=False, max_length=80)
    kind = forms.ChoiceField(
        label="Kind", required=False, choices=[("", "All kinds"), *SessionKind.choices]
    )
    status = forms.ChoiceField(
        label="Status", required=False, choices=[("", "Any status"), *SessionStatus.choices]
    )
    transport = forms.ChoiceField(
        label="Carried by", required=False, choices=[("", "Anything"), *Transport.choices]
    )
    since = forms.DateField(
        label="From", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label="Until", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, languages: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "All languages"), *((code, code) for code in languages)]
        self.fields["language"] = forms.ChoiceField(
            label="Language", required=False, choices=choices
        )

    def clean(self) -> dict[str, Any]:
        """Refuse a span that ends before it begins."""
        fields = super().clean() or {}
        since, until = fields.get("since"), fields.get("until")
        if since and until and until < since:
            self.add_error("until", "This day is before the first one.")
        return fields

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
