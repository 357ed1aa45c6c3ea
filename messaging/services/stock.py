"""Changes of stock: every one is a conditional statement and a movement beside it.

Owns ``Product.stock`` and `StockMovement`. Stock never falls below nothing: what is not there
cannot be taken, whoever asks at the same moment.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from accounts.models import User
from core import audit, clock
from core.errors import InvalidInputError
from messaging.models import Product, StockMovement, StockReason

STOCK_MAX = 1_000_000


def take_stock(*, product_id: int, quantity: int, order_ref: str) -> bool:
    """Take goods for an order; False when there are not enough or the product is off sale.

    One conditional statement, so of two that want the last one, one gets it. Joins the caller's
    transaction.
    """
    taken = Product.objects.filter(pk=product_id, stock__gte=quantity, is_active=True).update(
        stock=F("stock") - quantity
    )
    if not taken:
        return False
    _note(product_id, -quantity, StockReason.ORDERED, order_ref=order_ref)
    return True


def return_stock(*, product_id: int, quantity: int, order_ref: str) -> None:
    """Put goods of a given-up order back. Joins the caller's transaction."""
    Product.objects.filter(pk=product_id).update(stock=F("stock") + quantity)
    _note(product_id, quantity, StockReason.RETURNED, order_ref=order_ref)


def count_stock(*, product: Product, counted: int, actor: User) -> Product:
    """Set the stock to what a person has counted.

    Raises:
        InvalidInputError: less than nothing or more than a million.

    Runs in one transaction; the movement holds the difference.
    """
    if not 0 <= counted <= STOCK_MAX:
        raise InvalidInputError("invalid_stock", f"Give a stock between 0 and {STOCK_MAX:,}.")
    with transaction.atomic():
        row = Product.objects.select_for_update().get(pk=product.pk)
        difference = counted - row.stock
        if difference:
            row.stock = counted
            row.save(update_fields=["stock", "updated_at"])
            _note(row.pk, difference, StockReason.COUNTED, actor=actor)
            audit.record_event(
                actor=actor,
                action="product.stock_counted",
                object_ref=row,
                company=row.company,
                note=f"{difference:+d}",
            )
    return row


def _note(
    product_id: int,
    delta: int,
    reason: StockReason,
    *,
    order_ref: str = "",
    actor: User | None = None,
) -> None:
    StockMovement.objects.create(
        product_id=product_id,
        delta=delta,
        reason=reason,
        order_ref=order_ref,
        actor=actor,
        at=clock.now(),
    )
