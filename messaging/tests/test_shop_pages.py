"""The pages on which a company writes what its agents say and sell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Company, User
from messaging.models import FaqEntry, OpeningHours, Policy, Product, StockMovement
from messaging.services.catalogue import save_category

pytestmark = pytest.mark.django_db

BrowserOf = Callable[..., Client]
PAGES = (
    "/shop/",
    "/shop/questions/",
    "/shop/questions/new/",
    "/shop/catalogue/",
    "/shop/catalogue/new/",
    "/shop/templates/",
)


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_shop_has_pages(
    path: str, ana: User, acme: Company, browser_of: BrowserOf
) -> None:
    assert browser_of(ana).get(path).status_code == 200


def test_hours_are_saved_and_a_mistake_keeps_what_was_typed(
    ana: User, acme: Company, browser_of: BrowserOf
) -> None:
    browser = browser_of(ana)
    sent = {"hours_0": "09:00-14:00, 16:00-20:00", "hours_5": "10:00-13:00"}
    assert browser.post("/shop/save/hours/", sent).status_code == 302
    assert OpeningHours.objects.filter(company=acme).count() == 3

    answer = browser.post("/shop/save/hours/", {"hours_1": "nine to five"})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "Tuesday: write hours such as" in page
    assert "nine to five" in page
    assert OpeningHours.objects.filter(company=acme).count() == 3


def test_a_question_is_written_changed_and_deleted(
    ana: User, acme: Company, browser_of: BrowserOf
) -> None:
    browser = browser_of(ana)
    fields = {"question_es": "¿Abren el lunes?", "topic": "general", "is_active": "on"}
    answer = browser.post("/shop/questions/new/", fields)
    assert answer.status_code == 400
    assert "¿Abren el lunes?" in answer.content.decode()
    assert not FaqEntry.objects.exists()

    assert browser.post("/shop/questions/new/", fields | {"answer_es": "Sí."}).status_code == 302
    entry = FaqEntry.objects.get()
    assert (entry.company, entry.answer_es, entry.is_active) == (acme, "Sí.", True)
    assert browser.post(f"/shop/questions/{entry.public_id}/", {"delete": "1"}).status_code == 302
    assert not FaqEntry.objects.exists()


def test_a_product_has_a_price_and_a_counted_stock(
    ana: User, carla: User, globex: Company, acme: Company, browser_of: BrowserOf
) -> None:
    save_category(company=acme, name_es="Café", slug="cafe")
    browser = browser_of(ana)
    fields: dict[str, Any] = {
        "sku": "C-1",
        "name_es": "Café molido",
        "category": "cafe",
        "price": "120.50",
        "stock": "8",
        "is_active": "on",
    }
    assert browser.post("/shop/catalogue/new/", fields | {"price": "gratis"}).status_code == 400
    assert not Product.objects.exists()
    assert browser.post("/shop/catalogue/new/", fields).status_code == 302
    product = Product.objects.get()
    assert (product.price_minor, product.stock) == (12050, 8)
    path = f"/shop/catalogue/{product.public_id}/"
    assert browser.post(path, fields | {"stock": "5"}).status_code == 302
    product.refresh_from_db()
    assert product.stock == 5
    moved = StockMovement.objects.filter(product=product).order_by("pk")
    assert [one.delta for one in moved] == [8, -3]

    assert browser_of(carla).post(path, fields | {"price": "1"}).status_code == 404
    product.refresh_from_db()
    assert product.price_minor == 12050


def test_rules_are_saved_in_two_languages(ana: User, acme: Company, browser_of: BrowserOf) -> None:
    browser = browser_of(ana)
    browser.post("/shop/save/policies/", {"returns_es": "30 días.", "returns_en": "30 days."})
    assert Policy.objects.get().text_en == "30 days."
    browser.post("/shop/save/policies/", {})
    assert not Policy.objects.exists()


def test_operators_do_not_change_the_shop(acme: Company, vera: User, browser_of: BrowserOf) -> None:
    assert browser_of(vera).get("/shop/").status_code in (302, 404)
