"""The door of the console's pages: which company a page works in, and who may open it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

from accounts.api.permissions import COMPANY_SESSION_KEY
from accounts.models import Company, Membership, Role, User
from accounts.selectors import current_membership
from core.errors import NotFoundError

P = ParamSpec("P")


class CompanyRequest(HttpRequest):
    """A request that passed ``require_role``: signed in, in a company, with a role."""

    user: User
    company: Company
    membership: Membership


def require_role(
    *roles: Role,
) -> Callable[
    [Callable[Concatenate[CompanyRequest, P], HttpResponseBase]],
    Callable[Concatenate[HttpRequest, P], HttpResponseBase],
]:
    """Open a page to people with one of ``roles`` in the company the console shows.

    Somebody not signed in is sent to sign in, somebody without a company to create one; a role
    that may not is told 404, so that nobody learns what is there. The roles stand on the view as
    ``allowed_roles``, where the navigation looks before it offers the page.
    """

    def decorate(
        view: Callable[Concatenate[CompanyRequest, P], HttpResponseBase],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        @wraps(view)
        @login_required
        def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            membership = current_membership(request.user, request.session.get(COMPANY_SESSION_KEY))
            if membership is None:
                return redirect("account_company_new")
            if membership.role not in roles:
                raise Http404
            console_request = cast(CompanyRequest, request)
            console_request.membership = membership
            console_request.company = membership.company
            return view(console_request, *args, **kwargs)

        checked.allowed_roles = frozenset(roles)  # type: ignore[attr-defined]  # read by open_url
        return cast(Callable[Concatenate[HttpRequest, P], HttpResponseBase], checked)

    return decorate


def open_to(
    view: Callable[Concatenate[CompanyRequest, P], HttpResponseBase], *roles: Role
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Open a company's page to roles, uncached; what a service does not find reads 404."""

    def found(request: CompanyRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except NotFoundError as error:
            raise Http404(error.detail) from error

    return never_cache(wraps(view)(require_role(*roles)(found)))
