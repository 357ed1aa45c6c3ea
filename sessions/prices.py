"""What speech models cost, to show the cost of a conversation. List prices, in US dollars.

Owns the table; knows no row. Prices change: a model that is not listed has no cost rather than a
wrong one, and a server of one's own costs nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MICROS: Final = 1_000_000
FREE_PROVIDERS: Final = frozenset({"local", "builtin"})


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars a unit."""

    per_million_input_tokens: float = 0.0
    per_million_output_tokens: float = 0.0
    per_million_characters: float = 0.0
    per_audio_minute: float = 0.0


# OpenAI's price list, read in November 2026; per audio minute where the list gives that estimate.
PRICES: Final[dict[str, Price]] = {
    "gpt-4o-mini": Price(per_million_input_tokens=0.15, per_million_output_tokens=0.60),
    "gpt-4o": Price(per_million_input_tokens=2.50, per_million_output_tokens=10.00),
    "gpt-4.1": Price(per_million_input_tokens=2.00, per_million_output_tokens=8.00),
    "gpt-4.1-mini": Price(per_million_input_tokens=0.40, per_million_output_tokens=1.60),
    "gpt-4o-mini-transcribe": Price(per_audio_minute=0.003),
    "gpt-4o-transcribe": Price(per_audio_minute=0.006),
    "whisper-1": Price(per_audio_minute=0.006),
    "gpt-4o-mini-tts": Price(per_audio_minute=0.015),
    "tts-1": Price(per_million_characters=15.0),
    "tts-1-hd": Price(per_million_characters=30.0),
}


def find_cost_micros(
    *,
    provider: str,
    model: str,
    input_tokens: int = 0,
    output_tokens: int = 0,
    character_count: int = 0,
    audio_seconds: float = 0.0,
) -> int | None:
    """Return the cost in millionths of a dollar, or None when the price is not known."""
    if provider in FREE_PROVIDERS:
        return 0
    price = PRICES.get(model)
    if price is None:
        return None
    dollars = (
        price.per_million_input_tokens * input_tokens / MICROS
        + price.per_million_output_tokens * output_tokens / MICROS
        + price.per_million_characters * character_count / MICROS
        + price.per_audio_minute * audio_seconds / 60
    )
    return round(dollars * MICROS)
