"""Orders, tickets and returns moved on from the inbox, by whom it may be and no further."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Company, Role, User
from accounts.tests.factories import add_member, make_user
from core.jobs.testing import drain
from core.models import AuditEvent
from messaging.models import Order, OrderState, ReturnRequest, Ticket, TicketState
from messaging.models.support import ReturnState
from messaging.selectors.orders import payment_of
from messaging.services import payments
from messaging.tests.shop_world import Phone, as_text, make_shop

pytestmark = pytest.mark.django_db
BrowserOf = Callable[..., Client]


@pytest.fixture
def olga(acme: Company) -> User:
    """Return an operator of Ana's company."""
    olga = make_user("olga@acme.test", full_name="Olga Mora")
    add_member(acme, olga, role=Role.OPERATOR)
    return olga


@pytest.fixture
def phone(acme: Company) -> Phone:
    """Return somebody with a paid order that is delivered."""
    phone = Phone(make_shop(acme))
    phone.says("Quiero 2 Café Chiapas 250 g molido")
    phone.says("Quiero pagar")
    phone.says("a domicilio")
    phone.says("Calle Orizaba 12, Roma Norte")
    phone.says("sí, confirmo")
    payments.pay_locally(payment=payment_of(phone.order))
    drain()
    phone.news()
    return phone


def act(browser: Client, phone: Phone, action: str, **fields: str) -> str:
    path = f"/inbox/{phone.conversation.public_id}/do/{action}/"
    answer = browser.post(path, fields, follow=True)
    assert answer.status_code == 200, answer.status_code
    drain()
    return str(answer.content.decode())


def test_an_order_goes_its_way_from_the_inbox_and_the_buyer_hears_of_it(
    phone: Phone, olga: User, browser_of: BrowserOf
) -> None:
    browser = browser_of(olga)
    order = phone.order
    page = act(browser, phone, "order", order=order.public_id, step="preparing")
    assert "Shipped" in page
    assert "Ready for pickup" not in page
    act(browser, phone, "order", order=order.public_id, step="shipped", tracking_code="MX123")

    order.refresh_from_db()
    assert (order.state, order.tracking_code) == (OrderState.SHIPPED, "MX123")
    assert "MX123" in as_text(phone.news())

    # A page that is older than the order moves nothing back.
    assert "order" in act(browser, phone, "order", order=order.public_id, step="preparing").lower()
    order.refresh_from_db()
    assert order.state == OrderState.SHIPPED


def test_a_paid_order_that_is_cancelled_owes_its_money_until_somebody_notes_it(
    phone: Phone, olga: User, ana: User, browser_of: BrowserOf
) -> None:
    order = phone.order
    page = act(browser_of(olga), phone, "order", order=order.public_id, step="cancelled")
    assert "Refund due" in page
    assert "Note refund" not in page
    refused = browser_of(olga).post(
        f"/inbox/{phone.conversation.public_id}/do/refund/", {"order": order.public_id}
    )
    assert refused.status_code == 403
    assert Order.objects.get().is_refund_due

    act(browser_of(ana), phone, "refund", order=order.public_id)

    assert not Order.objects.get().is_refund_due
    assert AuditEvent.objects.filter(action="order.refunded", actor=ana).count() == 1


def test_a_return_and_its_ticket_are_decided_in_the_inbox(
    phone: Phone, olga: User, browser_of: BrowserOf
) -> None:
    browser = browser_of(olga)
    for step in ("preparing", "shipped", "delivered"):
        act(browser, phone, "order", order=phone.order.public_id, step=step)
    phone.news()
    phone.says("quiero devolver mi pedido")
    phone.says("ya no lo quiero")
    wanted = ReturnRequest.objects.select_related("ticket").get()

    page = act(browser, phone, "return", ticket=wanted.ticket.public_id, step="approved")
    assert "Goods are back" in page
    assert "Aprobamos la devolución" in as_text(phone.news())
    act(browser, phone, "return", ticket=wanted.ticket.public_id, step="received")
    act(browser, phone, "return", ticket=wanted.ticket.public_id, step="settled")
    act(browser, phone, "ticket", ticket=wanted.ticket.public_id, step="resolved")

    wanted.refresh_from_db()
    assert wanted.state == ReturnState.SETTLED
    assert Ticket.objects.get().state == TicketState.RESOLVED


def test_what_is_not_this_persons_or_no_step_changes_nothing(
    phone: Phone, acme: Company, olga: User, carla: User, globex: Company, browser_of: BrowserOf
) -> None:
    other = Phone(phone.number, wa_id="5215599998888", name="Paz")
    other.says("Hola")
    order = phone.order
    browser = browser_of(olga)

    act(browser, other, "order", order=order.public_id, step="preparing")
    act(browser, phone, "order", order=order.public_id, step="paid")
    act(browser, phone, "ticket", ticket=order.public_id, step="closed")
    stranger = browser_of(carla).post(
        f"/inbox/{phone.conversation.public_id}/do/order/",
        {"order": order.public_id, "step": "preparing"},
    )

    assert stranger.status_code == 404
    assert Order.objects.get().state == OrderState.PAID
