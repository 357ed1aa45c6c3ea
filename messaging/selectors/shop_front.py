"""What a greeting needs of a shop: its name, and whether it sells anything.

Every conversation begins with these two, and they change once in a month, so each process
remembers them for some seconds. Prices, stock and hours are read whenever they are said.
"""

from __future__ import annotations

from dataclasses import dataclass

from core import clock
from messaging.models import BusinessProfile, Product

REMEMBERED_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ShopFront:
    """A shop as its greeting shows it."""

    name: str
    """Empty while the company has no profile."""
    has_goods: bool


_remembered: dict[int, tuple[float, ShopFront]] = {}


def shop_front_of(company_id: int) -> ShopFront:
    """Return a company's shop front, at most five seconds old."""
    now = clock.monotonic()
    known = _remembered.get(company_id)
    if known is not None and now - known[0] < REMEMBERED_SECONDS:
        return known[1]
    front = ShopFront(
        name=BusinessProfile.objects.filter(company_id=company_id)
        .values_list("name", flat=True)
        .first()
        or "",
        has_goods=Product.objects.filter(
            company_id=company_id, is_active=True, category__isnull=False
        ).exists(),
    )
    _remembered[company_id] = (now, front)
    return front


def forget_shop_fronts() -> None:
    """Read them anew: between tests, and where a company has just changed its shop."""
    _remembered.clear()
