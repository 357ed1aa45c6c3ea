"""What a contact means to buy. Owns `Cart` and `CartLine`; takes no stock, promises none.

Prices noted in a cart are what the person was shown. What is charged is read from the catalogue
when the order is placed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from core.errors import ConflictError
from messaging.models import Cart, CartLine, CartState, Product

QUANTITY_MAX = 999
LINES_MAX = 50


class SoldOutError(ConflictError):
    """There is less of a product than is wanted."""

    def __init__(self, product: Product, wanted: int) -> None:
        super().__init__(
            "sold_out",
            f"Only {product.stock} of {product.sku} are left.",
            extra={"product": product.public_id, "left": product.stock, "wanted": wanted},
        )
        self.product = product


@dataclass(frozen=True, slots=True)
class WantedItem:
    """A product and how many of it somebody wants in all."""

    product_id: int
    quantity: int


def open_cart(*, company_id: int, contact_id: int) -> Cart:
    """Return the contact's open cart, made if there is none. Joins the caller's transaction."""
    found = Cart.objects.filter(contact_id=contact_id, state=CartState.OPEN).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return Cart.objects.create(company_id=company_id, contact_id=contact_id)
    except IntegrityError:
        # Another request of the same person opened it between the two statements.
        return Cart.objects.get(contact_id=contact_id, state=CartState.OPEN)


def add_to_cart(*, company_id: int, contact_id: int, product_id: int, quantity: int) -> CartLine:
    """Put more of a product into the contact's cart.

    Raises:
        ConflictError: the product is not on sale (``not_on_sale``), there is less of it than the
            cart would hold (``sold_out``), or the cart is full (``cart_full``).

    Runs in one transaction, joins the caller's. Not idempotent: the caller's turn is.
    """
    with transaction.atomic():
        cart = _locked_cart(company_id, contact_id)
        line = CartLine.objects.filter(cart=cart, product_id=product_id).first()
        had = line.quantity if line else 0
        return _put(cart, company_id, product_id, had + max(1, quantity))


def set_quantity(
    *, company_id: int, contact_id: int, product_id: int, quantity: int
) -> CartLine | None:
    """Make the cart hold exactly so many of a product; none takes it out.

    Raises:
        ConflictError: as for `add_to_cart`.
    """
    with transaction.atomic():
        cart = _locked_cart(company_id, contact_id)
        if quantity <= 0:
            CartLine.objects.filter(cart=cart, product_id=product_id).delete()
            return None
        return _put(cart, company_id, product_id, quantity)


def replace_lines(*, company_id: int, contact_id: int, items: Sequence[WantedItem]) -> Cart:
    """Make the cart hold exactly these items: what WhatsApp's own cart says when it is sent.

    What there is less of goes in as far as it goes; what is not on sale stays out. The caller
    compares and tells.
    """
    with transaction.atomic():
        cart = _locked_cart(company_id, contact_id)
        cart.lines.all().delete()
        wanted: dict[int, int] = {}
        for item in items[:LINES_MAX]:
            wanted[item.product_id] = wanted.get(item.product_id, 0) + max(1, item.quantity)
        on_sale = Product.objects.filter(
            company_id=company_id, pk__in=wanted, is_active=True, stock__gt=0
        )
        CartLine.objects.bulk_create(
            CartLine(
                cart=cart,
                product=product,
                quantity=min(wanted[product.pk], product.stock, QUANTITY_MAX),
                shown_price_minor=product.price_minor,
            )
            for product in on_sale
        )
        return cart


def accept_changes(*, company_id: int, contact_id: int) -> None:
    """Bring the cart to what the catalogue says now: prices, and no more than there is.

    For after the person was told. Joins the caller's transaction.
    """
    with transaction.atomic():
        cart = _locked_cart(company_id, contact_id)
        for line in cart.lines.select_related("product"):
            left = line.product.stock if line.product.is_active else 0
            if left <= 0:
                line.delete()
                continue
            line.quantity = min(line.quantity, left)
            line.shown_price_minor = line.product.price_minor
            line.save(update_fields=["quantity", "shown_price_minor"])


def clear_cart(*, contact_id: int) -> None:
    """Give the open cart up. Without one nothing happens."""
    Cart.objects.filter(contact_id=contact_id, state=CartState.OPEN).update(
        state=CartState.ABANDONED
    )


def _locked_cart(company_id: int, contact_id: int) -> Cart:
    cart = open_cart(company_id=company_id, contact_id=contact_id)
    return Cart.objects.select_for_update().get(pk=cart.pk)


def _put(cart: Cart, company_id: int, product_id: int, quantity: int) -> CartLine:
    product = Product.objects.filter(company_id=company_id, pk=product_id, is_active=True).first()
    if product is None:
        raise ConflictError("not_on_sale", "This product is not on sale any more.")
    if quantity > QUANTITY_MAX or product.stock < quantity:
        raise SoldOutError(product, quantity)
    known = CartLine.objects.filter(cart=cart)
    if known.exclude(product=product).count() >= LINES_MAX:
        raise ConflictError("cart_full", f"A cart holds at most {LINES_MAX} different products.")
    line, _ = CartLine.objects.update_or_create(
        cart=cart,
        product=product,
        defaults={"quantity": quantity, "shown_price_minor": product.price_minor},
    )
    cart.save(update_fields=["updated_at"])
    return line
