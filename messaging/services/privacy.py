"""What this app holds about a person: everything said to and by a contact, and what they bought.

A contact is known by a phone number, so a person is found by that; or as the operator who wrote.
Also retention: a contact who has been silent for longer than their company keeps words is erased.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Q, QuerySet

from core import audit, clock
from core.errors import ConflictError
from core.live import erase_streams
from core.privacy import Obstacle, Person, Section, export_rows
from messaging.models import (
    Cart,
    Contact,
    Conversation,
    ConversationNote,
    FormerIdentity,
    HandOff,
    InboundMedia,
    InboundMessage,
    MessageStatus,
    Order,
    OrderLine,
    OrderPayment,
    OutboundMessage,
    RawWebhook,
    ReturnRequest,
    SimulatedMessage,
    SimulatedPhone,
    SurveyRun,
    SurveyStep,
    Ticket,
    TicketEntry,
    TurnRecord,
)
from messaging.models.conversations import ConversationMode
from messaging.models.inbound import InboundState, MediaState
from messaging.models.orders import CartState, OrderState
from messaging.models.outbound import OutboundState
from messaging.models.support import HandOffState
from messaging.models.survey_runs import LIVE_RUN_STATES, SurveyRunState
from messaging.state.cache import forget_state
from messaging.storage import media_storage
from surveys.services.erasure import erase_response

OVER = (OrderState.DELIVERED, OrderState.CANCELLED, OrderState.EXPIRED)
UNSENT = (OutboundState.QUEUED, OutboundState.HELD)
ERASED_WORDS = "Erased"
PURGE_BATCH = 100


def contacts_of(person: Person) -> list[Contact]:
    """Return the contacts of every company with this phone, and those merged into them."""
    if not person.phone:
        return []
    former = FormerIdentity.objects.filter(kind="phone", value=person.phone)
    known = Contact.objects.filter(Q(phone=person.phone) | Q(pk__in=former.values("contact")))
    return _with_merged(known.select_related("company"))


def _with_merged(contacts: Iterable[Contact]) -> list[Contact]:
    """Return the contacts and those that were merged into them, at any depth."""
    found = {row.pk: row for row in contacts}
    fresh = set(found)
    while fresh:
        merged = Contact.objects.filter(merged_into__in=fresh).exclude(pk__in=found)
        fresh = set()
        for row in merged.select_related("company"):
            found[row.pk] = row
            fresh.add(row.pk)
    return list(found.values())


def _export(person: Person) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if person.user_pk is not None:
        # What they wrote to customers for a company belongs to the company; this is what it was.
        found["notes_written"] = export_rows(
            ConversationNote.objects.filter(author_id=person.user_pk)
        )
        found["messages_written"] = export_rows(
            OutboundMessage.objects.filter(author_user_id=person.user_pk), without=("payload",)
        )
        found["ticket_entries_written"] = export_rows(
            TicketEntry.objects.filter(author_id=person.user_pk)
        )
    contacts = contacts_of(person)
    if contacts:
        found["contacts"] = [_export_contact(contact) for contact in contacts]
    return found


def _export_contact(contact: Contact) -> dict[str, Any]:
    talks = Conversation.objects.filter(contact=contact)
    orders = Order.objects.filter(contact=contact)
    tickets = Ticket.objects.filter(contact=contact)
    runs = SurveyRun.objects.filter(contact=contact)
    return {
        "company": contact.company.name,
        "contact": export_rows(Contact.objects.filter(pk=contact.pk))[0],
        "former_identities": export_rows(FormerIdentity.objects.filter(contact=contact)),
        "conversations": export_rows(talks, without=("state", "version")),
        "received": export_rows(InboundMessage.objects.filter(contact=contact)),
        "files": export_rows(InboundMedia.objects.filter(message__contact=contact)),
        "sent": export_rows(OutboundMessage.objects.filter(conversation__in=talks)),
        "carts": export_rows(Cart.objects.filter(contact=contact)),
        "orders": export_rows(orders),
        "order_lines": export_rows(OrderLine.objects.filter(order__in=orders)),
        "payments": export_rows(
            OrderPayment.objects.filter(order__in=orders), without=("checkout_url",)
        ),
        "tickets": export_rows(tickets),
        "ticket_entries": export_rows(TicketEntry.objects.filter(ticket__in=tickets)),
        "returns": export_rows(ReturnRequest.objects.filter(ticket__in=tickets)),
        "survey_runs": export_rows(runs),
        "survey_steps": export_rows(SurveyStep.objects.filter(run__in=runs)),
    }


def _find_obstacles(person: Person) -> list[Obstacle]:
    return _open_orders(contacts_of(person))


def _open_orders(contacts: list[Contact]) -> list[Obstacle]:
    return [
        Obstacle(
            "order_open",
            f"Order {order.number} is not finished. Deliver, cancel or refund it first.",
        )
        for order in Order.objects.filter(contact__in=contacts).filter(
            ~Q(state__in=OVER) | Q(is_refund_due=True)
        )
    ]


def _erase(person: Person) -> None:
    for contact in contacts_of(person):
        erase_contact(contact=contact, actor=person.user_id or "system")


def erase_on_request(*, contact: Contact, actor: audit.HasPublicId | str) -> None:
    """Erase a contact who asked the company for it, with those merged into it.

    Raises:
        ConflictError: an order is not finished, or an answer to a survey is being scored.
    """
    contacts = _with_merged([contact])
    for obstacle in _open_orders(contacts):
        raise ConflictError(obstacle.code, obstacle.detail)
    for one in contacts:
        erase_contact(contact=one, actor=actor, note="asked for in the inbox")


def erase_contact(*, contact: Contact, actor: audit.HasPublicId | str, note: str = "") -> None:
    """Erase who a contact is and everything said; orders stay as the bare facts of a sale.

    One transaction, after the answers to surveys; files go after it. Safe to run twice.

    Raises:
        ConflictError: an answer to a survey is being scored this moment; try again.
    """
    runs = SurveyRun.objects.filter(contact=contact)
    for run in runs.filter(response__isnull=False).select_related(
        "response__survey__company", "response__voice_session", "response__version"
    ):
        if run.response is not None:
            erase_response(response=run.response)
    talks = list(
        Conversation.objects.filter(contact=contact).select_related("number").order_by("pk")
    )
    cached = [(talk.number.phone_number_id, contact.wa_key) for talk in talks]
    with transaction.atomic():
        row = Contact.objects.select_for_update().get(pk=contact.pk)
        sent_files = _erase_words(row, talks)
        runs.filter(state__in=LIVE_RUN_STATES).update(
            state=SurveyRunState.STOPPED, next_attempt_at=None
        )
        SurveyStep.objects.filter(run__in=runs).update(text="", done_at=clock.now())
        _erase_shop(row)
        keys = sent_files + _erase_identity(row)
        audit.record_event(
            actor=actor,
            action="contact.erased",
            object_ref=row,
            company=row.company,
            note=note,
        )
    for phone_number_id, wa_key in cached:
        forget_state(phone_number_id, wa_key)
    for key in keys:
        media_storage().delete(key)


def _erase_words(contact: Contact, talks: list[Conversation]) -> list[str]:
    """Erase what was said; return the storage keys of files that were sent."""
    # The version and the fence rise: whoever is writing a turn this moment writes nothing.
    Conversation.objects.filter(contact=contact).update(
        state=None,
        version=F("version") + 1,
        fence=F("fence") + 1,
        lane="",
        mode=ConversationMode.AGENT,
        assigned_to=None,
        inbox_due_at=None,
        unread_count=0,
    )
    received = InboundMessage.objects.filter(contact=contact)
    received.filter(state=InboundState.WAITING).update(
        state=InboundState.SILENT, handled_at=clock.now()
    )
    # The rows stay: a webhook that Meta repeats must find its message there.
    received.update(payload={}, profile_name="")
    sent = OutboundMessage.objects.filter(conversation__in=talks)
    sent.filter(state__in=UNSENT).update(state=OutboundState.CANCELLED, next_attempt_at=None)
    gone = sent.exclude(state=OutboundState.SENDING)
    payloads = gone.values_list("payload", flat=True)
    keys = [str(payload.get("media_key") or "") for payload in payloads]
    gone.update(payload={}, text="")
    MessageStatus.objects.filter(outbound__conversation__in=talks).update(payload={})
    ConversationNote.objects.filter(conversation__in=talks).delete()
    TurnRecord.objects.filter(conversation__in=talks).update(reasons=[])
    HandOff.objects.filter(conversation__in=talks).exclude(state=HandOffState.DONE).update(
        state=HandOffState.DONE, done_at=clock.now()
    )
    erase_streams([talk.stream_name for talk in talks])
    # What an operator attached; pictures of goods lie elsewhere and stay.
    return [key for key in keys if key.startswith("outbound/")]


def _erase_shop(contact: Contact) -> None:
    Cart.objects.filter(contact=contact, state=CartState.OPEN).delete()
    Order.objects.filter(contact=contact).update(recipient="", address="", tracking_code="")
    tickets = Ticket.objects.filter(contact=contact)
    TicketEntry.objects.filter(ticket__in=tickets).update(text=ERASED_WORDS)
    ReturnRequest.objects.filter(ticket__in=tickets).update(reason="")
    tickets.update(summary=ERASED_WORDS)


def _erase_identity(contact: Contact) -> list[str]:
    """Take the names and keys away; return the storage keys of files that are to go."""
    media = InboundMedia.objects.filter(message__contact=contact)
    keys = list(media.exclude(file_key="").values_list("file_key", flat=True))
    media.update(state=MediaState.GONE, file_key="", media_id="", sha256="", next_attempt_at=None)
    known = {contact.phone, contact.bsuid, contact.parent_bsuid} | set(
        FormerIdentity.objects.filter(contact=contact).values_list("value", flat=True)
    )
    for value in sorted(one for one in known if one):
        # Whole bodies as they came: a body may carry words of others too, which have rows.
        _bodies_with(value).update(body="")
        SimulatedMessage.objects.filter(phone__wa_id=value).delete()
        SimulatedPhone.objects.filter(wa_id=value).delete()
    FormerIdentity.objects.filter(contact=contact).delete()
    contact.phone = contact.bsuid = contact.parent_bsuid = None
    contact.name = contact.username = ""
    contact.phone_claimed_at = None
    contact.save()
    return keys


def _bodies_with(value: str) -> QuerySet[RawWebhook]:
    return RawWebhook.objects.filter(body__contains=f'"{value}"')


def purge_silent_contacts(*, limit: int = PURGE_BATCH) -> int:
    """Erase contacts silent for longer than their company keeps words; return how many.

    Those with an open order are left alone. Safe to run twice.
    """
    now = clock.now()
    erased = 0
    still_named = Contact.objects.filter(
        Q(phone__isnull=False) | Q(bsuid__isnull=False) | ~Q(name=""), merged_into=None
    ).annotate(heard_at=Max("conversations__last_activity_at"))
    days = set(still_named.values_list("company__retention_days", flat=True))
    for period in sorted(days):
        silent = still_named.filter(
            company__retention_days=period, heard_at__lt=now - timedelta(days=period)
        ).exclude(pk__in=Order.objects.exclude(state__in=OVER).values("contact"))
        for contact in silent.select_related("company")[: max(0, limit - erased)]:
            erase_contact(contact=contact, actor="system", note="retention period over")
            erased += 1
    return erased


SECTION = Section(
    name="messages",
    export=_export,
    erase=_erase,
    find_obstacles=_find_obstacles,
    models=frozenset(
        {
            "messaging.Contact",
            "messaging.FormerIdentity",
            "messaging.Conversation",
            "messaging.ConversationNote",
            "messaging.InboundMessage",
            "messaging.InboundMedia",
            "messaging.OutboundMessage",
            "messaging.MessageStatus",
            "messaging.RawWebhook",
            "messaging.TurnRecord",
            "messaging.Cart",
            "messaging.CartLine",
            "messaging.Order",
            "messaging.Ticket",
            "messaging.TicketEntry",
            "messaging.ReturnRequest",
            "messaging.HandOff",
            "messaging.SurveyRun",
            "messaging.SurveyStep",
            "messaging.SimulatedPhone",
            "messaging.SimulatedMessage",
        }
    ),
    kept={
        "messaging.Contact": "An empty row without name or number, on which orders hang.",
        "messaging.InboundMessage": "The message's id without a word, so that a repeat is known.",
        "messaging.OutboundMessage": (
            "That something was sent. What an operator writes for a company is the company's; it "
            "names its author by id."
        ),
        "messaging.Order": "What was sold and for how much: the law keeps books ten years.",
        "messaging.OrderLine": "What was sold: as above.",
        "messaging.OrderEvent": "What became of an order: as above.",
        "messaging.OrderPayment": "What was paid: as above.",
        "messaging.PaymentEvent": "Notices of the payment provider, which prove what was paid.",
        "messaging.Ticket": "That there was a problem, and how it ended; no words.",
        "messaging.StockMovement": "A company's stock; it names its author by id.",
        "messaging.SimulatedWebhook": "Play data of the simulator, gone with the demo.",
    },
)
