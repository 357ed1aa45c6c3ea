"""Who may open a page of the console, and what every page of it carries.

Owns the roles of the pages and the frame around them. Knows no survey.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render

from accounts.access import CompanyRequest, open_to
from accounts.models import Role
from core.text import clean_text
from surveys.selectors.money import count_waiting

P = ParamSpec("P")
View = Callable[Concatenate[CompanyRequest, P], HttpResponseBase]
Checked = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def for_researchers(view: View[P]) -> Checked[P]:
    """Open a page to owners and members; operators read 404."""
    return open_to(view, Role.OWNER, Role.MEMBER)


def for_owners(view: View[P]) -> Checked[P]:
    """Open a page to owners; everybody else reads 404."""
    return open_to(view, Role.OWNER)


def read_word(query: QueryDict, name: str, *, limit: int = 200) -> str:
    """Return a parameter as clean text, cut to a length; empty when it is missing."""
    return clean_text(query.get(name, ""), limit).text.strip()


def is_owner(request: CompanyRequest) -> bool:
    """Tell whether the person may do what only owners do."""
    return request.membership.role == Role.OWNER


def render_page(
    request: CompanyRequest, template: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render a page with what the side navigation shows besides."""
    return render(
        request,
        f"surveys/console/{template}.html",
        {
            "nav_review_count": count_waiting(request.company),
            "is_owner": is_owner(request),
            **context,
        },
        status=status,
    )
