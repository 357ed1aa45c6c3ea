"""What the pages of the shop have in common: tabs, problems, and what fields show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse

from accounts.access import CompanyRequest
from core.errors import ParleyError


def render_shop(
    request: CompanyRequest, name: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """Return a page of the shop below its tabs."""
    here = request.resolver_match.url_name if request.resolver_match else ""
    tabs = [
        (label, reverse(url), here in names)
        for label, url, names in (
            ("Hours and place", "shop", ("shop", "shop_save")),
            ("Questions", "shop_faq", ("shop_faq", "shop_faq_edit", "shop_faq_new")),
            ("Catalogue", "shop_goods", ("shop_goods", "shop_product", "shop_product_new")),
            ("Templates", "shop_templates", ("shop_templates",)),
            ("Numbers", "shop_numbers", ("shop_numbers", "shop_number", "shop_number_new")),
        )
    ]
    return render(request, f"messaging/{name}.html", {"tabs": tabs, **context}, status=status)


def problems_of(error: ParleyError) -> list[str]:
    """Return what is wrong, one line for each field."""
    found = error.extra.get("errors")
    return list(found.values()) if isinstance(found, dict) and found else [error.detail]


def values_of(sent: QueryDict, row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Return what the fields of a form show: what was typed, else what stands."""
    return {name: sent.get(name, getattr(row, name, "") or "") for name in names}
