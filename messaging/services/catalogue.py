"""Edits the catalogue: shelves, products, places of delivery. Stock is `messaging.services.stock`.

Owns the checks on each field; the console's forms and the demo come through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from accounts.models import Company, User
from core import audit, clock
from core.errors import InvalidInputError
from core.money import CURRENCIES, to_minor
from core.text import clean_text
from messaging.models import (
    Category,
    DeliveryPlace,
    Product,
    StockMovement,
    StockReason,
)
from messaging.services.stock import STOCK_MAX

PRICE_MAX_MINOR = 10**12
_TEXTS = {
    "name_es": 120,
    "name_en": 120,
    "description_es": 700,
    "description_en": 700,
    "keywords": 300,
}


def save_category(
    *,
    company: Company,
    name_es: str,
    name_en: str = "",
    keywords: str = "",
    position: int = 0,
    slug: str = "",
) -> Category:
    """Create or change a shelf; its slug names it.

    Raises:
        InvalidInputError: it has no name.
    """
    spanish, english = clean_text(name_es, 60).text, clean_text(name_en, 60).text
    if not spanish and not english:
        raise InvalidInputError("name_missing", "Give the section a name.")
    key = slug or slugify(english or spanish)[:60] or "section"
    row, _ = Category.objects.update_or_create(
        company=company,
        slug=key,
        defaults={
            "name_es": spanish or english,
            "name_en": english or spanish,
            "keywords": clean_text(keywords, 300).text,
            "position": max(0, position),
        },
    )
    return row


def save_product(
    *,
    company: Company,
    fields: Mapping[str, Any],
    public_id: str = "",
    actor: User | None = None,
) -> Product:
    """Create a product or change the one named; what is not given stays.

    Args:
        company: whose.
        fields: sku, name_es, name_en, description_es, description_en, keywords, category (a slug),
            price (a decimal amount as text) or price_minor, currency, is_active, position, and for
            a new one stock.
        public_id: of the product to change; empty makes a new one.
        actor: who does it; a changed price leaves a line in the audit trail.

    Raises:
        InvalidInputError: a field cannot be used; ``extra["errors"]`` names each.

    One transaction.
    """
    with transaction.atomic():
        product = (
            Product.objects.select_for_update().filter(company=company, public_id=public_id).first()
            if public_id
            else Product(company=company)
        )
        if product is None:
            raise InvalidInputError("unknown_product", "There is no such product any more.")
        is_new, old_price = not public_id, product.price_minor
        problems: dict[str, str] = {}
        _set_texts(product, fields, problems)
        _set_price(product, fields, problems)
        _set_place_in_shop(company, product, fields, problems, is_new=is_new)
        stock = _read_stock(fields, problems) if is_new else None
        if problems:
            raise InvalidInputError(
                "invalid_fields",
                "Some fields cannot be used: " + " ".join(problems.values()),
                extra={"errors": problems},
            )
        if stock is not None:
            product.stock = stock
        product.save()
        if stock:
            StockMovement.objects.create(
                product=product,
                delta=stock,
                reason=StockReason.COUNTED,
                actor=actor,
                at=clock.now(),
            )
        if actor is not None:
            note = "" if is_new or old_price == product.price_minor else "price changed"
            audit.record_event(
                actor=actor, action="product.saved", object_ref=product, company=company, note=note
            )
        return product


def _set_texts(product: Product, fields: Mapping[str, Any], problems: dict[str, str]) -> None:
    for name, limit in _TEXTS.items():
        if name in fields:
            setattr(product, name, clean_text(str(fields[name] or ""), limit).text)
    product.name_es = product.name_es or product.name_en
    product.name_en = product.name_en or product.name_es
    if not product.name_es:
        problems["name_es"] = "Give the product a name."
    if "sku" in fields:
        product.sku = clean_text(str(fields["sku"] or ""), 60).text
    if not product.sku:
        problems["sku"] = "Give the product an article number."
    else:
        others = Product.objects.filter(company_id=product.company_id, sku=product.sku)
        if others.exclude(pk=product.pk).exists():
            problems["sku"] = "Another product has this article number."


def _set_price(product: Product, fields: Mapping[str, Any], problems: dict[str, str]) -> None:
    if "currency" in fields:
        if fields["currency"] in CURRENCIES:
            product.currency = str(fields["currency"])
        else:
            problems["currency"] = "Choose a currency code such as MXN."
    if not product.currency:
        problems.setdefault("currency", "Choose a currency.")
        return
    # A new product has none yet, whatever the type of the field says.
    price: int | None = getattr(product, "price_minor", None)
    try:
        if "price" in fields:
            raw = fields["price"]
            price = to_minor(
                raw if isinstance(raw, Decimal) else str(raw).strip(), product.currency
            )
        elif "price_minor" in fields:
            price = int(fields["price_minor"])
    except (TypeError, ValueError):
        price = 0
    if price is None or not 0 < price <= PRICE_MAX_MINOR:
        problems["price"] = "Give a price above 0, such as 15.50."
    else:
        product.price_minor = price


def _set_place_in_shop(
    company: Company,
    product: Product,
    fields: Mapping[str, Any],
    problems: dict[str, str],
    *,
    is_new: bool,
) -> None:
    if "category" in fields:
        shelf = Category.objects.filter(company=company, slug=str(fields["category"])).first()
        if shelf is None:
            problems["category"] = "Choose one of your sections."
        else:
            product.category = shelf
    elif is_new:
        problems["category"] = "Choose a section."
    if "is_active" in fields:
        product.is_active = bool(fields["is_active"])
    if "position" in fields:
        product.position = max(0, int(fields["position"]))


def _read_stock(fields: Mapping[str, Any], problems: dict[str, str]) -> int:
    try:
        stock = int(fields.get("stock", 0))
    except (TypeError, ValueError):
        stock = -1
    if not 0 <= stock <= STOCK_MAX:
        problems["stock"] = f"Give a stock between 0 and {STOCK_MAX:,}."
    return max(0, stock)


def save_place(
    *,
    company: Company,
    name: str,
    fee_minor: int = 0,
    free_from_minor: int | None = None,
    days_min: int = 1,
    days_max: int = 3,
    keywords: str = "",
    is_active: bool = True,
    position: int = 0,
) -> DeliveryPlace:
    """Create or change a place the shop delivers to; its name names it.

    Raises:
        InvalidInputError: no name, a fee below 0, or days that run backwards.
    """
    label = clean_text(name, 80).text
    if not label:
        raise InvalidInputError("name_missing", "Give the place a name.")
    if fee_minor < 0 or (free_from_minor is not None and free_from_minor < 0):
        raise InvalidInputError("invalid_fee", "A fee is 0 or more.")
    if not 0 <= days_min <= days_max <= 365:
        raise InvalidInputError("invalid_days", "Give days from the fewest to the most.")
    row, _ = DeliveryPlace.objects.update_or_create(
        company=company,
        name=label,
        defaults={
            "fee_minor": fee_minor,
            "free_from_minor": free_from_minor,
            "days_min": days_min,
            "days_max": days_max,
            "keywords": clean_text(keywords, 300).text,
            "is_active": is_active,
            "position": max(0, position),
        },
    )
    return row
