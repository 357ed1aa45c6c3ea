"""Where a newcomer says who they are; two questions, then the catalogue with a recommendation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.models import Market, SkillLevel, User
from core.page_texts import keep_language
from workflows.page_texts import ENGLISH, Words, language_for, words_context
from workflows.selectors.performance import cohort_of
from workflows.services.onboarding import save_cohort

if TYPE_CHECKING:
    _ChoiceBase = forms.ModelChoiceField[Market | SkillLevel]
else:
    # Generic for the type checker only.
    _ChoiceBase = forms.ModelChoiceField


class _Choices(_ChoiceBase):
    """A closed list whose labels are said in the page's language."""

    words = ENGLISH

    def label_from_instance(self, obj: Market | SkillLevel) -> str:
        """Return the label as it stands alone."""
        label = self.words.say_from_server(obj.label)
        return label[:1].upper() + label[1:]


class CohortForm(forms.Form):
    """The two closed lists."""

    market = _Choices(
        Market.objects.all(),
        to_field_name="slug",
        empty_label=None,
        widget=forms.RadioSelect,
    )
    skill_level = _Choices(
        SkillLevel.objects.all(),
        to_field_name="slug",
        empty_label=None,
        widget=forms.RadioSelect,
    )

    def __init__(self, words: Words, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, key in (("market", "who_market"), ("skill_level", "who_skill")):
            field = cast(_Choices, self.fields[name])
            field.words = words
            field.label = words.say(key)
            missing = words.say(f"{key}_missing")
            field.error_messages = {"required": missing, "invalid_choice": missing}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_onboarding(request: HttpRequest) -> HttpResponse:
    """Ask, keep the answers, go on to the catalogue."""
    person = cast(User, request.user)
    cohort = cohort_of(person)
    texts = words_context(language_for(request))
    form = CohortForm(
        texts["words"],
        request.POST if request.method == "POST" else None,
        initial={"market": cohort.market_slug, "skill_level": cohort.skill_level_slug},
    )
    if request.method == "POST" and form.is_valid():
        save_cohort(
            person=person,
            market=form.cleaned_data["market"].slug,
            skill_level=form.cleaned_data["skill_level"].slug,
        )
        return redirect(keep_language(request, reverse("workflow_list")))
    return render(
        request,
        "workflows/onboarding.html",
        {**texts, "form": form, "is_change": cohort.is_complete},
        status=400 if request.method == "POST" else 200,
    )
