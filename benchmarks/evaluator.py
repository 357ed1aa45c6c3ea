"""The built-in evaluator against rated interviews, and the checks against attacks and controls.

Run ``python -m benchmarks.evaluator`` (``--quick`` is the same: it takes seconds). The gold
row needs the interviews named by ``GOLD_INTERVIEWS``. The peer is a scorer by length, five equal
parts by the visitor's characters: it shows what a judge that rewards talking would reach.

The blind set was rated and committed by somebody who had not read the rules, then scored once. That
first figure is the honest one: kappa 0.729 over forty interviews; of the four with an attack or
empty words in a form the checks claim to see, two were flagged (both orders to the machine were
missed, and scored 1 and 19), and one honest person of thirty-five who talks about such orders for a
living was flagged. (A fifth, brochure prose, is marked ``scripted`` by its writer; the checks call
so what was pasted, by its timing, and never judge style.) What it showed was mended in general
terms since, so the row below is no longer blind.
"""

from __future__ import annotations

import argparse

from agents.interview.evaluation.builtin import BuiltinEvaluator
from agents.interview.integrity.checks import check_integrity
from agents.interview.types import ATTACK_FLAGS, EvaluationRequest, FlagKind, Role
from agents.tests.corpora.integrity import Case, expected_flag, read_attacks, read_honest
from agents.tests.corpora.rated import (
    BLIND,
    DEVELOPMENT,
    SECOND,
    RatedInterview,
    gold_path,
    read_gold,
    read_rated,
    to_band,
    weighted_kappa,
)
from benchmarks.machine import print_machine
from benchmarks.tables import Cell, print_table


def score(request: EvaluationRequest) -> int:
    """Return the built-in score."""
    return BuiltinEvaluator().evaluate(request, deadline_seconds=5).score


def length_bands(interviews: list[RatedInterview]) -> list[int]:
    """Return the five bands of a scorer that sorts by the visitor's characters."""
    sizes = [
        sum(len(turn.text) for turn in item.request.turns if turn.role is Role.USER)
        for item in interviews
    ]
    order = sorted(sizes)
    return [order.index(size) * 5 // len(sizes) for size in sizes]


def flags_of(case: Case) -> set[FlagKind]:
    """Return the kinds of flag a case raises."""
    found = check_integrity(questions=case.request.questions, turns=case.request.turns)
    return {flag.kind for flag in found}


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="The same; it takes seconds.")
    parser.parse_args()
    print_machine()
    sets = {"own, development": read_rated(DEVELOPMENT), "own, second": read_rated(SECOND)}
    sets["own, blind once"] = read_rated(BLIND)
    if gold_path().is_file():
        sets["gold"] = read_gold(gold_path())
    rows: list[list[Cell]] = []
    for name, items in sets.items():
        scores = [score(item.request) for item in items]
        rated = [to_band(item.rating) for item in items]
        errors = [abs(item.rating - mark) for item, mark in zip(items, scores, strict=True)]
        kappa = weighted_kappa(rated, [to_band(mark) for mark in scores])
        by_length = weighted_kappa(rated, length_bands(items))
        rows.append([name, len(items), kappa, by_length, sum(errors) / len(errors)])
    print_table("Evaluator", ["set", "n", "kappa", "kappa by length", "mean error"], rows)
    attacks, honest = read_attacks(), read_honest()
    named = sum(expected_flag(case) in flags_of(case) for case in attacks)
    raised = sum(
        case.twin is not None and score(case.request) > score(case.twin) for case in attacks
    )
    wrong = [flags_of(case) for case in honest]
    print_table(
        "Integrity",
        ["set", "n", "attack flags", "any flag", "score raised"],
        [
            ["attacks", len(attacks), named, sum(bool(flags_of(c)) for c in attacks), raised],
            [
                "honest",
                len(honest),
                sum(bool(k & ATTACK_FLAGS) for k in wrong),
                sum(map(bool, wrong)),
                0,
            ],
        ],
    )


if __name__ == "__main__":
    main()
