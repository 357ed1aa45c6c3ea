"""Tickets, returns and the queue of conversations that wait for a person. No I/O."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.models import Company
from core.fields import PublicIdField
from messaging.models.orders import Order


class TicketState(models.TextChoices):
    OPEN = "open", "Open"
    WAITING = "waiting", "Waiting for the customer"
    RESOLVED = "resolved", "Resolved"
    CLOSED = "closed", "Closed"


TICKET_TRANSITIONS: dict[TicketState, frozenset[TicketState]] = {
    TicketState.OPEN: frozenset({TicketState.WAITING, TicketState.RESOLVED}),
    TicketState.WAITING: frozenset({TicketState.OPEN, TicketState.RESOLVED}),
    # The person says it is not solved, or is satisfied and it is over.
    TicketState.RESOLVED: frozenset({TicketState.OPEN, TicketState.CLOSED}),
    TicketState.CLOSED: frozenset(),
}
#: A ticket in one of these still wants something from somebody.
LIVE_TICKET_STATES = frozenset({TicketState.OPEN, TicketState.WAITING})


class TicketKind(models.TextChoices):
    COMPLAINT = "complaint", "Complaint"
    DAMAGED = "damaged", "Damaged or faulty"
    WRONG_ITEM = "wrong_item", "Wrong or missing item"
    LATE = "late", "Late or lost"
    RETURN = "return", "Return or exchange"
    REFUND = "refund", "Refund"
    PAYMENT = "payment", "Payment problem"
    TECHNICAL = "technical", "Technical problem"
    OTHER = "other", "Other"


class TicketPriority(models.TextChoices):
    NORMAL = "normal", "Normal"
    HIGH = "high", "High"
    URGENT = "urgent", "Urgent"


class Ticket(models.Model):
    """A problem of a contact that somebody must solve."""

    public_id = PublicIdField(prefix="ticket")
    number = models.CharField(max_length=16)
    """What people quote, such as ``T-1007``; unique in a company."""
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="tickets")
    contact = models.ForeignKey(
        "messaging.Contact", on_delete=models.PROTECT, related_name="tickets"
    )
    conversation = models.ForeignKey(
        "messaging.Conversation", on_delete=models.SET_NULL, null=True, blank=True,
        related_name="tickets",
    )  # fmt: skip
    order = models.ForeignKey(
        Order, on_delete=models.SET_NULL, null=True, blank=True, related_name="tickets"
    )
    kind = models.CharField(max_length=16, choices=TicketKind.choices, default=TicketKind.OTHER)
    state = models.CharField(max_length=16, choices=TicketState.choices, default=TicketState.OPEN)
    priority = models.CharField(
        max_length=8, choices=TicketPriority.choices, default=TicketPriority.NORMAL
    )
    summary = models.CharField(max_length=500)
    """The person's own words."""
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    satisfaction = models.PositiveSmallIntegerField(null=True, blank=True)
    """1 to 5, asked once it is resolved."""
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["company", "state", "-id"])]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "number"], name="ticket_number_once"),
            models.CheckConstraint(
                condition=models.Q(satisfaction__isnull=True)
                | models.Q(satisfaction__gte=1, satisfaction__lte=5),
                name="ticket_satisfaction_1_to_5",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class TicketEntry(models.Model):
    """Something written or done on a ticket."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="entries")
    author_kind = models.CharField(max_length=8)
    """contact, agent, operator or system."""
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    text = models.TextField()
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "ticket entries"
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"entry of {self.ticket_id}"


class ReturnState(models.TextChoices):
    REQUESTED = "requested", "Requested"
    APPROVED = "approved", "Approved"
    REFUSED = "refused", "Refused"
    RECEIVED = "received", "Received back"
    SETTLED = "settled", "Refunded or exchanged"


RETURN_TRANSITIONS: dict[ReturnState, frozenset[ReturnState]] = {
    ReturnState.REQUESTED: frozenset({ReturnState.APPROVED, ReturnState.REFUSED}),
    ReturnState.APPROVED: frozenset({ReturnState.RECEIVED, ReturnState.REFUSED}),
    ReturnState.RECEIVED: frozenset({ReturnState.SETTLED}),
    ReturnState.REFUSED: frozenset(),
    ReturnState.SETTLED: frozenset(),
}


class ReturnRequest(models.Model):
    """A wish to give something back. Only a person approves it and only a person refunds."""

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="return_request")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="return_requests")
    wants_exchange = models.BooleanField(default=False)
    reason = models.CharField(max_length=500, blank=True)
    is_in_time = models.BooleanField()
    """Whether it came within the shop's days for returns, counted from delivery."""
    state = models.CharField(
        max_length=16, choices=ReturnState.choices, default=ReturnState.REQUESTED
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"return of {self.order_id}"


class HandOffState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    TAKEN = "taken", "Taken"
    DONE = "done", "Given back"


HAND_OFF_TRANSITIONS: dict[HandOffState, frozenset[HandOffState]] = {
    HandOffState.WAITING: frozenset({HandOffState.TAKEN, HandOffState.DONE}),
    HandOffState.TAKEN: frozenset({HandOffState.DONE, HandOffState.WAITING}),
    HandOffState.DONE: frozenset(),
}


class HandOff(models.Model):
    """A conversation in the queue for a person; at most one that is not done."""

    public_id = PublicIdField(prefix="handoff")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="hand_offs")
    conversation = models.ForeignKey(
        "messaging.Conversation", on_delete=models.CASCADE, related_name="hand_offs"
    )
    ticket = models.ForeignKey(
        Ticket, on_delete=models.SET_NULL, null=True, blank=True, related_name="hand_offs"
    )
    reason = models.CharField(max_length=24)
    """asked, angry, not_understood, escalated, unknown_send or operator."""
    priority = models.CharField(
        max_length=8, choices=TicketPriority.choices, default=TicketPriority.NORMAL
    )
    state = models.CharField(
        max_length=8, choices=HandOffState.choices, default=HandOffState.WAITING
    )
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    taken_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["company", "state", "id"])]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["conversation"],
                condition=~models.Q(state="done"),
                name="hand_off_one_live_a_conversation",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class NumberSeries(models.Model):
    """The last number given to an order or ticket of a company."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    series = models.CharField(max_length=8)
    last = models.PositiveIntegerField(default=1000)

    class Meta:
        verbose_name_plural = "number series"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "series"], name="number_series_once"),
        ]

    def __str__(self) -> str:
        return f"{self.series} {self.last}"
