"""Forms of the console's webhook pages."""

from __future__ import annotations

from typing import Any

from django import forms

from core.errors import InvalidInputError
from webhooks.events import list_event_types
from webhooks.models import URL_LENGTH
from webhooks.services.endpoints import check_url


class EndpointForm(forms.Form):
    """An address and what is sent there."""

    url = forms.CharField(
        label="Address",
        max_length=URL_LENGTH,
        help_text="Starts with https:// and answers within ten seconds.",
        widget=forms.URLInput(
            attrs={"placeholder": "https://hooks.example.com/parley", "autocomplete": "off"}
        ),
    )
    event_types = forms.MultipleChoiceField(
        label="Events", widget=forms.CheckboxSelectMultiple, choices=()
    )
    description = forms.CharField(
        label="What it is for",
        max_length=120,
        required=False,
        help_text="Only your company reads it.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = list_event_types()
        chosen: Any = self.fields["event_types"]
        chosen.choices = [(one.name, f"{one.label}: {one.summary}") for one in types]
        if "event_types" not in self.initial:
            self.initial["event_types"] = [one.name for one in types]

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        try:
            check_url(url)
        except InvalidInputError as error:
            raise forms.ValidationError(error.detail) from error
        return url
