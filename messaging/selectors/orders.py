"""Carts and orders of a contact or of a company."""

from __future__ import annotations

from messaging.models import (
    CANCELLABLE_STATES,
    CHANGEABLE_STATES,
    Cart,
    CartState,
    Order,
    OrderPayment,
    OrderState,
)


def open_cart_of(contact_id: int) -> Cart | None:
    """Return the contact's open cart, if there is one."""
    return Cart.objects.filter(contact_id=contact_id, state=CartState.OPEN).first()


def orders_of(contact_id: int, *, limit: int = 10) -> list[Order]:
    """Return the contact's latest orders."""
    return list(Order.objects.filter(contact_id=contact_id).order_by("-id")[:limit])


def order_of(contact_id: int, number: str) -> Order | None:
    """Return the contact's own order of this number; somebody else's is none."""
    return Order.objects.filter(contact_id=contact_id, number=number.upper()).first()


def latest_order(contact_id: int) -> Order | None:
    """Return what the contact ordered last, leaving out what was never paid and is over."""
    rows = Order.objects.filter(contact_id=contact_id)
    return rows.exclude(state=OrderState.EXPIRED).order_by("-id").first() or rows.first()


def order_to_pay(contact_id: int) -> Order | None:
    """Return the latest order that awaits payment."""
    return Order.objects.filter(contact_id=contact_id, state=OrderState.AWAITING_PAYMENT).first()


def cancellable_orders(contact_id: int) -> list[Order]:
    """Return the orders the contact may still cancel."""
    return list(Order.objects.filter(contact_id=contact_id, state__in=CANCELLABLE_STATES)[:10])


def changeable_orders(contact_id: int) -> list[Order]:
    """Return the orders whose address may still change."""
    return list(
        Order.objects.filter(
            contact_id=contact_id, state__in=CHANGEABLE_STATES, fulfilment="delivery"
        )[:10]
    )


def payment_of(order: Order) -> OrderPayment:
    """Return an order's payment."""
    return OrderPayment.objects.get(order=order)


def payment_by_id(public_id: str) -> OrderPayment | None:
    """Return the payment whose page this is; its id is what opens the page."""
    return (
        OrderPayment.objects.select_related("order__company__business_profile", "order__place")
        .filter(public_id=public_id)
        .first()
    )


def orders_of_company(company_id: int, *, state: str = "") -> list[Order]:
    """Return the company's latest orders with their buyers, for the console."""
    rows = Order.objects.filter(company_id=company_id).select_related("contact", "payment")
    return list((rows.filter(state=state) if state else rows).order_by("-id")[:200])


def order_of_company(company_id: int, public_id: str) -> Order | None:
    """Return one order of the company."""
    return (
        Order.objects.filter(company_id=company_id, public_id=public_id)
        .select_related("contact", "payment")
        .first()
    )
