"""Who may what: roles for people in the console, companies for keys."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import KeyUser
from accounts.models import Company, Role, User
from accounts.selectors import current_membership

COMPANY_SESSION_KEY = "company"
"""Where the login session remembers which company the console shows."""

RESEARCH_ROLES = frozenset({Role.OWNER, Role.MEMBER})
"""Who works with surveys, conversations and reviews."""


def company_of_request(request: Request, roles: frozenset[Role] = RESEARCH_ROLES) -> Company | None:
    """Return the company a request acts for, or None when it may not act for one.

    A key acts for its company; a person for the company the console shows, if their role is
    among ``roles``.
    """
    user: Any = request.user
    if isinstance(user, KeyUser):
        return user.company
    if not isinstance(user, User):
        return None
    membership = current_membership(user, request.session.get(COMPANY_SESSION_KEY))
    if membership is None or membership.role not in roles:
        return None
    return membership.company


class ConsoleAuthentication(SessionAuthentication):
    """The login cookie of the console's own pages, with CSRF on everything that writes."""


class ActsForCompany(BasePermission):
    """Let through what acts for a company, and put that company on the view as ``company``."""

    message = "Sign in as a member of a company, or send a company key."

    def has_permission(self, request: Request, view: APIView) -> bool:
        roles = getattr(view, "company_roles", RESEARCH_ROLES)
        company = company_of_request(request, roles)
        view.company = company  # type: ignore[attr-defined]  # the view declares it
        return company is not None
