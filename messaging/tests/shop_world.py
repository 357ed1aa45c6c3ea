"""A made-up shop and phones that write to it through the real webhook and turn controller."""

from __future__ import annotations

import itertools
import json
from typing import Any

from accounts.models import Company
from core import clock
from core.jobs.testing import drain
from messaging.demo import prepare_shop
from messaging.models import (
    BusinessNumber,
    Contact,
    Conversation,
    DeliveryPlace,
    Fulfilment,
    Order,
    OutboundMessage,
    Product,
)
from messaging.replies import Reply
from messaging.services import carts
from messaging.services.checkout import CheckoutRequest, place_order
from messaging.services.intake import receive_webhook

_ids = itertools.count(1)


def make_shop(company: Company, phone_number_id: str = "200000000000001") -> BusinessNumber:
    """Return a number of the company, with the demo's shop behind it."""
    prepare_shop(company)
    return BusinessNumber.objects.create(
        company=company, phone_number_id=phone_number_id, display_number="+52 55 0000 0001"
    )


class Phone:
    """Somebody who writes to a number."""

    def __init__(self, number: BusinessNumber, wa_id: str = "5215511112222", name: str = "Luz Paz"):
        self.number = number
        self.wa_id = wa_id
        self.name = name
        self.seen = 0

    @property
    def contact(self) -> Contact:
        return Contact.objects.get(company=self.number.company, phone=self.wa_id)

    @property
    def conversation(self) -> Conversation:
        return Conversation.objects.get(number=self.number, contact=self.contact)

    @property
    def order(self) -> Order:
        return Order.objects.filter(contact=self.contact).latest("id")

    def send(self, item: dict[str, Any]) -> list[Reply]:
        """Deliver one message; return what came back."""
        sequence = next(_ids)
        body = {
            "object": "whatsapp_business_account",
            "entry": [
                {
                    "id": "1",
                    "changes": [
                        {
                            "field": "messages",
                            "value": {
                                "messaging_product": "whatsapp",
                                "metadata": {"phone_number_id": self.number.phone_number_id},
                                "contacts": [{"profile": {"name": self.name}, "wa_id": self.wa_id}],
                                "messages": [
                                    {
                                        "from": self.wa_id,
                                        "id": f"wamid.test{sequence}",
                                        "timestamp": str(
                                            int(clock.now().timestamp()) - 3600 + sequence
                                        ),
                                        **item,
                                    }
                                ],
                            },
                        }
                    ],
                }
            ],
        }
        receive_webhook(raw=json.dumps(body).encode())
        drain()
        return self.news()

    def news(self) -> list[Reply]:
        """Return what came since the last look."""
        rows = OutboundMessage.objects.filter(
            conversation__contact__phone=self.wa_id,
            conversation__number=self.number,
            pk__gt=self.seen,
        ).order_by("pk")
        found = list(rows)
        if found:
            self.seen = found[-1].pk
        return [Reply.from_json(row.payload) for row in found]

    def says(self, text: str) -> str:
        """Write something; return everything that came back as one text."""
        return as_text(self.send({"type": "text", "text": {"body": text}}))

    def presses(self, key: str, title: str = "…") -> str:
        """Press the button or row with an id."""
        reply = {"type": "button_reply", "button_reply": {"id": key, "title": title}}
        return as_text(self.send({"type": "interactive", "interactive": reply}))

    def sends_cart(self, *items: tuple[str, int, float]) -> str:
        """Send WhatsApp's own cart: article, quantity and the price the phone claims."""
        order = {
            "catalog_id": "1",
            "text": "",
            "product_items": [
                {
                    "product_retailer_id": sku,
                    "quantity": quantity,
                    "item_price": price,
                    "currency": "MXN",
                }
                for sku, quantity, price in items
            ],
        }
        return as_text(self.send({"type": "order", "order": order}))


def as_text(replies: list[Reply]) -> str:
    """Return replies as one text: bodies, titles, ids and addresses."""
    parts: list[str] = []
    for reply in replies:
        parts.append(reply.readable)
        parts.extend(f"<{button.id}>" for button in reply.buttons)
        parts.extend(f"<{row.id}>" for section in reply.sections for row in section.rows)
    return "\n".join(parts).replace("\xa0", " ")


def product(company: Company, sku: str) -> Product:
    """Return a product of the shop."""
    return Product.objects.get(company=company, sku=sku)


def make_order_payment(company: Company, words: str) -> str:
    """Return the id of an open payment whose order's address and buyer hold certain words."""
    if not Product.objects.filter(company=company).exists():
        prepare_shop(company)
    contact = Contact.objects.create(company=company, phone="521550009999", name=words)
    carts.add_to_cart(
        company_id=company.pk,
        contact_id=contact.pk,
        product_id=product(company, "MET-V60").pk,
        quantity=1,
    )
    order = place_order(
        CheckoutRequest(
            company_id=company.pk,
            contact_id=contact.pk,
            agreed_total_minor=39000,
            fulfilment=Fulfilment.DELIVERY,
            recipient=words,
            address=f"{words} 1, Roma Norte",
            place_id=DeliveryPlace.objects.get(company=company, name="Roma y Condesa").pk,
        )
    )
    return order.payment.public_id
