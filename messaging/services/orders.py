"""What happens to an order after it was placed. Owns every change of `Order.state`.

Payment is `messaging.services.payments`; nothing else makes an order paid. Stock that an order
took goes back in the transaction that gives the order up.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from accounts.models import User
from core import audit, clock
from core.errors import ConflictError, InvalidInputError
from messaging.models import (
    CANCELLABLE_STATES,
    CHANGEABLE_STATES,
    ORDER_TRANSITIONS,
    CartState,
    DeliveryPlace,
    Fulfilment,
    Order,
    OrderEvent,
    OrderPayment,
    OrderState,
    PaymentState,
)
from messaging.services import carts
from messaging.services.carts import WantedItem
from messaging.services.checkout import ADDRESS_MAX, fee_for
from messaging.services.notices import tell_order_state
from messaging.services.stock import return_stock

PICKUP_DAYS = 1
#: What a person of the company may do next, besides cancelling.
OPERATOR_STEPS = frozenset(
    {OrderState.PREPARING, OrderState.SHIPPED, OrderState.READY, OrderState.DELIVERED}
)


class OrderStateError(ConflictError):
    """The order is past the point where this could be done."""

    def __init__(self, order: Order, wanted: str) -> None:
        super().__init__(
            "order_state",
            f"Order {order.number} is {order.get_state_display().lower()}; "
            "this cannot be done any more.",
            extra={"state": order.state, "wanted": wanted},
        )


def lock_order(order_id: int) -> Order:
    """Return the order, its row locked until the caller's transaction ends."""
    return Order.objects.select_for_update().get(pk=order_id)


def change_state(
    order: Order, wanted: OrderState, *, actor: User | None = None, note: str = ""
) -> None:
    """Move a locked order to a state and note it; for services of this package.

    Raises:
        OrderStateError: the state does not follow the present one.
    """
    if wanted not in ORDER_TRANSITIONS[OrderState(order.state)]:
        raise OrderStateError(order, wanted)
    now = clock.now()
    order.state = wanted
    if wanted == OrderState.PAID:
        order.paid_at = now
        order.due_on = (now + timedelta(days=_promised_days(order))).date()
    if wanted != OrderState.AWAITING_PAYMENT:
        order.pay_by_at = None
    if not ORDER_TRANSITIONS[wanted]:
        order.closed_at = now
    order.save()
    OrderEvent.objects.create(order=order, kind=wanted, note=note[:200], actor=actor, at=now)


def _promised_days(order: Order) -> int:
    if order.fulfilment == Fulfilment.PICKUP or order.place is None:
        return PICKUP_DAYS
    return order.place.days_max


def cancel_order(
    *, order: Order, contact_id: int | None = None, actor: User | None = None, reason: str = ""
) -> Order:
    """Give an order up and put its goods back.

    Args:
        order: which.
        contact_id: the buyer who asks; None when a person of the company does.
        actor: the person of the company.
        reason: in words, for the order's history.

    Raises:
        OrderStateError: it is already being prepared (for a buyer), on its way or over.

    Runs in one transaction, joins the caller's. A paid order is marked for a refund, which a
    person makes: no dialogue moves money. Cancelling again changes nothing.
    """
    with transaction.atomic():
        row = lock_order(order.pk)
        if row.state == OrderState.CANCELLED:
            return row
        if contact_id is not None and row.state not in CANCELLABLE_STATES:
            raise OrderStateError(row, OrderState.CANCELLED)
        was_paid = row.state != OrderState.AWAITING_PAYMENT
        if was_paid:
            row.is_refund_due = True
        change_state(row, OrderState.CANCELLED, actor=actor, note=reason)
        _give_back(row)
        if was_paid:
            OrderEvent.objects.create(order=row, kind="refund_due", at=clock.now())
        if actor is not None:
            audit.record_event(
                actor=actor, action="order.cancelled", object_ref=row, company=row.company
            )
            tell_order_state(order=row)
        return row


def expire_unpaid(*, limit: int = 100) -> int:
    """Give up orders that were not paid in time. Returns how many. Safe to run twice."""
    due = Order.objects.filter(
        state=OrderState.AWAITING_PAYMENT, pay_by_at__lte=clock.now()
    ).order_by("pay_by_at")
    expired = 0
    for order_id in list(due.values_list("pk", flat=True)[:limit]):
        with transaction.atomic():
            row = lock_order(order_id)
            if row.state != OrderState.AWAITING_PAYMENT or not _is_overdue(row):
                continue
            change_state(row, OrderState.EXPIRED)
            _give_back(row)
            tell_order_state(order=row)
            expired += 1
    return expired


