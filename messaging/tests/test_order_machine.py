"""Carts, orders and stock under any order of events: a state machine."""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from accounts.tests.factories import make_company, make_user
from core import clock
from core.errors import ConflictError
from core.tests.machines import RolledBackMachine, walk
from messaging.models import (
    Cart,
    CartState,
    Category,
    Contact,
    Fulfilment,
    Order,
    OrderPayment,
    OrderState,
    PaymentState,
    Product,
    StockMovement,
)
from messaging.payments.base import PaymentNotice
from messaging.services import carts, orders, payments, stock
from messaging.services.catalogue import save_category, save_product
from messaging.services.checkout import CheckoutRequest, place_order, total_cart

EXAMPLES = int(os.environ.get("ORDER_MACHINE_EXAMPLES", "12"))
picks = st.integers(min_value=0, max_value=1000)
#: States in which an order holds the goods it took.
HOLDING = {
    OrderState.AWAITING_PAYMENT,
    OrderState.PAID,
    OrderState.PREPARING,
    OrderState.SHIPPED,
    OrderState.READY,
    OrderState.DELIVERED,
}


class OrderMachine(RolledBackMachine):
    """Two buyers, three products with little stock, prices that move, a provider that is late."""

    def __init__(self) -> None:
        super().__init__()
        self.staff = make_user()
        self.company = make_company(owner=self.staff)
        save_category(company=self.company, name_es="Todo", slug="all")
        assert Category.objects.count() == 1
        self.products = [
            save_product(
                company=self.company,
                fields={
                    "sku": f"S{number}",
                    "name_es": f"Cosa {number}",
                    "category": "all",
                    "price_minor": 100 * (number + 1),
                    "currency": "USD",
                    "stock": number + 1,
                },
            )
            for number in range(3)
        ]
        self.buyers = [
            Contact.objects.create(company=self.company, phone=f"52155000{number}")
            for number in range(2)
        ]
        self.notices = 0

    def attempt(self, act: Any) -> None:
        try:
            with transaction.atomic():
                act()
        except ConflictError:
            return

    def some(self, rows: Any, number: int) -> Any:
        found = list(rows.order_by("pk"))
        return found[number % len(found)] if found else None

    @rule(who=picks, what=picks, quantity=st.integers(1, 4))
    def add(self, who: int, what: int, quantity: int) -> None:
        self.attempt(
            lambda: carts.add_to_cart(
                company_id=self.company.pk,
                contact_id=self.buyers[who % 2].pk,
                product_id=self.products[what % 3].pk,
                quantity=quantity,
            )
        )

    @rule(who=picks, what=picks, quantity=st.integers(0, 3))
    def set_quantity(self, who: int, what: int, quantity: int) -> None:
        self.attempt(
            lambda: carts.set_quantity(
                company_id=self.company.pk,
                contact_id=self.buyers[who % 2].pk,
                product_id=self.products[what % 3].pk,
                quantity=quantity,
            )
        )

    @rule(who=picks)
    def accept(self, who: int) -> None:
        carts.accept_changes(company_id=self.company.pk, contact_id=self.buyers[who % 2].pk)

    @rule(who=picks, slip=st.sampled_from([0, 0, 0, 1]))
    def checkout(self, who: int, slip: int) -> None:
        buyer = self.buyers[who % 2]
        cart = Cart.objects.filter(contact=buyer, state=CartState.OPEN).first()
        agreed = total_cart(cart=cart, place=None).total_minor if cart else 0
        shown = (
            sum(line.quantity * line.shown_price_minor for line in cart.lines.all()) if cart else 0
        )
        before = Order.objects.count()
        self.attempt(
            lambda: place_order(
                CheckoutRequest(
                    company_id=self.company.pk,
                    contact_id=buyer.pk,
                    agreed_total_minor=agreed + slip,
                    fulfilment=Fulfilment.PICKUP,
                )
            )
        )
        if Order.objects.count() > before:
            # Nobody pays another price than the one they were shown.
            assert slip == 0
            assert Order.objects.latest("pk").total_minor == shown

    @rule(what=picks, price=st.integers(1, 400))
    def change_price(self, what: int, price: int) -> None:
        Product.objects.filter(pk=self.products[what % 3].pk).update(price_minor=price)

    @rule(what=picks, counted=st.integers(0, 5))
    def count(self, what: int, counted: int) -> None:
        stock.count_stock(product=self.products[what % 3], counted=counted, actor=self.staff)

    @rule(what=picks, is_active=st.booleans())
    def switch(self, what: int, is_active: bool) -> None:
        Product.objects.filter(pk=self.products[what % 3].pk).update(is_active=is_active)

    @rule(number=picks)
    def pay(self, number: int) -> None:
        payment = self.some(OrderPayment.objects.all(), number)
        if payment is not None:
            self.attempt(lambda: payments.pay_locally(payment=payment))

    @rule(number=picks, off_by=st.sampled_from([0, 0, 5]))
    def notice(self, number: int, off_by: int) -> None:
        payment = self.some(OrderPayment.objects.all(), number)
        if payment is None:
            return
        self.notices += 1
        payments.note_notice(
            provider=payment.provider,
            notice=PaymentNotice(
                f"evt_{self.notices}",
                "paid",
                payment.public_id,
                "cs",
                "pi",
                True,
                payment.amount_minor + off_by,
                payment.currency,
            ),
        )

    @rule(number=picks, by_buyer=st.booleans())
    def cancel(self, number: int, by_buyer: bool) -> None:
        order = self.some(Order.objects.all(), number)
        if order is not None:
            self.attempt(
                lambda: orders.cancel_order(
                    order=order,
                    contact_id=order.contact_id if by_buyer else None,
                    actor=None if by_buyer else self.staff,
                )
            )

    @rule(number=picks, wanted=st.sampled_from(sorted(orders.OPERATOR_STEPS)))
    def advance(self, number: int, wanted: OrderState) -> None:
        order = self.some(Order.objects.all(), number)
        if order is not None:
            self.attempt(lambda: orders.advance_order(order=order, wanted=wanted, actor=self.staff))

    @rule()
    def time_passes(self) -> None:
        Order.objects.exclude(pay_by_at=None).update(pay_by_at=clock.now())
        orders.expire_unpaid()

    @rule(number=picks)
    def repeat(self, number: int) -> None:
        order = self.some(Order.objects.all(), number)
        if order is not None:
            orders.repeat_order(order=order)

    @invariant()
    def stock_is_what_was_moved_and_never_negative(self) -> None:
        for product in Product.objects.all():
            moved = StockMovement.objects.filter(product=product).aggregate(sum=Sum("delta"))["sum"]
            assert product.stock == (moved or 0)
            assert product.stock >= 0

    @invariant()
    def goods_are_held_by_living_orders_alone(self) -> None:
        for order in Order.objects.all():
            held = StockMovement.objects.filter(order_ref=order.public_id).aggregate(
                sum=Sum("delta")
            )["sum"]
            wanted = sum(line.quantity for line in order.lines.all())
            assert -held == (wanted if order.state in HOLDING else 0)

    @invariant()
    def paid_means_paid(self) -> None:
        for payment in OrderPayment.objects.select_related("order"):
            order = payment.order
            is_paid = payment.state == PaymentState.PAID
            if order.state in HOLDING - {OrderState.AWAITING_PAYMENT}:
                assert is_paid
            if order.state == OrderState.AWAITING_PAYMENT:
                assert payment.state == PaymentState.OPEN
            if order.state in (OrderState.CANCELLED, OrderState.EXPIRED):
                assert order.is_refund_due == is_paid
            assert payment.amount_minor == order.total_minor

    @invariant()
    def one_open_cart_each(self) -> None:
        for buyer in self.buyers:
            assert Cart.objects.filter(contact=buyer, state=CartState.OPEN).count() <= 1


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.django_db
def test_orders_and_stock_agree_whatever_happens():
    walk(OrderMachine, examples=EXAMPLES, steps=40)
