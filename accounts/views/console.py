"""The console's pages of keys and of the company itself."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import CompanyRequest, require_role
from accounts.forms import CompanySettingsForm, KeyForm
from accounts.models import Role
from accounts.selectors import list_api_keys, names_of
from accounts.services.api_keys import create_api_key, revoke_api_key
from accounts.services.companies import rotate_identity_secret, update_company
from core import audit


@never_cache
@require_role(Role.OWNER)
@require_http_methods(["GET", "POST"])
def key_list(request: CompanyRequest) -> HttpResponse:
    """List the company's keys; a new one is shown on this answer and never again."""
    form = KeyForm(request.POST or None)
    created = None
    if request.method == "POST" and form.is_valid():
        created = create_api_key(
            company=request.company, name=form.cleaned_data["name"], created_by=request.user
        )
        form = KeyForm()
    return render(
        request,
        "accounts/keys.html",
        {"form": form, "created": created, "keys": list_api_keys(request.company)},
    )


@require_role(Role.OWNER)
@require_POST
def key_revoke(request: CompanyRequest, public_id: str) -> HttpResponse:
    """Make a key worthless."""
    key = list_api_keys(request.company).filter(public_id=public_id).first()
    if key is None:
        raise Http404
    revoke_api_key(key=key, actor=request.user)
    messages.success(request, _("%(name)s no longer works.") % {"name": key.name})
    return redirect("console:key_list")


@require_role(Role.OWNER)
@require_http_methods(["GET", "POST"])
def company_settings(request: CompanyRequest) -> HttpResponse:
    """Change the company's name and retention."""
    form = CompanySettingsForm(
        request.POST or None,
        initial={"name": request.company.name, "retention_days": request.company.retention_days},
    )
    if request.method == "POST" and form.is_valid():
        update_company(company=request.company, actor=request.user, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("console:settings")
    return render(request, "accounts/company_settings.html", {"form": form})


TRAIL_PAGE = 50


@require_role(Role.OWNER)
@require_GET
def trail(request: CompanyRequest) -> HttpResponse:
    """Show who did what in the company, newest first."""
    raw = request.GET.get("before", "")
    before = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 19 else None
    events = audit.list_events(company=request.company, before=before, limit=TRAIL_PAGE + 1)
    page = events[:TRAIL_PAGE]
    names = names_of(event.actor for event in page)
    lines = [(event, names.get(event.actor, "")) for event in page]
    next_url = f"?before={page[-1].pk}" if len(events) > TRAIL_PAGE else ""
    return render(
        request,
        "accounts/trail.html",
        {"lines": lines, "next_url": next_url, "first_url": "?" if before else ""},
    )


@require_role(Role.OWNER)
@require_POST
def identity_rotate(request: CompanyRequest) -> HttpResponse:
    """Replace the identity secret; the install page shows the new one."""
    rotate_identity_secret(company=request.company, actor=request.user)
    messages.success(
        request, _("There is a new identity secret. Put it on your server: the old one is refused.")
    )
    return redirect("console:install")