def _is_overdue(order: Order) -> bool:
    return order.pay_by_at is not None and order.pay_by_at <= clock.now()


def _give_back(order: Order) -> None:
    for line in order.lines.order_by("product_id"):
        return_stock(product_id=line.product_id, quantity=line.quantity, order_ref=order.public_id)
    OrderPayment.objects.filter(order=order, state=PaymentState.OPEN).update(
        state=PaymentState.VOID
    )


def advance_order(
    *, order: Order, wanted: OrderState, actor: User, tracking_code: str = ""
) -> Order:
    """Note how far a paid order is, and tell the buyer.

    Raises:
        InvalidInputError: not a step a person takes.
        OrderStateError: the step does not follow the present state.
    """
    if wanted not in OPERATOR_STEPS:
        raise InvalidInputError("invalid_step", "Choose preparing, shipped, ready or delivered.")
    with transaction.atomic():
        row = lock_order(order.pk)
        if tracking_code:
            row.tracking_code = tracking_code[:80]
        change_state(row, wanted, actor=actor)
        tell_order_state(order=row)
        return row


def change_address(
    *, order: Order, address: str, place: DeliveryPlace, recipient: str = ""
) -> Order:
    """Send an order that has not left to another address at the same fee.

    Raises:
        OrderStateError: it has left.
        ConflictError: it is picked up, or another place has another fee and it is paid already.
        InvalidInputError: no address.

    An unpaid order gets the fee of its new place: the pay page reads it anew.
    """
    if not address.strip():
        raise InvalidInputError("address_missing", "Give an address.")
    with transaction.atomic():
        row = lock_order(order.pk)
        if row.state not in CHANGEABLE_STATES:
            raise OrderStateError(row, "address_changed")
        if row.fulfilment == Fulfilment.PICKUP:
            raise ConflictError("order_is_pickup", "This order is picked up at the shop.")
        fee = fee_for(place, row.subtotal_minor)
        if fee != row.delivery_fee_minor:
            if row.state != OrderState.AWAITING_PAYMENT:
                raise ConflictError(
                    "other_fee", "Delivery there costs a different fee; a person must change it."
                )
            _change_fee(row, fee)
        row.address = address.strip()[:ADDRESS_MAX]
        row.place = place
        row.place_name = place.name
        if recipient:
            row.recipient = recipient[:120]
        row.save()
        OrderEvent.objects.create(order=row, kind="address_changed", at=clock.now())
        return row


def _change_fee(order: Order, fee: int) -> None:
    payment = OrderPayment.objects.select_for_update().get(order=order)
    if payment.checkout_reference:
        # A page with the old amount is open at the provider and could still be paid.
        raise ConflictError("payment_open", "Payment has begun, so the amount stays as it is.")
    order.delivery_fee_minor = fee
    order.total_minor = order.subtotal_minor + fee
    payment.amount_minor = order.total_minor
    payment.save(update_fields=["amount_minor"])


def note_refund(*, order: Order, actor: User) -> Order:
    """Note that a person has given the buyer's money back.

    Raises:
        ConflictError: nothing is owed.
    """
    with transaction.atomic():
        row = lock_order(order.pk)
        if not row.is_refund_due:
            raise ConflictError("no_refund_due", "Nothing is owed for this order.")
        row.is_refund_due = False
        row.save(update_fields=["is_refund_due", "updated_at"])
        OrderEvent.objects.create(order=row, kind="refunded", actor=actor, at=clock.now())
        audit.record_event(
            actor=actor, action="order.refunded", object_ref=row, company=row.company
        )
        return row


def repeat_order(*, order: Order) -> int:
    """Fill the buyer's cart with what an earlier order held, at the prices of now.

    Returns:
        How many of its lines are on sale still.
    """
    with transaction.atomic():
        cart = carts.replace_lines(
            company_id=order.company_id,
            contact_id=order.contact_id,
            items=[WantedItem(line.product_id, line.quantity) for line in order.lines.all()],
        )
        return cart.lines.count() if cart.state == CartState.OPEN else 0
