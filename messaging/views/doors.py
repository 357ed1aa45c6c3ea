"""Who may open a page of messaging."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponseBase

from accounts.access import CompanyRequest, open_to
from accounts.models import Role

P = ParamSpec("P")
View = Callable[Concatenate[CompanyRequest, P], HttpResponseBase]
Checked = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def for_operators(view: View[P]) -> Checked[P]:
    """Open a page to everybody who works in the company: the inbox belongs to all of them."""
    return open_to(view, Role.OWNER, Role.MEMBER, Role.OPERATOR)


def for_researchers(view: View[P]) -> Checked[P]:
    """Open a page to owners and members: operators answer, they do not change what is sold."""
    return open_to(view, Role.OWNER, Role.MEMBER)
