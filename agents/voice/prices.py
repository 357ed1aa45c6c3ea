"""What speech and language models cost, in millionths of a US dollar.

Owns the sums and the table they start from: OpenAI's list prices as known in November 2026,
written down without an invoice to check them by, so every cost is an estimate. `VOICE_PRICES`
of the environment replaces or adds models. Knows no conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agents.voice.types import ModelUsage, UsageMeasured

if TYPE_CHECKING:
    from livekit.agents.metrics import AgentSessionUsage


@dataclass(frozen=True, slots=True)
class Price:
    """Millionths of a dollar for a thousand tokens or characters, or for a minute of sound."""

    input_per_1000: float = 0.0
    output_per_1000: float = 0.0
    characters_per_1000: float = 0.0
    per_minute: float = 0.0


LIST_PRICES: Final[Mapping[str, Price]] = {
    "gpt-4o-mini": Price(input_per_1000=150, output_per_1000=600),
    "gpt-4o": Price(input_per_1000=2_500, output_per_1000=10_000),
    "gpt-4.1": Price(input_per_1000=2_000, output_per_1000=8_000),
    "gpt-4.1-mini": Price(input_per_1000=400, output_per_1000=1_600),
    "gpt-4.1-nano": Price(input_per_1000=100, output_per_1000=400),
    "gpt-4o-mini-transcribe": Price(per_minute=3_000),
    "gpt-4o-transcribe": Price(per_minute=6_000),
    "whisper-1": Price(per_minute=6_000),
    "gpt-4o-mini-tts": Price(per_minute=15_000),
    "tts-1": Price(characters_per_1000=15_000),
    "tts-1-hd": Price(characters_per_1000=30_000),
}
FREE_PROVIDERS: Final = frozenset({"local"})


def merge_prices(own: Mapping[str, Mapping[str, float]]) -> dict[str, Price]:
    """Return the table with an administrator's prices over it, model by model.

    Args:
        own: model to dollars: for a million tokens of ``input`` and ``output``, a million
            ``characters``, a ``minute`` of sound. A model named here has these prices only.
    """
    return {
        **LIST_PRICES,
        **{
            model: Price(
                input_per_1000=dollars.get("input", 0.0) * 1000,
                output_per_1000=dollars.get("output", 0.0) * 1000,
                characters_per_1000=dollars.get("characters", 0.0) * 1000,
                per_minute=dollars.get("minute", 0.0) * 1_000_000,
            )
            for model, dollars in own.items()
        },
    }


def price_usage(
    *,
    kind: str,
    provider: str,
    model: str,
    input_tokens: int = 0,
    output_tokens: int = 0,
    characters: int = 0,
    audio_seconds: float = 0.0,
    prices: Mapping[str, Price] = LIST_PRICES,
) -> ModelUsage:
    """Return what was used with its cost; a model without a price is marked, not called free."""
    price = Price() if provider in FREE_PROVIDERS else prices.get(model)
    cost = 0.0
    if price is not None:
        cost = (
            input_tokens * price.input_per_1000 / 1000
            + output_tokens * price.output_per_1000 / 1000
            + characters * price.characters_per_1000 / 1000
            + audio_seconds * price.per_minute / 60
        )
    return ModelUsage(
        kind=kind,
        provider=provider,
        model=model,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        characters=characters,
        audio_seconds=round(audio_seconds, 3),
        cost_micros=round(cost),
        is_priced=price is not None,
    )


def sum_usage(usage: AgentSessionUsage, prices: Mapping[str, Price]) -> UsageMeasured:
    """Return livekit's running totals in our words, with costs by these prices."""
    found = []
    for entry in usage.model_usage:
        kind = entry.type.removesuffix("_usage")
        if kind not in ("llm", "stt", "tts") or entry.model == "builtin":
            continue
        found.append(
            price_usage(
                kind=kind,
                provider=entry.provider,
                model=entry.model,
                input_tokens=getattr(entry, "input_tokens", 0),
                output_tokens=getattr(entry, "output_tokens", 0),
                characters=getattr(entry, "characters_count", 0),
                audio_seconds=getattr(entry, "audio_duration", 0.0),
                prices=prices,
            )
        )
    return UsageMeasured(tuple(found))
