"""What every turn or greeting needs of a shop: its number, its name, whether it sells anything.

These change once in a month, so each process remembers them for some seconds. Prices, stock and
hours are read whenever they are said.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.remembered import Remembered
from messaging.models import BusinessNumber, BusinessProfile, Product


@dataclass(frozen=True, slots=True)
class ShopFront:
    """A shop as its greeting shows it."""

    name: str
    """Empty while the company has no profile."""
    has_goods: bool


def _read_shop_front(company_id: int) -> ShopFront:
    profiles = BusinessProfile.objects.filter(company_id=company_id)
    return ShopFront(
        name=profiles.values_list("name", flat=True).first() or "",
        has_goods=Product.objects.filter(
            company_id=company_id, is_active=True, category__isnull=False
        ).exists(),
    )


shop_front_of = Remembered(_read_shop_front)
"""By the company's id, at most five seconds old."""


def _read_number(number_id: int) -> BusinessNumber:
    return BusinessNumber.objects.select_related("company").get(pk=number_id)


number_of = Remembered(_read_number)
"""A business number with its company, by its key, at most five seconds old. Read, never saved."""
