"""Carts, orders and their payments: fields, states and the changes allowed between them. No I/O."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.models import Company
from core.fields import PublicIdField
from messaging.models.shop import DeliveryPlace, Product


class CartState(models.TextChoices):
    """``open`` until it becomes an order or is emptied for good."""

    OPEN = "open", "Open"
    ORDERED = "ordered", "Ordered"
    ABANDONED = "abandoned", "Abandoned"


class Cart(models.Model):
    """What a contact means to buy. It outlives the dialogue."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="carts")
    contact = models.ForeignKey("messaging.Contact", on_delete=models.CASCADE, related_name="carts")
    state = models.CharField(max_length=16, choices=CartState.choices, default=CartState.OPEN)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contact"],
                condition=models.Q(state="open"),
                name="cart_one_open_a_contact",
            ),
        ]

    def __str__(self) -> str:
        return f"cart of {self.contact_id}"


class CartLine(models.Model):
    """A product in a cart, with the price that was shown when it was put in."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+")
    quantity = models.PositiveIntegerField()
    shown_price_minor = models.BigIntegerField()
    """What the person last saw; a difference is told before ordering, never charged silently."""
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cart", "product"], name="cart_line_once_a_product"),
            models.CheckConstraint(
                condition=models.Q(quantity__gte=1, quantity__lte=999), name="cart_line_quantity"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product_id}"


class OrderState(models.TextChoices):
    AWAITING_PAYMENT = "awaiting_payment", "Awaiting payment"
    PAID = "paid", "Paid"
    PREPARING = "preparing", "Being prepared"
    SHIPPED = "shipped", "On its way"
    READY = "ready", "Ready for pickup"
    DELIVERED = "delivered", "Delivered"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Not paid in time"


ORDER_TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    OrderState.AWAITING_PAYMENT: frozenset(
        {OrderState.PAID, OrderState.CANCELLED, OrderState.EXPIRED}
    ),
    OrderState.PAID: frozenset({OrderState.PREPARING, OrderState.CANCELLED}),
    OrderState.PREPARING: frozenset({OrderState.SHIPPED, OrderState.READY, OrderState.CANCELLED}),
    OrderState.SHIPPED: frozenset({OrderState.DELIVERED}),
    OrderState.READY: frozenset({OrderState.DELIVERED}),
    OrderState.DELIVERED: frozenset(),
    OrderState.CANCELLED: frozenset(),
    OrderState.EXPIRED: frozenset(),
}
#: States in which the buyer may still cancel by themselves.
CANCELLABLE_STATES = frozenset({OrderState.AWAITING_PAYMENT, OrderState.PAID})
#: States in which the address may still change.
CHANGEABLE_STATES = frozenset({OrderState.AWAITING_PAYMENT, OrderState.PAID, OrderState.PREPARING})


class Fulfilment(models.TextChoices):
    DELIVERY = "delivery", "Delivery"
    PICKUP = "pickup", "Pickup"


class Order(models.Model):
    """What a contact has bought: lines and amounts as they were when it was placed."""

    public_id = PublicIdField(prefix="order")
    number = models.CharField(max_length=16)
    """What people say on the phone, such as ``P-1042``; unique in a company."""
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="orders")
    contact = models.ForeignKey(
        "messaging.Contact", on_delete=models.PROTECT, related_name="orders"
    )
    cart = models.OneToOneField(
        Cart, on_delete=models.SET_NULL, null=True, blank=True, related_name="order"
    )
    """One cart makes one order, however often the button is pressed."""
    state = models.CharField(
        max_length=20, choices=OrderState.choices, default=OrderState.AWAITING_PAYMENT
    )
    currency = models.CharField(max_length=3)
    subtotal_minor = models.BigIntegerField()
    delivery_fee_minor = models.BigIntegerField(default=0)
    total_minor = models.BigIntegerField()
    language = models.CharField(max_length=2, default="es")
    fulfilment = models.CharField(
        max_length=16, choices=Fulfilment.choices, default=Fulfilment.DELIVERY
    )
    recipient = models.CharField(max_length=120, blank=True)
    address = models.CharField(max_length=400, blank=True)
    place = models.ForeignKey(
        DeliveryPlace, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    place_name = models.CharField(max_length=80, blank=True)
    tracking_code = models.CharField(max_length=80, blank=True)
    due_on = models.DateField(null=True, blank=True)
    """The last day it was promised for; set when it is paid."""
    pay_by_at = models.DateTimeField(null=True, blank=True, db_index=True)
    """Until then the stock is kept for it; null once it is paid or over."""
    is_refund_due = models.BooleanField(default=False)
    """Money came in that the business owes back: a person settles it."""
    placed_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["company", "-id"]),
            models.Index(fields=["contact", "-id"]),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "number"], name="order_number_once"),
            models.CheckConstraint(
                condition=models.Q(
                    total_minor=models.F("subtotal_minor") + models.F("delivery_fee_minor")
                ),
                name="order_total_adds_up",
            ),
            models.CheckConstraint(
                condition=models.Q(subtotal_minor__gt=0) & models.Q(delivery_fee_minor__gte=0),
                name="order_amounts_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class OrderLine(models.Model):
    """A bought product, with its name and price of that moment."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    sku = models.CharField(max_length=60)
    name = models.CharField(max_length=120)
    quantity = models.PositiveIntegerField()
    unit_price_minor = models.BigIntegerField()

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"


class OrderEvent(models.Model):
    """What happened to an order, in order."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=24)
    """A state of the order, or ``address_changed``, ``refund_due``, ``refunded``."""
    note = models.CharField(max_length=200, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.kind


class PaymentState(models.TextChoices):
    OPEN = "open", "Open"
    PAID = "paid", "Paid"
    VOID = "void", "Void"


PAYMENT_TRANSITIONS: dict[PaymentState, frozenset[PaymentState]] = {
    PaymentState.OPEN: frozenset({PaymentState.PAID, PaymentState.VOID}),
    # Money may arrive after the order was given up: it is noted and owed back.
    PaymentState.VOID: frozenset({PaymentState.PAID}),
    PaymentState.PAID: frozenset(),
}


class OrderPayment(models.Model):
    """The one way an order becomes paid. Its public id is the address of the pay page."""

    public_id = PublicIdField(prefix="pay")
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="payment")
    provider = models.CharField(max_length=16)
    state = models.CharField(max_length=8, choices=PaymentState.choices, default=PaymentState.OPEN)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    checkout_reference = models.CharField(max_length=120, blank=True, db_index=True)
    """The provider's id of its latest checkout page."""
    checkout_count = models.PositiveIntegerField(default=0)
    """Part of the provider's idempotency key: rises when an older page has run out."""
    checkout_expires_at = models.DateTimeField(null=True, blank=True)
    checkout_url = models.URLField(max_length=2000, blank=True)
    reference = models.CharField(max_length=120, blank=True)
    """The provider's id of the payment itself."""
    is_play_money = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    paid_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.public_id


class PaymentEvent(models.Model):
    """A verified webhook about an order's payment; each id once, for ever."""

    provider = models.CharField(max_length=16)
    event_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=80)
    payment = models.ForeignKey(
        OrderPayment, on_delete=models.PROTECT, null=True, related_name="notices"
    )
    outcome = models.CharField(max_length=32)
    """paid, already_paid, void, ignored or the reason it was refused."""
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="payment_event_once"),
        ]

    def __str__(self) -> str:
        return self.event_id
