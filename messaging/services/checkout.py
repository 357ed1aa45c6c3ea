"""Turns a cart into an order: the moment prices, stock and the fee are read for good.

Nothing the dialogue says decides an amount. The caller names the total the person agreed to; if
the catalogue has changed since, nothing happens and the person is told what changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction

from accounts.models import Company
from core import clock
from core.errors import ConflictError, InvalidInputError
from messaging.models import (
    Cart,
    CartLine,
    CartState,
    DeliveryPlace,
    Fulfilment,
    Order,
    OrderEvent,
    OrderLine,
    OrderPayment,
    OrderState,
    Product,
)
from messaging.payments import factory
from messaging.services.numbering import ORDER_SERIES, next_number
from messaging.services.stock import take_stock

PAY_WITHIN = timedelta(hours=2)
ADDRESS_MAX = 400


class CartChangedError(ConflictError):
    """The catalogue is no longer what the person agreed to."""

    def __init__(self) -> None:
        super().__init__(
            "cart_changed",
            "A price, the stock or the delivery fee has changed. Look at the cart again.",
        )


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """What the person has agreed to."""

    company_id: int
    contact_id: int
    agreed_total_minor: int
    fulfilment: Fulfilment
    language: str = "es"
    recipient: str = ""
    address: str = ""
    place_id: int | None = None


@dataclass(frozen=True, slots=True)
class CartTotals:
    """What a cart comes to now, in minor units."""

    currency: str
    subtotal_minor: int
    fee_minor: int
    lines: tuple[CartLine, ...] = field(default=())

    @property
    def total_minor(self) -> int:
        """Goods and delivery."""
        return self.subtotal_minor + self.fee_minor


def total_cart(*, cart: Cart, place: DeliveryPlace | None) -> CartTotals:
    """Return what a cart costs by the catalogue of this moment. Reads only."""
    lines = tuple(cart.lines.select_related("product"))
    subtotal = sum(line.quantity * line.product.price_minor for line in lines)
    currency = lines[0].product.currency if lines else ""
    return CartTotals(currency, subtotal, fee_for(place, subtotal), lines)


def fee_for(place: DeliveryPlace | None, subtotal_minor: int) -> int:
    """Return the delivery fee of an order of this size; nothing without a place (pickup)."""
    if place is None:
        return 0
    free_from = place.free_from_minor
    if free_from is not None and subtotal_minor >= free_from:
        return 0
    return place.fee_minor


def place_order(request: CheckoutRequest) -> Order:
    """Make the order of a contact's cart, take its stock and open its payment.

    Returns:
        The new order, awaiting payment.

    Raises:
        ConflictError: the cart is empty (``cart_empty``), or a price, the stock or the fee is not
            what was agreed to (`CartChangedError`).
        InvalidInputError: a delivery without an address or a place this shop delivers to.

    Runs in one transaction, joins the caller's: all of it or nothing. A cart makes one order,
    also when two calls come at once.
    """
    with transaction.atomic():
        cart = (
            Cart.objects.select_for_update()
            .filter(
                company_id=request.company_id,
                contact_id=request.contact_id,
                state=CartState.OPEN,
            )
            .first()
        )
        if cart is None or not cart.lines.exists():
            raise ConflictError("cart_empty", "There is nothing in the cart.")
        place = _place_of(request)
        # In the order of their keys, so that two orders of the same goods never wait for each
        # other; locked, so that no price moves between reading and charging.
        products = {
            product.pk: product
            for product in Product.objects.select_for_update()
            .filter(pk__in=cart.lines.values("product_id"))
            .order_by("pk")
        }
        lines = list(cart.lines.order_by("product_id"))
        _refuse_changes(lines, products)
        subtotal = sum(line.quantity * products[line.product_id].price_minor for line in lines)
        fee = fee_for(place, subtotal)
        if subtotal + fee != request.agreed_total_minor:
            raise CartChangedError
        order = _create(request, cart, place, subtotal, fee, products[lines[0].product_id].currency)
        for line in lines:
            product = products[line.product_id]
            if not take_stock(
                product_id=product.pk, quantity=line.quantity, order_ref=order.public_id
            ):
                raise CartChangedError
            OrderLine.objects.create(
                order=order,
                product=product,
                sku=product.sku,
                name=product.name_en if request.language == "en" else product.name_es,
                quantity=line.quantity,
                unit_price_minor=product.price_minor,
            )
        cart.state = CartState.ORDERED
        cart.save(update_fields=["state", "updated_at"])
        return order


def _refuse_changes(lines: list[CartLine], products: dict[int, Product]) -> None:
    for line in lines:
        product = products[line.product_id]
        if (
            not product.is_active
            or product.stock < line.quantity
            or product.price_minor != line.shown_price_minor
        ):
            raise CartChangedError
    if len({products[line.product_id].currency for line in lines}) > 1:
        raise ConflictError("mixed_currencies", "A cart holds prices of one currency only.")


def _place_of(request: CheckoutRequest) -> DeliveryPlace | None:
    if request.fulfilment == Fulfilment.PICKUP:
        return None
    place = None
    if request.place_id is not None:
        place = DeliveryPlace.objects.filter(
            company_id=request.company_id, pk=request.place_id, is_active=True
        ).first()
    if place is None or not request.address.strip():
        raise InvalidInputError(
            "address_missing", "Give an address in a place this shop delivers to."
        )
    return place


def _create(
    request: CheckoutRequest,
    cart: Cart,
    place: DeliveryPlace | None,
    subtotal: int,
    fee: int,
    currency: str,
) -> Order:
    now = clock.now()
    order = Order.objects.create(
        number=next_number(company_id=request.company_id, series=ORDER_SERIES),
        company_id=request.company_id,
        contact_id=request.contact_id,
        cart=cart,
        state=OrderState.AWAITING_PAYMENT,
        currency=currency,
        subtotal_minor=subtotal,
        delivery_fee_minor=fee,
        total_minor=subtotal + fee,
        language=request.language,
        fulfilment=request.fulfilment,
        recipient=request.recipient[:120],
        address=request.address[:ADDRESS_MAX],
        place=place,
        place_name=place.name if place else "",
        pay_by_at=now + PAY_WITHIN,
        placed_at=now,
    )
    OrderEvent.objects.create(order=order, kind=order.state, at=now)
    company = Company.objects.get(pk=request.company_id)
    provider = factory.provider_name_for(company)
    OrderPayment.objects.create(
        order=order,
        provider=provider,
        amount_minor=order.total_minor,
        currency=currency,
        is_play_money=provider == factory.LOCAL,
    )
    return order
