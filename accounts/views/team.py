"""The console's team page and the way in by invitation."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.mail import send_mail
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import CompanyRequest, require_role
from accounts.api.permissions import COMPANY_SESSION_KEY
from accounts.forms import InvitationForm, RoleForm
from accounts.models import Role, User
from accounts.selectors import list_members, list_open_invitations
from accounts.services import companies, invitations
from core import ratelimit
from core.errors import NotFoundError, ParleyError

INVITATIONS_PER_DAY = 100


@require_role(Role.OWNER, Role.MEMBER)
@require_http_methods(["GET", "POST"])
def team(request: CompanyRequest) -> HttpResponse:
    """Show who belongs to the company; owners invite."""
    is_owner = request.membership.role == Role.OWNER
    form = InvitationForm(request.POST if request.method == "POST" and is_owner else None)
    if request.method == "POST" and is_owner and form.is_valid():
        try:
            ratelimit.hit(
                scope="invitation",
                key=request.company.public_id,
                limit=INVITATIONS_PER_DAY,
                window_seconds=86_400,
            )
            created = invitations.invite(
                company=request.company,
                email=form.cleaned_data["email"],
                role=Role(form.cleaned_data["role"]),
                actor=request.user,
            )
        except ParleyError as error:
            form.add_error("email", error.detail)
        else:
            _send_invitation(request, created)
            messages.success(
                request,
                _("An invitation is on its way to %(email)s.") % {"email": created.row.email},
            )
            return redirect("console:team")
    return render(
        request,
        "accounts/team.html",
        {
            "form": form,
            "is_owner": is_owner,
            "members": list_members(request.company),
            "invitations": list_open_invitations(request.company),
            "roles": Role.choices,
        },
    )


def _send_invitation(request: CompanyRequest, created: invitations.CreatedInvitation) -> None:
    # The token stands behind '#': it reaches the page's script, never a server log or a referrer.
    link = f"{settings.SITE_URL}{reverse('account_invitation')}#{created.plain}"
    context = {
        "company": request.company.name,
        "inviter": request.user.display_name,
        "link": link,
        "days": settings.INVITATION_DAYS,
    }
    send_mail(
        subject=_("%(company)s invites you to Parley") % {"company": request.company.name},
        message=render_to_string("accounts/email/invitation.txt", context),
        from_email=None,
        recipient_list=[created.row.email],
    )


@require_role(Role.OWNER)
@require_POST
def member_role(request: CompanyRequest, user_public_id: str) -> HttpResponse:
    """Give a member another role."""
    if not list_members(request.company).filter(user__public_id=user_public_id).exists():
        raise Http404
    form = RoleForm(request.POST)
    if form.is_valid():
        try:
            companies.change_role(
                company=request.company,
                user_public_id=user_public_id,
                role=Role(form.cleaned_data["role"]),
                actor=request.user,
            )
            messages.success(request, _("The role was changed."))
        except NotFoundError as error:
            raise Http404 from error
        except ParleyError as error:
            messages.error(request, error.detail)
    else:
        messages.error(request, _("Choose one of the roles."))
    return redirect("console:team")


@require_role(Role.OWNER)
@require_POST
def member_remove(request: CompanyRequest, user_public_id: str) -> HttpResponse:
    """Take a member out of the company."""
    try:
        companies.remove_member(
            company=request.company, user_public_id=user_public_id, actor=request.user
        )
        messages.success(request, _("The person no longer belongs to the company."))
    except NotFoundError as error:
        raise Http404 from error
    except ParleyError as error:
        messages.error(request, error.detail)
    return redirect("console:team")


@require_role(Role.OWNER)
@require_POST
def invitation_revoke(request: CompanyRequest, public_id: str) -> HttpResponse:
    """Withdraw an open invitation."""
    try:
        invitations.revoke_invitation(
            company=request.company, public_id=public_id, actor=request.user
        )
    except NotFoundError as error:
        raise Http404 from error
    messages.success(request, _("The invitation was withdrawn."))
    return redirect("console:team")


@require_role(Role.OWNER)
@require_POST
def invitation_resend(request: CompanyRequest, public_id: str) -> HttpResponse:
    """Send an open invitation again, with a new link; the old one ends."""
    row = list_open_invitations(request.company).filter(public_id=public_id).first()
    if row is None:
        raise Http404
    created = invitations.invite(
        company=request.company, email=row.email, role=Role(row.role), actor=request.user
    )
    _send_invitation(request, created)
    messages.success(request, _("A new link is on its way to %(email)s.") % {"email": row.email})
    return redirect("console:team")


@never_cache
@require_http_methods(["GET", "POST"])
def invitation_accept(request: HttpRequest) -> HttpResponse:
    """Join a company. The page's script moves the token from behind '#' into the form."""
    if request.method == "GET":
        return render(request, "accounts/invitation.html")
    return _accept(request)


@login_required
def _accept(request: HttpRequest) -> HttpResponse:
    try:
        membership = invitations.accept_invitation(
            plain=request.POST.get("token", ""), user=cast(User, request.user)
        )
    except ParleyError as error:
        return render(
            request, "accounts/invitation.html", {"error": error.detail}, status=error.status
        )
    request.session[COMPANY_SESSION_KEY] = membership.company.public_id
    messages.success(
        request, _("You belong to %(company)s now.") % {"company": membership.company.name}
    )
    return redirect("home" if membership.role == Role.OPERATOR else "console:home")
