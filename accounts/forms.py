"""Forms of the account pages: shape only, the services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Market, Role, SkillLevel, User
from core.text import clean_text

NAME_LENGTH = 120


class CleanNameField(forms.CharField):
    """One line of a name: no hidden characters, nothing but text."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        return " ".join(clean_text(text, NAME_LENGTH).text.split())


class SignInForm(AuthenticationForm):
    """E-mail address and password."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": _(
            "That e-mail address and password do not fit together. "
            "Check both, or reset the password."
        ),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("E-mail address")
        self.fields["username"].widget = forms.EmailInput(
            attrs={"autocomplete": "username", "autofocus": True}
        )


class SignUpForm(forms.Form):
    """What a person gives to open an account."""

    full_name = CleanNameField(
        label=_("Your name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    email = forms.EmailField(
        label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=_("At least 8 characters. A few unrelated words make a good one."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    company_name = CleanNameField(
        label=_("Company"),
        required=False,
        max_length=NAME_LENGTH,
        help_text=_("Only if you want to ask people something. You can add it later."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        password = cleaned.get("password")
        if password:
            person = User(email=cleaned.get("email", ""), full_name=cleaned.get("full_name", ""))
            try:
                validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned


class ProfileForm(forms.Form):
    """Who a person says they are."""

    full_name = CleanNameField(
        label=_("Your name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    market = forms.ModelChoiceField(
        Market.objects.all(),
        label=_("What describes you best"),
        required=False,
        empty_label=_("Choose…"),
    )
    skill_level = forms.ModelChoiceField(
        SkillLevel.objects.all(),
        label=_("Experience"),
        required=False,
        empty_label=_("Choose…"),
    )


class CompanyForm(forms.Form):
    """A new company's name."""

    name = CleanNameField(
        label=_("Company name"),
        max_length=NAME_LENGTH,
        help_text=_("Respondents see it on your surveys."),
        widget=forms.TextInput(attrs={"autocomplete": "organization", "autofocus": True}),
    )


class CompanySettingsForm(forms.Form):
    """What an owner may change about a company."""

    name = CleanNameField(label=_("Company name"), max_length=NAME_LENGTH)
    retention_days = forms.IntegerField(
        label=_("Keep conversations for"),
        min_value=1,
        max_value=3650,
        help_text=_("Days after which what people said is deleted. Payments stay, without names."),
    )


class InvitationForm(forms.Form):
    """Whom to invite, as what."""

    email = forms.EmailField(label=_("E-mail address"))
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.MEMBER)


class RoleForm(forms.Form):
    """A member's new role."""

    role = forms.ChoiceField(choices=Role.choices)


class KeyForm(forms.Form):
    """What a key is called."""

    name = CleanNameField(
        label=_("Name"), max_length=80, help_text=_("Where it will be used, such as “shop server”.")
    )


class CodeForm(forms.Form):
    """A code of the second factor: six digits, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=16,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}
        ),
    )

    def clean_code(self) -> str:
        return "".join(self.cleaned_data["code"].split()).lower()


class EraseAccountForm(forms.Form):
    """What a person confirms before their account is deleted."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    gives_up_credit = forms.BooleanField(
        label=_("I give up the money that is left in my wallet."), required=False
    )
