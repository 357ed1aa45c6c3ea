"""Where a newcomer says who they are; two questions, then the catalogue with a recommendation."""

from __future__ import annotations

from typing import cast

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import Market, SkillLevel, User
from workflows.selectors.performance import cohort_of
from workflows.services.onboarding import save_cohort


class CohortForm(forms.Form):
    """The two closed lists."""

    market = forms.ModelChoiceField(
        Market.objects.all(),
        label="What describes you best?",
        to_field_name="slug",
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what describes you best; “Something else” is fine."},
    )
    skill_level = forms.ModelChoiceField(
        SkillLevel.objects.all(),
        label="How much have you done with AI tools?",
        to_field_name="slug",
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how much you have done; a rough guess is fine."},
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_onboarding(request: HttpRequest) -> HttpResponse:
    """Ask, keep the answers, go on to the catalogue."""
    person = cast(User, request.user)
    cohort = cohort_of(person)
    form = CohortForm(
        request.POST or None,
        initial={"market": cohort.market_slug, "skill_level": cohort.skill_level_slug},
    )
    if request.method == "POST" and form.is_valid():
        save_cohort(
            person=person,
            market=form.cleaned_data["market"].slug,
            skill_level=form.cleaned_data["skill_level"].slug,
        )
        return redirect("workflow_list")
    return render(
        request,
        "workflows/onboarding.html",
        {"form": form, "is_change": cohort.is_complete},
        status=400 if request.method == "POST" else 200,
    )
