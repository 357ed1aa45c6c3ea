"""Reads for operators' pages and the simulator. Each takes the company it reads for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import (
    Case,
    Exists,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)

from accounts.models import Company, User
from core.errors import NotFoundError
from messaging.models import (
    BusinessNumber,
    Conversation,
    ConversationMode,
    ConversationNote,
    InboundMessage,
    MessageTemplate,
    OutboundMessage,
    SimulatedMessage,
    SimulatedPhone,
    TurnRecord,
)

THREAD_MAX = 200
LIST_MAX = 100
VIEWS = ("waiting", "mine", "agents", "all")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a thread, from either side or between them."""

    key: str
    side: str
    """in, out or note."""
    text: str
    at: datetime
    author: str
    state: str = ""
    kind: str = ""
    media: Any = None
    message: Any = None


def numbers_of(company: Company) -> list[BusinessNumber]:
    """Return a company's numbers, oldest first."""
    return list(BusinessNumber.objects.filter(company=company).order_by("pk"))


def number_of_company(company: Company, public_id: str) -> BusinessNumber:
    """Return a number of the company.

    Raises:
        NotFoundError: there is none, or it is another company's.
    """
    found = BusinessNumber.objects.filter(company=company, public_id=public_id).first()
    if found is None:
        raise NotFoundError("number_not_found", "There is no number with this id.")
    return found


