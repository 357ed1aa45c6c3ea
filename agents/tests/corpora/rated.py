"""Reads rated interviews: ours, written and rated by hand, and the gold set where it exists.

Ours stand in three text files: one to develop against, a second that was scored when the rules
stood (its first figure, a kappa of 0.82, is the honest one, since its errors were mended later),
and a blind one, rated and frozen by somebody who had not read the rules before it was scored once.

A block ``@survey`` names the questions (``*`` required, ``-`` optional), a block
``= id survey rating`` (after which a name of a
flag may stand) is one interview: a line ``2 text`` answers question 2, which the agent asked
just before, ``? text`` is a follow-up of the agent's and ``> text`` the visitor's next words.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.interview.language import words
from agents.interview.types import EvaluationRequest, FlagKind, Question, Role, Turn

FOLDER = Path(__file__).parent
DEVELOPMENT = FOLDER / "rated_development.txt"
SECOND = FOLDER / "rated_second.txt"
BLIND = FOLDER / "rated_blind.txt"
REPOSITORY = FOLDER.parents[2]
BANDS = 5
SECONDS_A_WORD = 0.4
"""Speaking pace by which the texts get times."""
GAP_SECONDS = 0.3
"""Between two speakers of the gold set."""


@dataclass(frozen=True, slots=True)
class RatedInterview:
    """One interview with the mark people, or the raters of the gold set, gave it."""

    id: str
    request: EvaluationRequest
    rating: float
    """0 to 100; the mean where two rated."""
    flag: FlagKind | None = None
    """What the integrity checks must see in it; None says that it is honest."""


@dataclass(slots=True)
class _Draft:
    id: str
    survey: str
    rating: float
    lines: list[tuple[Role, str]]
    flag: FlagKind | None


def gold_path() -> Path:
    """Return where the gold interviews are expected: ``GOLD_INTERVIEWS`` or beside the project."""
    beside = REPOSITORY.parent / "shared" / "gold-interviews"
    path = Path(os.environ.get("GOLD_INTERVIEWS", beside))
    return path / "interviews.json" if path.is_dir() else path


def read_gold(path: Path) -> list[RatedInterview]:
    """Return the gold interviews of a JSON file."""
    return [_from_gold(item) for item in json.loads(path.read_text(encoding="utf-8"))]


def _from_gold(item: dict[str, Any]) -> RatedInterview:
    questions = tuple(
        Question(id=f"q{number}", text=row["text"], required=row["required"])
        for number, row in enumerate(item["survey"]["questions"])
    )
    rows = item["transcript"]
    # The times of the gold set are when an utterance began; ours are when it ended.
    ends = [row["t"] - GAP_SECONDS for row in rows[1:]]
    ends.append(rows[-1]["t"] + SECONDS_A_WORD * len(words(rows[-1]["text"])))
    turns = tuple(
        Turn(
            id=f"t{number}",
            role=Role.AGENT if row["role"] == "agent" else Role.USER,
            text=row["text"],
            at_seconds=end,
            started_seconds=row["t"],
            is_typed=False,
        )
        for number, (row, end) in enumerate(zip(rows, ends, strict=True))
    )
    ratings = [rating["overall"] for rating in item["ratings"]]
    return RatedInterview(
        id=item["id"],
        request=EvaluationRequest(
            questions=questions,
            turns=turns,
            language=item["language"],
            objective=item["survey"]["title"],
        ),
        rating=sum(ratings) / len(ratings),
    )


def read_rated(path: Path) -> list[RatedInterview]:
    """Return the interviews of one of our text files, in its order."""
    surveys: dict[str, tuple[str, str, list[Question]]] = {}
    drafts: list[_Draft] = []
    survey = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        head, _, rest = line.partition(" ")
        if head == "@survey":
            survey, language = rest.split("|")[0].split()
            surveys[survey] = (language, rest.split("|")[1].strip(), [])
        elif head in {"*", "-"}:
            asked = surveys[survey][2]
            asked.append(Question(id=f"q{len(asked)}", text=rest, required=head == "*"))
        elif head == "=":
            name, survey, rating, *flags = rest.split()
            flag = FlagKind(flags[0]) if flags else None
            drafts.append(_Draft(name, survey, float(rating), [], flag))
        elif head.isdigit():
            question = surveys[drafts[-1].survey][2][int(head) - 1]
            drafts[-1].lines += [(Role.AGENT, question.text), (Role.USER, rest)]
        elif head in {"?", ">"}:
            drafts[-1].lines.append((Role.AGENT if head == "?" else Role.USER, rest))
        elif line:
            raise ValueError(f"{path.name} holds a line of no known kind: {line!r}")
    return [_from_draft(draft, *surveys[draft.survey]) for draft in drafts]


def _from_draft(
    draft: _Draft, language: str, title: str, questions: Sequence[Question]
) -> RatedInterview:
    turns, at_seconds = [], 0.0
    for number, (role, text) in enumerate(draft.lines):
        # A person thinks before speaking; the pauses differ so that they look like a person's.
        at_seconds += 1.5 + number % 3 + SECONDS_A_WORD * len(words(text))
        turns.append(
            Turn(id=f"t{number}", role=role, text=text, at_seconds=at_seconds, is_typed=False)
        )
    request = EvaluationRequest(
        questions=tuple(questions), turns=tuple(turns), language=language, objective=title
    )
    return RatedInterview(id=draft.id, request=request, rating=draft.rating, flag=draft.flag)


def to_band(score: float) -> int:
    """Return which of the five equal bands a score is in, 0 to 4."""
    return min(BANDS - 1, int(score // (100 / BANDS)))


def weighted_kappa(left: Sequence[int], right: Sequence[int]) -> float:
    """Return Cohen's kappa with quadratic weights over the five bands (Cohen 1968).

    Raises:
        ZeroDivisionError: every item is in one band, where agreement says nothing.
    """
    total = len(left)
    observed = sum((a - b) ** 2 for a, b in zip(left, right, strict=True))
    expected = sum((a - b) ** 2 for a in left for b in right) / total
    return 1 - observed / expected
