"""From words to goods: "dos bolsas de café y una taza" becomes products and quantities.

Reads the catalogue through selectors. What a text says about prices is never looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from messaging.lanes.base import find_quantity
from messaging.models import Product
from messaging.search import query_words
from messaging.selectors import shop

_AND = re.compile(r"\s*(?:,|;|\+|&|\by\b|\be\b|\band\b|\bplus\b|\bademás\b|\bmás\b|\bcon\b)\s*")
SURE = 0.6
LEAST = 0.5
PARTS_MAX = 10
_CLOSE = 0.12


@dataclass(frozen=True, slots=True)
class Wish:
    """A part of what somebody asked for."""

    text: str
    quantity: int
    matches: tuple[Product, ...]
    """Empty when nothing fits; several when the words fit more than one."""

    @property
    def product(self) -> Product | None:
        """The one product that is meant, when it is clear."""
        return self.matches[0] if len(self.matches) == 1 else None


def read_wishes(company_id: int, text: str) -> list[Wish]:
    """Return the goods a text asks for, part by part; parts without a word of goods are left out.

    A whole text that names one product is not parted: "pan con queso" may be one.
    """
    whole = _matches(company_id, text)
    pieces = [piece for piece in _AND.split(text) if piece.strip()][:PARTS_MAX]
    if len(pieces) > 1:
        parts = [_wish(company_id, piece) for piece in pieces if _names_goods(piece)]
        named = [part for part in parts if part.matches]
        if len({part.matches[0].pk for part in named}) > 1:
            return parts
        if named and not whole:
            # The rest of the message is about something else.
            return named
    if not _names_goods(text):
        return []
    return [Wish(text, _quantity(text), whole)]


def _names_goods(text: str) -> bool:
    # A number alone is an amount of something, never the thing.
    return any(not word.isdigit() for word in query_words(text))


def _wish(company_id: int, text: str) -> Wish:
    return Wish(text.strip(), _quantity(text), _matches(company_id, text))


def _quantity(text: str) -> int:
    return max(1, find_quantity(text) or 1)


def _matches(company_id: int, text: str) -> tuple[Product, ...]:
    found = shop.find_products(company_id, text, least=LEAST)
    if not found:
        return ()
    best = found[0][1]
    close = tuple(product for product, score in found if score >= best - _CLOSE)
    return close[:10]
