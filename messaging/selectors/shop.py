"""The catalogue and the places a shop delivers to."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, Q

from agents.interview.language import fold, words
from messaging.models import Category, DeliveryPlace, Product, StockMovement
from messaging.search import Document, rank


def categories_of(company_id: int) -> list[Category]:
    """Return the shelves that hold something on sale, in the shop's order."""
    return list(
        Category.objects.filter(company_id=company_id)
        .annotate(on_sale=Count("products", filter=Q(products__is_active=True)))
        .filter(on_sale__gt=0)
    )


def all_categories(company_id: int) -> list[Category]:
    """Return every shelf, empty ones too."""
    return list(Category.objects.filter(company_id=company_id))


def products_of(company_id: int, *, category_id: int | None = None) -> list[Product]:
    """Return what is on sale, in the shop's order."""
    rows = Product.objects.filter(company_id=company_id, is_active=True)
    return list(rows.filter(category_id=category_id) if category_id else rows)


def all_products(company_id: int) -> list[Product]:
    """Return every product with its shelf, for the console; off sale ones too."""
    return list(Product.objects.filter(company_id=company_id).select_related("category"))


def product_by_id(company_id: int, public_id: str) -> Product | None:
    """Return one product of the company, on sale or not."""
    return Product.objects.filter(company_id=company_id, public_id=public_id).first()


def products_by_sku(company_id: int, skus: Iterable[str]) -> dict[str, Product]:
    """Return the company's products by the given article numbers."""
    return {
        row.sku: row for row in Product.objects.filter(company_id=company_id, sku__in=list(skus))
    }


def find_products(company_id: int, text: str, *, least: float = 0.5) -> list[tuple[Product, float]]:
    """Return the products on sale that fit the words best, with their score 0 to 1."""
    products = list(
        Product.objects.filter(company_id=company_id, is_active=True).select_related("category")
    )
    documents = [
        Document(
            at,
            f"{row.name_es} {row.name_en} {row.keywords} {row.sku}",
            f"{row.description_es} {row.description_en} {row.category.name_es} "
            f"{row.category.name_en} {row.category.keywords}",
        )
        for at, row in enumerate(products)
    ]
    return [(products[match.key], match.score) for match in rank(text, documents, least=least)]


def find_category(company_id: int, text: str) -> Category | None:
    """Return the shelf the words name, if they name one."""
    shelves = categories_of(company_id)
    documents = [
        Document(at, f"{row.name_es} {row.name_en} {row.keywords}")
        for at, row in enumerate(shelves)
    ]
    matches = rank(text, documents, least=0.6)
    return shelves[matches[0].key] if matches else None


def places_of(company_id: int) -> list[DeliveryPlace]:
    """Return where the shop delivers to, in its order."""
    return list(DeliveryPlace.objects.filter(company_id=company_id, is_active=True))


def place_of(company_id: int, place_id: int | None) -> DeliveryPlace | None:
    """Return one place the company delivers to."""
    if place_id is None:
        return None
    return DeliveryPlace.objects.filter(company_id=company_id, pk=place_id, is_active=True).first()


def find_places(company_id: int, address: str) -> list[DeliveryPlace]:
    """Return the places an address could lie in, best first."""
    places = places_of(company_id)
    folded_address = f" {' '.join(_plain(address))} "
    return [
        place
        for place in places
        if any(
            f" {' '.join(_plain(name))} " in folded_address
            for name in (place.name, *place.keywords.split(","))
            if name.strip()
        )
    ]


def movements_of(company_id: int, *, product_id: int, limit: int = 50) -> list[StockMovement]:
    """Return a product's latest changes of stock."""
    return list(
        StockMovement.objects.filter(product_id=product_id, product__company_id=company_id)
        .select_related("actor")
        .order_by("-id")[:limit]
    )


def _plain(text: str) -> list[str]:
    return [fold(word) for word in words(text)]
