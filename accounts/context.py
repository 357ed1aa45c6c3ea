"""What the navigation of every page needs to know of the person who looks at it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from accounts.api.permissions import COMPANY_SESSION_KEY
from accounts.models import Membership
from accounts.selectors import current_membership


def person(request: HttpRequest) -> dict[str, Any]:
    """Give pages a mark of who is signed in, empty for nobody.

    Scripts keep what they store apart by it, and forget it once the mark is another
    (``static/js/ui/person.js``). It opens nothing and tells no id.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"person_mark": ""}
    return {"person_mark": salted_hmac("accounts.person-mark", str(user.pk)).hexdigest()[:16]}


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Name the company the console shows and the person's role there; empty when there is none.

    Pages behind ``require_role`` looked it up already and pay no second query.
    """
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return {}
        membership = current_membership(user, request.session.get(COMPANY_SESSION_KEY))
    if membership is None:
        return {}
    return {"nav_company": membership.company, "nav_role": membership.role}
