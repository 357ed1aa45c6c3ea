"""Who may open a page of messaging."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.cache import never_cache

from accounts.access import CompanyRequest, require_role
from accounts.models import Role
from core.errors import NotFoundError

P = ParamSpec("P")
View = Callable[Concatenate[CompanyRequest, P], HttpResponseBase]
Checked = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def for_operators(view: View[P]) -> Checked[P]:
    """Open a page to everybody who works in the company: the inbox belongs to all of them."""
    return _for_roles(view, Role.OWNER, Role.MEMBER, Role.OPERATOR)


def for_researchers(view: View[P]) -> Checked[P]:
    """Open a page to owners and members: operators answer, they do not change what is sold."""
    return _for_roles(view, Role.OWNER, Role.MEMBER)


def _for_roles(view: View[P], *roles: Role) -> Checked[P]:
    def found(request: CompanyRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except NotFoundError as error:
            raise Http404(error.detail) from error

    checked = require_role(*roles)(found)
    return never_cache(wraps(view)(checked))
