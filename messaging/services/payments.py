"""How an order becomes paid: by the local page, or by a provider's verified word. Nothing else.

Owns `OrderPayment` and `PaymentEvent`. A notice counts only if it agrees with the row in every
figure; money for an order that was given up meanwhile is kept as owed back.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from core import clock
from core.errors import ConflictError, UnavailableError
from messaging.models import (
    Order,
    OrderEvent,
    OrderPayment,
    OrderState,
    PaymentEvent,
    PaymentState,
)
from messaging.payments import factory
from messaging.payments.base import (
    CheckoutItem,
    CheckoutOrder,
    PaymentNotice,
    PaymentProviderError,
)
from messaging.services.notices import tell_order_state
from messaging.services.orders import change_state, lock_order

logger = logging.getLogger(__name__)

#: Stripe closes a page no sooner than half an hour after it was opened.
PAGE_MINUTES = 31
RECONCILE_AFTER = timedelta(minutes=2)


def pay_url(payment: OrderPayment) -> str:
    """Return the address of a payment's page, as a chat shows it."""
    return settings.SITE_URL.rstrip("/") + reverse(
        "order_pay", kwargs={"payment_id": payment.public_id}
    )


def pay_locally(*, payment: OrderPayment) -> OrderPayment:
    """Mark an order paid with play money: the local page's button.

    Raises:
        ConflictError: this order is paid otherwise (``not_local``), or is given up.

    Runs in one transaction. Pressing again changes nothing.
    """
    if payment.provider != factory.LOCAL:
        raise ConflictError("not_local", "This order is not paid with play money.")
    with transaction.atomic():
        order = lock_order(payment.order_id)
        row = OrderPayment.objects.select_for_update().get(pk=payment.pk)
        if row.state == PaymentState.PAID:
            return row
        if order.state != OrderState.AWAITING_PAYMENT or row.state != PaymentState.OPEN:
            raise _not_payable()
        _settle(order, row, reference=f"local:{row.public_id}")
        return row


def open_checkout(*, payment: OrderPayment) -> str:
    """Return the address of a provider's page for this payment, opened if none is open.

    Raises:
        ConflictError: the order is not awaiting payment.
        UnavailableError: the provider cannot be reached now.

    The provider is called outside of any transaction. Two calls at once use the same key and get
    the same page.
    """
    order = Order.objects.get(pk=payment.order_id)
    payment.refresh_from_db()
    now = clock.now()
    if order.state != OrderState.AWAITING_PAYMENT or payment.state != PaymentState.OPEN:
        raise _not_payable()
    if payment.checkout_url and payment.checkout_expires_at and payment.checkout_expires_at > now:
        return payment.checkout_url
    count = payment.checkout_count + 1
    lines = [
        CheckoutItem(line.name, line.quantity, line.unit_price_minor) for line in order.lines.all()
    ]
    if order.delivery_fee_minor:
        lines.append(
            CheckoutItem(
                "Delivery" if order.language == "en" else "Envío", 1, order.delivery_fee_minor
            )
        )
    try:
        page = factory.get_provider(payment.provider).open_checkout(
            CheckoutOrder(
                reference=payment.public_id,
                key=f"order:{payment.public_id}:{count}",
                number=order.number,
                items=tuple(lines),
                total_minor=payment.amount_minor,
                currency=payment.currency,
                language=order.language,
                return_url=pay_url(payment),
                expires_at=max(order.pay_by_at or now, now + timedelta(minutes=PAGE_MINUTES)),
            )
        )
    except PaymentProviderError as error:
        logger.warning("order_payment.page_failed", extra={"code": error.code})
        raise UnavailableError(
            code="payment_unavailable",
            detail="The payment page cannot be opened right now. Try again in a minute.",
        ) from error
    OrderPayment.objects.filter(pk=payment.pk, checkout_count=count - 1).update(
        checkout_count=count,
        checkout_reference=page.reference,
        checkout_url=page.url,
        checkout_expires_at=page.expires_at,
    )
    return page.url


def note_notice(*, provider: str, notice: PaymentNotice) -> str:
    """Act upon a provider's verified word about a payment, once.

    Returns:
        What came of it, a constant: ``paid``, ``already_paid``, ``owed_back``, ``not_paid``,
        ``other_amount``, ``unknown`` or ``repeated``.

    Runs in one transaction: the notice is stored with what it did.
    """
    with transaction.atomic():
        payment = (
            OrderPayment.objects.filter(public_id=notice.reference, provider=provider).first()
            if notice.reference
            else None
        )
        order = lock_order(payment.order_id) if payment else None
        event, is_new = PaymentEvent.objects.get_or_create(
            provider=provider,
            event_id=notice.event_id,
            defaults={"kind": notice.kind[:80], "payment": payment, "outcome": "received"},
        )
        if not is_new:
            return "repeated"
        event.outcome = _apply(payment, order, notice)
        event.save(update_fields=["outcome"])
    if event.outcome in ("other_amount", "owed_back"):
        logger.error("order_payment.needs_a_person", extra={"reason": event.outcome})
    return event.outcome


def _apply(payment: OrderPayment | None, order: Order | None, notice: PaymentNotice) -> str:
    if payment is None or order is None:
        return "unknown"
    if not notice.is_paid:
        return "not_paid"
    row = OrderPayment.objects.select_for_update().get(pk=payment.pk)
    if row.state == PaymentState.PAID:
        return "already_paid"
    if (notice.amount_minor, notice.currency) != (row.amount_minor, row.currency):
        return "other_amount"
    _settle(order, row, reference=notice.payment_reference or notice.checkout_reference)
    return "owed_back" if order.is_refund_due else "paid"


def _settle(order: Order, payment: OrderPayment, *, reference: str) -> None:
    """Note the money, and what it means for the order."""
    now = clock.now()
    payment.state = PaymentState.PAID
    payment.reference = reference[:120]
    payment.paid_at = now
    payment.save(update_fields=["state", "reference", "paid_at"])
    if order.state == OrderState.AWAITING_PAYMENT:
        change_state(order, OrderState.PAID)
    else:
        # Its goods went back to the shelf: the money is owed, a person gives it back.
        order.is_refund_due = True
        order.save(update_fields=["is_refund_due", "updated_at"])
        OrderEvent.objects.create(order=order, kind="refund_due", at=now)
    tell_order_state(order=order)


def reconcile_payments(*, limit: int = 50) -> int:
    """Ask the provider about pages whose notice has not come. Returns how many were settled.

    Each payment is asked about until its page has run out; a provider that is down is asked
    again by the next run. Safe to run twice.
    """
    now = clock.now()
    waiting = OrderPayment.objects.filter(
        state__in=(PaymentState.OPEN, PaymentState.VOID),
        checkout_expires_at__gt=now - timedelta(hours=1),
        created_at__lte=now - RECONCILE_AFTER,
    ).exclude(checkout_reference="")
    settled = 0
    for payment in waiting.order_by("pk")[:limit]:
        if not factory.is_configured(payment.provider):
            continue
        try:
            notice = factory.get_provider(payment.provider).read_checkout(
                payment.checkout_reference
            )
        except PaymentProviderError as error:
            logger.warning("order_payment.not_read", extra={"code": error.code})
            continue
        if notice.is_paid and note_notice(provider=payment.provider, notice=notice) in (
            "paid",
            "owed_back",
        ):
            settled += 1
    return settled


def _not_payable() -> ConflictError:
    return ConflictError("not_payable", "This order cannot be paid any more.")
