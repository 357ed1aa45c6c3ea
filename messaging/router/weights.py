"""The trained weights: which intent each feature of an utterance speaks for.

Owns the file beside it and the arithmetic. The file is made by ``manage.py train_router`` from
the corpus and holds no utterance. Pure Python: a web process loads no numerical library for it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

WEIGHTS_FILE = Path(__file__).with_name("weights.json")


@dataclass(frozen=True, slots=True)
class Weights:
    """Rows of signed bytes, one a feature, one byte an intent."""

    intents: tuple[str, ...]
    rows: Mapping[str, tuple[int, ...]]
    bias: tuple[float, ...]
    step: float
    """What one unit of a byte is worth in log-odds."""

    def score(self, features: Mapping[str, float]) -> dict[str, float]:
        """Return the log-odds of every intent, up to a constant."""
        totals = [0.0] * len(self.intents)
        for name, value in features.items():
            row = self.rows.get(name)
            if row is not None:
                totals = [total + value * weight for total, weight in zip(totals, row, strict=True)]
        return {
            intent: bias + self.step * total
            for intent, bias, total in zip(self.intents, self.bias, totals, strict=True)
        }


def decode_weights(stored: Mapping[str, object]) -> Weights:
    """Return weights from their JSON form."""
    intents = tuple(str(name) for name in _list(stored["intents"]))
    packed = base64.b64decode(str(stored["rows"]))
    width = len(intents)
    signed = memoryview(packed).cast("b")
    names = str(stored["features"]).split("\n")
    return Weights(
        intents=intents,
        rows={name: tuple(signed[at * width : (at + 1) * width]) for at, name in enumerate(names)},
        bias=tuple(float(str(value)) for value in _list(stored["bias"])),
        step=float(str(stored["step"])),
    )


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("a list was stored here")
    return value


@lru_cache(maxsize=1)
def load_weights() -> Weights:
    """Return the weights that come with the product, read once a process."""
    return decode_weights(json.loads(WEIGHTS_FILE.read_text(encoding="utf-8")))
