"""Sentences in which a visitor gives the machine orders. They are never scored."""

from __future__ import annotations

from agents.interview.interviewer import patterns
from agents.interview.language import fold, sentences


def is_order(sentence: str) -> bool:
    """Tell whether one sentence speaks to the machine instead of answering."""
    return bool(
        patterns.INSTRUCTION.search(fold(sentence)) or patterns.MARKUP_ROLE.search(sentence)
    )


def has_orders(text: str) -> bool:
    """Tell whether any sentence of a turn is an order."""
    return any(is_order(sentence) for sentence in sentences(text))
