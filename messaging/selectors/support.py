"""Tickets, returns and the queue of a company or a contact."""

from __future__ import annotations

from messaging.models import (
    LIVE_TICKET_STATES,
    HandOff,
    HandOffState,
    Ticket,
    TicketState,
)


def live_tickets_of(contact_id: int) -> list[Ticket]:
    """Return the contact's tickets somebody must still act on, newest first."""
    return list(Ticket.objects.filter(contact_id=contact_id, state__in=LIVE_TICKET_STATES)[:10])


def tickets_of(contact_id: int, *, limit: int = 5) -> list[Ticket]:
    """Return the contact's latest tickets."""
    return list(Ticket.objects.filter(contact_id=contact_id)[:limit])


def ticket_of(contact_id: int, number: str) -> Ticket | None:
    """Return the contact's own ticket of this number; somebody else's is none."""
    return Ticket.objects.filter(contact_id=contact_id, number=number.upper()).first()


def tickets_of_company(company_id: int, *, state: str = "") -> list[Ticket]:
    """Return the company's tickets, newest first, for the console."""
    rows = Ticket.objects.filter(company_id=company_id).select_related(
        "contact", "order", "assigned_to", "return_request"
    )
    return list((rows.filter(state=state) if state else rows)[:200])


def ticket_of_company(company_id: int, public_id: str) -> Ticket | None:
    """Return one ticket of the company."""
    return (
        Ticket.objects.filter(company_id=company_id, public_id=public_id)
        .select_related("contact", "order", "assigned_to", "conversation")
        .first()
    )


def waiting_hand_offs(company_id: int) -> list[HandOff]:
    """Return the queue, most urgent and longest waiting first."""
    rows = HandOff.objects.filter(company_id=company_id, state=HandOffState.WAITING).select_related(
        "conversation__contact", "ticket"
    )
    rank = {"urgent": 0, "high": 1}
    return sorted(rows, key=lambda row: (rank.get(row.priority, 2), row.pk))


def average_satisfaction(company_id: int) -> tuple[float | None, int]:
    """Return the mean of the ratings from 1 to 5, and how many there are."""
    given = list(
        Ticket.objects.filter(
            company_id=company_id, satisfaction__isnull=False, state=TicketState.CLOSED
        ).values_list("satisfaction", flat=True)
    )
    scores = [score for score in given if score is not None]
    return (sum(scores) / len(scores) if scores else None), len(scores)
