"""A conversation on WhatsApp with everything that hangs on one, for tests that cross companies."""

from __future__ import annotations

from accounts.models import Company, User
from core import clock
from messaging.models import (
    BusinessNumber,
    Category,
    Contact,
    Conversation,
    FaqEntry,
    InboundMedia,
    InboundMessage,
    Product,
    SimulatedPhone,
)
from messaging.models.inbound import InboundState
from messaging.replies import Reply, ReplyKind
from messaging.services import hand_offs, outbox, simulation
from messaging.storage import save_media


def make_messages(company: Company, person: User, words: str) -> dict[str, str]:
    """Return route arguments that point at a company's messages, shop and simulated phone.

    Args:
        company: whose rows.
        person: of the company, who has the conversation.
        words: stand in everything that was said or written.
    """
    number = BusinessNumber.objects.create(
        company=company, phone_number_id="700700", display_number="+52 55 7007 0070", label=words
    )
    contact = Contact.objects.create(company=company, phone="5215500000001", name=words)
    conversation = Conversation.objects.create(
        number=number, contact=contact, last_activity_at=clock.now(), last_inbound_at=clock.now()
    )
    message = InboundMessage.objects.create(
        number=number,
        wamid="wamid.WORLD",
        conversation=conversation,
        contact=contact,
        type="text",
        payload={"text": {"body": words}},
        sent_at=clock.now(),
        state=InboundState.DONE,
    )
    InboundMedia.objects.create(
        message=message,
        media_id="1",
        mime_type="image/png",
        state="stored",
        file_key=save_media(words.encode(), folder="inbound"),
    )
    hand_offs.take_over(conversation=conversation, operator=person)
    hand_offs.add_note(conversation=conversation, author=person, text=words)
    outbound = outbox.queue_reply(
        conversation=conversation,
        reply=Reply(
            ReplyKind.MEDIA,
            words,
            media_kind="document",
            media_key=save_media(words.encode(), folder="outbound"),
        ),
    )
    phone: SimulatedPhone = simulation.add_phone(number=number, name=words)
    wamid = simulation.write(
        phone=phone,
        message_type="document",
        fields={"media_key": simulation.attach(words.encode()), "filename": words},
    )
    section = Category.objects.create(company=company, slug="words", name_es=words, name_en=words)
    product = Product.objects.create(
        company=company,
        category=section,
        sku=words,
        name_es=words,
        name_en=words,
        price_minor=100,
        currency="USD",
    )
    entry = FaqEntry.objects.create(company=company, question_es=words, answer_es=words)
    return {
        "number_id": number.public_id,
        "conversation_id": conversation.public_id,
        "message_id": str(message.pk),
        "outbound_id": outbound.public_id,
        "phone_id": phone.public_id,
        "wamid": wamid,
        "product_id": product.public_id,
        "entry_id": entry.public_id,
        "part": "profile",
    }