def conversations_of(
    company: Company, *, view: str = "all", operator: User | None = None, query: str = ""
) -> list[Conversation]:
    """Return a company's conversations: waiting ones first, then by what happened last."""
    rows: QuerySet[Conversation] = Conversation.objects.select_related(
        "contact", "assigned_to", "number"
    ).filter(number__company=company, last_activity_at__isnull=False)
    if view == "waiting":
        rows = rows.filter(mode=ConversationMode.WAITING)
    elif view == "mine":
        rows = rows.filter(mode=ConversationMode.OPERATOR, assigned_to=operator)
    elif view == "agents":
        rows = rows.filter(mode=ConversationMode.AGENT)
    if query:
        said = OutboundMessage.objects.filter(conversation=OuterRef("pk"), text__icontains=query)
        written = InboundMessage.objects.filter(
            conversation=OuterRef("pk"), payload__text__body__icontains=query
        )
        rows = rows.filter(
            Q(contact__name__icontains=query)
            | Q(contact__phone__contains=query)
            | Q(contact__orders__number__iexact=query)
            | Q(contact__tickets__number__iexact=query)
            | Exists(said)
            | Exists(written)
        ).distinct()
    urgency = Case(
        When(mode=ConversationMode.WAITING, then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    return list(rows.order_by(urgency, "-last_activity_at", "-pk")[:LIST_MAX])


def previews_of(conversations: Sequence[Conversation]) -> dict[int, Line]:
    """Return what was said last in each conversation, by its key; notes are not said."""
    ids = [one.pk for one in conversations]
    latest_in = InboundMessage.objects.filter(conversation=OuterRef("pk"))
    latest_out = OutboundMessage.objects.filter(conversation=OuterRef("pk"))
    pairs = list(
        Conversation.objects.filter(pk__in=ids).values_list(
            "pk",
            Subquery(latest_in.order_by("-sent_at", "-pk").values("pk")[:1]),
            Subquery(latest_out.order_by("-pk").values("pk")[:1]),
        )
    )
    inbound = InboundMessage.objects.in_bulk([one for _, one, _ in pairs if one])
    outbound = OutboundMessage.objects.select_related("author_user").in_bulk(
        [one for _, _, one in pairs if one]
    )
    found: dict[int, Line] = {}
    for pk, in_pk, out_pk in pairs:
        lines = [_inbound_line(inbound[in_pk])] if in_pk in inbound else []
        lines += [_outbound_line(outbound[out_pk])] if out_pk in outbound else []
        if lines:
            found[pk] = max(lines, key=_place_in_thread)
    return found


def _place_in_thread(line: Line) -> tuple[datetime, bool, datetime]:
    # Meta tells whole seconds: what answers a message never stands before it.
    return line.at.replace(microsecond=0), line.side != "in", line.at


def count_views(company: Company, operator: User) -> dict[str, int]:
    """Return how many conversations each view of the inbox holds."""
    rows = Conversation.objects.filter(number__company=company, last_activity_at__isnull=False)
    return {
        "waiting": rows.filter(mode=ConversationMode.WAITING).count(),
        "mine": rows.filter(mode=ConversationMode.OPERATOR, assigned_to=operator).count(),
        "agents": rows.filter(mode=ConversationMode.AGENT).count(),
        "all": rows.count(),
    }


def conversation_of_company(company: Company, public_id: str) -> Conversation:
    """Return a conversation with one of the company's numbers.

    Raises:
        NotFoundError: there is none, or it is another company's; the two read the same.
    """
    found = (
        Conversation.objects.select_related("contact", "assigned_to", "number__company")
        .filter(number__company=company, public_id=public_id)
        .first()
    )
    if found is None:
        raise NotFoundError("conversation_not_found", "There is no conversation with this id.")
    return found


def thread_of(conversation: Conversation) -> list[Line]:
    """Return the latest lines of a conversation, oldest first, notes among them."""
    inbound = list(
        InboundMessage.objects.filter(conversation=conversation)
        .select_related("media")
        .order_by("-sent_at", "-pk")[:THREAD_MAX]
    )
    outbound = list(
        OutboundMessage.objects.filter(conversation=conversation)
        .select_related("author_user")
        .order_by("-pk")[:THREAD_MAX]
    )
    notes = list(
        ConversationNote.objects.filter(conversation=conversation)
        .select_related("author")
        .order_by("-pk")[:THREAD_MAX]
    )
    lines = [
        *(_inbound_line(row) for row in inbound),
        *(_outbound_line(row) for row in outbound),
        *(
            Line(
                f"note-{row.pk}",
                "note",
                row.text,
                row.created_at,
                row.author.display_name if row.author else "Somebody",
            )
            for row in notes
        ),
    ]
    lines.sort(key=_place_in_thread)
    return lines[-THREAD_MAX:]


def _inbound_line(row: InboundMessage) -> Line:
    return Line(
        f"in-{row.pk}",
        "in",
        read_inbound(row.type, row.payload),
        row.sent_at,
        "",
        kind=row.type,
        state=row.state,
        media=getattr(row, "media", None),
        message=row,
    )


def _outbound_line(row: OutboundMessage) -> Line:
    author = row.author_user.display_name if row.author_user else row.get_author_display()
    return Line(
        f"out-{row.pk}",
        "out",
        row.text,
        row.created_at,
        author,
        state=row.state,
        kind=row.kind,
        message=row,
    )


def read_inbound(message_type: str, payload: Any) -> str:
    """Return what an operator reads of an inbound message, whatever its type."""
    from messaging.turn_builder import Silence, build_turn

    turn = build_turn(
        wamid="", message_type=message_type, payload=payload, at=datetime.min.replace(tzinfo=UTC)
    )
    if isinstance(turn, Silence):
        reaction = payload.get("reaction") if isinstance(payload, dict) else None
        emoji = reaction.get("emoji") if isinstance(reaction, dict) else ""
        return f"({turn.reason}{f' {emoji}' if isinstance(emoji, str) and emoji else ''})"
    if turn.items:
        lines = ", ".join(f"{item.quantity} × {item.sku}" for item in turn.items)
        return f"(cart: {lines}) {turn.text}".strip()
    if turn.form:
        return "\n".join(f"{key}: {value}" for key, value in turn.form.items())
    return turn.text or f"({turn.kind.replace('_', ' ')})"


def trace_of(conversation: Conversation, *, limit: int = 8) -> list[TurnRecord]:
    """Return how the latest turns were routed, newest first."""
    return list(TurnRecord.objects.filter(conversation=conversation).order_by("-pk")[:limit])


def phones_of(company: Company) -> list[SimulatedPhone]:
    """Return the simulated phones of a company's numbers."""
    return list(
        SimulatedPhone.objects.select_related("number__company")
        .filter(number__company=company)
        .order_by("pk")
    )


def phone_of_company(company: Company, public_id: str) -> SimulatedPhone:
    """Return a simulated phone of the company.

    Raises:
        NotFoundError: there is none, or it is another company's.
    """
    found = (
        SimulatedPhone.objects.select_related("number__company")
        .filter(number__company=company, public_id=public_id)
        .first()
    )
    if found is None:
        raise NotFoundError("phone_not_found", "There is no simulated phone with this id.")
    return found


def messages_of_phone(phone: SimulatedPhone) -> Sequence[SimulatedMessage]:
    """Return what a phone shows, oldest first."""
    return list(SimulatedMessage.objects.filter(phone=phone).order_by("-pk")[:THREAD_MAX])[::-1]


def conversation_of_phone(phone: SimulatedPhone) -> Conversation | None:
    """Return the conversation a simulated phone has made, if it has written."""
    return (
        Conversation.objects.select_related("contact", "number__company")
        .filter(number=phone.number, contact__merged_into=None)
        .filter(Q(contact__phone=phone.wa_id) | Q(contact__bsuid=phone.user_id))
        .first()
    )


def template_text(company: Company, name: str, language: str) -> str | None:
    """Return the text of a company's template, with its fields open; None if there is none."""
    found = MessageTemplate.objects.filter(company=company, name=name, language=language)
    return found.values_list("body", flat=True).first()
