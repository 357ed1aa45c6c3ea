"""A person's own page, their companies, their second factor."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.api.permissions import COMPANY_SESSION_KEY
from accounts.forms import CodeForm, CompanyForm, ProfileForm
from accounts.models import Profile, User
from accounts.selectors import list_memberships
from accounts.services import second_factor
from accounts.services.companies import create_company
from accounts.services.people import update_profile
from accounts.views.signing_in import safe_next
from core.errors import InvalidInputError


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show and change who a person says they are."""
    user = cast(User, request.user)
    row = Profile.objects.select_related("market", "skill_level").filter(user=user).first()
    form = ProfileForm(
        request.POST or None,
        initial={
            "full_name": user.full_name,
            "language": row.language if row else "en",
            "market": row.market_id if row else None,
            "skill_level": row.skill_level_id if row else None,
        },
    )
    if request.method == "POST" and form.is_valid():
        update_profile(user=user, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("account_profile")
    return render(
        request,
        "accounts/profile.html",
        {
            "form": form,
            "memberships": list_memberships(user),
            "has_second_factor": second_factor.has_second_factor(user),
            "plan": row.get_plan_display() if row else "",
        },
    )


@login_required
@require_http_methods(["GET", "POST"])
def company_new(request: HttpRequest) -> HttpResponse:
    """Create a company; the person becomes its owner."""
    form = CompanyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        company = create_company(name=form.cleaned_data["name"], owner=cast(User, request.user))
        request.session[COMPANY_SESSION_KEY] = company.public_id
        messages.success(request, _("%(name)s is ready.") % {"name": company.name})
        return redirect("console:home")
    return render(request, "accounts/company_new.html", {"form": form})


@login_required
@require_POST
def company_switch(request: HttpRequest) -> HttpResponse:
    """Choose which of one's companies the console shows."""
    chosen = request.POST.get("company", "")
    mine = {row.company.public_id for row in list_memberships(request.user)}
    if chosen not in mine:
        raise Http404
    request.session[COMPANY_SESSION_KEY] = chosen
    return redirect(safe_next(request, "console:home"))


@sensitive_post_parameters("code")
@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def security(request: HttpRequest) -> HttpResponse:
    """Switch the second factor on or off."""
    user = cast(User, request.user)
    is_on = second_factor.has_second_factor(user)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        try:
            if is_on:
                second_factor.switch_off(user=user, code=code)
                messages.success(request, _("The second factor is off."))
                return redirect("account_security")
            codes = second_factor.confirm_enrolment(user=user, code=code)
        except InvalidInputError as error:
            form.add_error("code", error.detail)
        else:
            return render(request, "accounts/recovery_codes.html", {"codes": codes})
    enrolment = None if is_on else second_factor.begin_enrolment(user=user)
    return render(
        request,
        "accounts/security.html",
        {"form": form, "is_on": is_on, "enrolment": enrolment},
    )
