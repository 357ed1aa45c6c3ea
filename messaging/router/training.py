"""Learns the router's weights from a corpus. Used by a command and benchmarks, never by a server.

Multinomial logistic regression with an L2 penalty, by gradient descent with momentum (Adam,
Kingma and Ba 2015), started from zero: the same corpus gives the same weights.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from messaging.router.intents import intent_names
from messaging.router.reading import extract_features

PENALTY = 1.0
ROUNDS = 250
LEARNING_RATE = 0.05
LEAST_COUNT = 2
BYTE_MAX = 127


@dataclass(frozen=True, slots=True)
class Utterance:
    """A line of a corpus."""

    language: str
    scenario: str
    """The situation it was written for; a split never parts one."""
    intents: tuple[str, ...]
    """``lane.intent``, the expected one first, then others a person would also accept."""
    text: str


def read_corpus(folder: Path) -> list[Utterance]:
    """Return all utterances of a folder's ``es_*.txt`` and ``en_*.txt``.

    A heading ``= lane.intent | lane.other @scenario`` holds for the lines below it.

    Raises:
        ValueError: a heading names an unknown intent.
    """
    known = set(intent_names())
    utterances: list[Utterance] = []
    for path in sorted(folder.glob("e[ns]_*.txt")):
        intents: tuple[str, ...] = ()
        scenario = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("= "):
                heading, _, scenario = line[2:].partition(" @")
                intents = tuple(name.strip() for name in heading.split("|"))
                if not known.issuperset(intents):
                    raise ValueError(f"{path.name}: unknown intent in {line!r}")
            elif line.strip():
                utterances.append(Utterance(path.name[:2], scenario, intents, line.strip()))
    return utterances


def train_weights(utterances: Iterable[Utterance]) -> dict[str, Any]:
    """Return the weights learned from the utterances, in the JSON form `weights` reads."""
    # A dependency of the voice stack; imported here, so that no server loads it for routing.
    import numpy as np

    examples = [(extract_features(one.text), one.intents[0]) for one in utterances]
    counts = Counter(name for features, _ in examples for name in features)
    names = sorted(name for name, count in counts.items() if count >= LEAST_COUNT)
    column = {name: at for at, name in enumerate(names)}
    intents = intent_names()
    inputs = np.zeros((len(examples), len(names)), dtype=np.float32)
    wanted = np.zeros((len(examples), len(intents)), dtype=np.float32)
    for row, (features, intent) in enumerate(examples):
        for name, value in features.items():
            if name in column:
                inputs[row, column[name]] = value
        wanted[row, intents.index(intent)] = 1.0
    weights = np.zeros((len(names), len(intents)), dtype=np.float32)
    bias = np.zeros(len(intents), dtype=np.float32)
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    first_bias, second_bias = np.zeros_like(bias), np.zeros_like(bias)
    for step in range(1, ROUNDS + 1):
        scores = inputs @ weights + bias
        scores -= scores.max(axis=1, keepdims=True)
        odds = np.exp(scores)
        gap = odds / odds.sum(axis=1, keepdims=True) - wanted
        moved: tuple[tuple[Any, Any, Any, Any], ...] = (
            (weights, inputs.T @ gap + PENALTY * weights, first, second),
            (bias, gap.sum(axis=0), first_bias, second_bias),
        )
        for parameter, slope, mean, square in moved:
            mean += 0.1 * (slope - mean)
            square += 0.001 * (slope * slope - square)
            ahead = mean / (1 - 0.9**step)
            spread = np.sqrt(square / (1 - 0.999**step))
            parameter -= LEARNING_RATE * ahead / (spread + 1e-8)
    unit = float(np.abs(weights).max()) / BYTE_MAX
    packed = np.rint(weights / unit).astype(np.int8)
    kept = [at for at in range(len(names)) if packed[at].any()]
    return {
        "intents": list(intents),
        "bias": [round(float(value), 4) for value in bias],
        "step": round(unit, 8),
        "features": "\n".join(names[at] for at in kept),
        "rows": base64.b64encode(packed[kept].tobytes()).decode("ascii"),
    }


def split_by_scenario(
    utterances: Sequence[Utterance], held_out: frozenset[str]
) -> tuple[list[Utterance], list[Utterance]]:
    """Return what is learned from and what is asked, parted by whole scenarios."""
    return (
        [one for one in utterances if one.scenario not in held_out],
        [one for one in utterances if one.scenario in held_out],
    )
