"""A person's page of what is held about them: download it, or delete the account."""

from __future__ import annotations

import json
from typing import cast

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from accounts.forms import EraseAccountForm
from accounts.models import User
from accounts.services import leaving
from core.errors import ParleyError


@never_cache
@login_required
@require_GET
def own_data(request: HttpRequest) -> HttpResponse:
    """Show what can be done, and what would stay."""
    return _show(request, EraseAccountForm())


@never_cache
@login_required
@require_POST
def download(request: HttpRequest) -> HttpResponse:
    """Send everything as a file."""
    user = cast(User, request.user)
    found = leaving.export_person(user=user, actor=user)
    answer = HttpResponse(
        json.dumps(found, ensure_ascii=False, indent=2), content_type="application/json"
    )
    answer["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return answer


@sensitive_post_parameters("password")
@never_cache
@login_required
@require_POST
def erase(request: HttpRequest) -> HttpResponse:
    """Close the account and have everything erased."""
    user = cast(User, request.user)
    form = EraseAccountForm(request.POST)
    if not form.is_valid():
        return _show(request, form, status=400)
    try:
        leaving.confirm_password(user=user, password=form.cleaned_data["password"])
        leaving.request_erasure(user=user, gives_up_credit=form.cleaned_data["gives_up_credit"])
    except ParleyError as error:
        form.add_error("password" if error.code == "wrong_password" else None, error.detail)
        return _show(request, form, status=error.status)
    logout(request)
    return redirect("account_erased")


@require_GET
def erased(request: HttpRequest) -> HttpResponse:
    """Say goodbye to somebody who is no longer signed in."""
    return render(request, "accounts/erased.html")


def _show(request: HttpRequest, form: EraseAccountForm, *, status: int = 200) -> HttpResponse:
    obstacles = leaving.obstacles_of(cast(User, request.user))
    return render(
        request,
        "accounts/own_data.html",
        {
            "form": form,
            "obstacles": [one for one in obstacles if not one.can_be_waived],
            "has_credit": any(one.can_be_waived for one in obstacles),
        },
        status=status,
    )
