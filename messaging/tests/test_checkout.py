"""Cart and checkout: what is charged is what the catalogue says, and stock is never sold twice."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from core.errors import ConflictError, InvalidInputError
from messaging.models import (
    BusinessNumber,
    Cart,
    Contact,
    DeliveryPlace,
    Fulfilment,
    Order,
    OrderPayment,
    OrderState,
    PaymentState,
    StockMovement,
)
from messaging.services import carts, orders, stock
from messaging.services.carts import SoldOutError, WantedItem
from messaging.services.checkout import CartChangedError, CheckoutRequest, place_order
from messaging.tests.shop_world import make_shop, product

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(acme) -> BusinessNumber:
    return make_shop(acme)


def buyer(number: BusinessNumber, phone: str = "521550001") -> Contact:
    return Contact.objects.create(company=number.company, phone=phone, language="es")


def fill(contact: Contact, sku: str, quantity: int = 1) -> None:
    carts.add_to_cart(
        company_id=contact.company_id,
        contact_id=contact.pk,
        product_id=product(contact.company, sku).pk,
        quantity=quantity,
    )


def request_for(contact: Contact, total: int, **fields) -> CheckoutRequest:
    defaults = {"fulfilment": Fulfilment.PICKUP}
    return CheckoutRequest(
        company_id=contact.company_id,
        contact_id=contact.pk,
        agreed_total_minor=total,
        **{**defaults, **fields},
    )


def test_an_order_takes_stock_and_opens_a_payment(shop):
    ana = buyer(shop)
    fill(ana, "MET-V60", 2)

    order = place_order(request_for(ana, 78000))

    assert (order.number, order.total_minor, order.currency) == ("P-1001", 78000, "MXN")
    assert order.state == OrderState.AWAITING_PAYMENT
    assert product(shop.company, "MET-V60").stock == 9
    assert StockMovement.objects.filter(order_ref=order.public_id).get().delta == -2
    payment = OrderPayment.objects.get(order=order)
    assert (payment.amount_minor, payment.state, payment.provider) == (78000, "open", "local")


def test_delivery_needs_an_address_in_a_place_of_the_shop(shop, globex):
    ana = buyer(shop)
    fill(ana, "MET-V60")
    foreign = DeliveryPlace.objects.create(company=globex, name="Elsewhere")
    place = DeliveryPlace.objects.get(company=shop.company, name="Ciudad de México")

    for fields in ({"place_id": place.pk}, {"address": "Calle 1", "place_id": foreign.pk}):
        with pytest.raises(InvalidInputError):
            place_order(request_for(ana, 39000, fulfilment=Fulfilment.DELIVERY, **fields))
    assert Order.objects.count() == 0

    order = place_order(
        request_for(
            ana, 45900, fulfilment=Fulfilment.DELIVERY, address="Calle 1", place_id=place.pk
        )
    )
    assert (order.delivery_fee_minor, order.place_name) == (6900, "Ciudad de México")


@pytest.mark.parametrize("change", [{"price_minor": 39100}, {"stock": 0}, {"is_active": False}])
def test_a_change_of_the_catalogue_refuses_the_order_and_does_nothing(shop, change):
    ana = buyer(shop)
    fill(ana, "MET-V60")
    row = product(shop.company, "MET-V60")
    for name, value in change.items():
        setattr(row, name, value)
    row.save()
    left = row.stock

    with pytest.raises(CartChangedError):
        place_order(request_for(ana, 39000))

    assert Order.objects.count() == 0
    assert product(shop.company, "MET-V60").stock == left
    assert Cart.objects.get().state == "open"


def test_an_amount_nobody_charges_refuses_the_order(shop):
    ana = buyer(shop)
    fill(ana, "MET-V60")

    with pytest.raises(CartChangedError):
        place_order(request_for(ana, 1))

    assert Order.objects.count() == 0


def test_a_cart_makes_one_order(shop):
    ana = buyer(shop)
    fill(ana, "MET-V60")
    place_order(request_for(ana, 39000))

    with pytest.raises(ConflictError) as refused:
        place_order(request_for(ana, 39000))

    assert refused.value.code == "cart_empty"
    assert Order.objects.count() == 1
    assert product(shop.company, "MET-V60").stock == 10


def test_a_cart_never_promises_more_than_there_is(shop):
    ana = buyer(shop)
    fill(ana, "REG-CUR")

    with pytest.raises(SoldOutError) as refused:
        fill(ana, "REG-CUR")

    assert refused.value.extra["left"] == 1
    assert Cart.objects.get().lines.get().quantity == 1


def test_accepting_changes_takes_over_prices_and_drops_what_is_gone(shop):
    ana = buyer(shop)
    fill(ana, "MET-V60", 3)
    fill(ana, "REG-CUR")
    cone, course = product(shop.company, "MET-V60"), product(shop.company, "REG-CUR")
    cone.price_minor, cone.stock = 41000, 2
    cone.save()
    course.stock = 0
    course.save()

    carts.accept_changes(company_id=ana.company_id, contact_id=ana.pk)

    line = Cart.objects.get().lines.get()
    assert (line.product, line.quantity, line.shown_price_minor) == (cone, 2, 41000)
    assert place_order(request_for(ana, 82000)).subtotal_minor == 82000


def test_cancelling_gives_the_goods_back_once(shop):
    ana = buyer(shop)
    fill(ana, "MET-V60", 2)
    order = place_order(request_for(ana, 78000))

    orders.cancel_order(order=order, contact_id=ana.pk)
    orders.cancel_order(order=order, contact_id=ana.pk)

    order.refresh_from_db()
    assert (order.state, order.is_refund_due) == (OrderState.CANCELLED, False)
    assert product(shop.company, "MET-V60").stock == 11
    assert OrderPayment.objects.get().state == PaymentState.VOID


def test_what_is_on_its_way_is_not_cancelled_by_the_buyer(shop, ana):
    contact = buyer(shop)
    fill(contact, "MET-V60")
    order = place_order(request_for(contact, 39000))
    Order.objects.update(state=OrderState.PREPARING)

    with pytest.raises(orders.OrderStateError):
        orders.cancel_order(order=order, contact_id=contact.pk)

    assert product(shop.company, "MET-V60").stock == 10


def test_orders_that_are_not_paid_in_time_give_their_goods_back(shop):
    ana = buyer(shop)
    fill(ana, "REG-CUR")
    order = place_order(request_for(ana, 85000))
    assert orders.expire_unpaid() == 0
    Order.objects.update(pay_by_at=order.placed_at)

    assert (orders.expire_unpaid(), orders.expire_unpaid()) == (1, 0)

    order.refresh_from_db()
    assert order.state == OrderState.EXPIRED
    assert product(shop.company, "REG-CUR").stock == 1


def test_another_fee_is_charged_only_while_the_order_is_unpaid(shop):
    ana = buyer(shop)
    fill(ana, "MET-V60")
    near = DeliveryPlace.objects.get(company=shop.company, name="Roma y Condesa")
    far = DeliveryPlace.objects.get(company=shop.company, name="Resto de México")
    order = place_order(
        request_for(ana, 39000, fulfilment=Fulfilment.DELIVERY, address="A 1", place_id=near.pk)
    )

    changed = orders.change_address(order=order, address="Calle 9, Puebla", place=far)
    assert (changed.total_minor, OrderPayment.objects.get().amount_minor) == (53900, 53900)

    Order.objects.update(state=OrderState.PAID)
    with pytest.raises(ConflictError) as refused:
        orders.change_address(order=order, address="Calle 2, Roma", place=near)
    assert refused.value.code == "other_fee"


def test_repeating_an_order_uses_the_prices_of_now(shop):
    ana = buyer(shop)
    fill(ana, "MET-V60", 2)
    order = place_order(request_for(ana, 78000))
    row = product(shop.company, "MET-V60")
    row.price_minor = 40000
    row.save()

    assert orders.repeat_order(order=order) == 1

    line = Cart.objects.get(state="open").lines.get()
    assert (line.quantity, line.shown_price_minor) == (2, 40000)


def test_replacing_lines_leaves_out_other_companies_goods(shop, globex):
    ana = buyer(shop)
    make_shop(globex, "200000000000002")
    foreign = product(globex, "MET-V60")
    own = product(shop.company, "MET-MOK-3")

    cart = carts.replace_lines(
        company_id=ana.company_id,
        contact_id=ana.pk,
        items=[WantedItem(foreign.pk, 1), WantedItem(own.pk, 99)],
    )

    line = cart.lines.get()
    assert (line.product, line.quantity) == (own, 8)


def test_counting_stock_leaves_the_difference(shop, ana):
    row = product(shop.company, "MET-V60")

    stock.count_stock(product=row, counted=4, actor=ana)

    assert product(shop.company, "MET-V60").stock == 4
    movement = StockMovement.objects.filter(product=row).latest("id")
    assert (movement.delta, movement.reason, movement.actor) == (-7, "counted", ana)
    with pytest.raises(InvalidInputError):
        stock.count_stock(product=row, counted=-1, actor=ana)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_want_the_last_one_one_gets_it(acme):
    shop = make_shop(acme)
    buyers = [buyer(shop, f"52155000{number}") for number in range(6)]
    for one in buyers:
        fill(one, "REG-CUR")
    gate = threading.Barrier(len(buyers))
    outcomes: list[str] = []

    def order_it(contact: Contact) -> None:
        try:
            gate.wait()
            outcomes.append(place_order(request_for(contact, 85000)).number)
        except ConflictError as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=order_it, args=(one,)) for one in buyers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["P-1001"] + ["cart_changed"] * 5
    assert product(acme, "REG-CUR").stock == 0
    assert Order.objects.count() == 1
