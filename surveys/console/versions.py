"""What changed from one version of a survey to the next, for people to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.money import format_money
from surveys.console.words import KIND_WORDS
from surveys.models import SurveyVersion


@dataclass(frozen=True, slots=True)
class QuestionChange:
    """One question of a version beside the version before."""

    kind: str
    """``same``, ``added``, ``removed``, ``changed`` or ``moved``."""
    number: int
    text: str
    before: str
    facts: str
    """Kind and rules in words."""


@dataclass(frozen=True, slots=True)
class VersionChange:
    """A version and what it changed."""

    version: SurveyVersion
    questions: tuple[QuestionChange, ...]
    fields: tuple[tuple[str, str, str], ...]
    """Name, value before, value now."""

    @property
    def has_question_changes(self) -> bool:
        return any(change.kind != "same" for change in self.questions)


def compare_versions(versions: Sequence[SurveyVersion], currency: str) -> list[VersionChange]:
    """Return each version with its changes.

    Args:
        versions: newest first.
        currency: of the survey.
    """
    changes = []
    for index, version in enumerate(versions):
        before = versions[index + 1] if index + 1 < len(versions) else None
        changes.append(
            VersionChange(
                version=version,
                questions=_compare_questions(before.questions if before else None, version),
                fields=_compare_fields(before, version, currency) if before else (),
            )
        )
    return changes


def _compare_questions(
    before: Sequence[Mapping[str, Any]] | None, version: SurveyVersion
) -> tuple[QuestionChange, ...]:
    if before is None:
        return tuple(
            QuestionChange("same", number, item["text"], "", describe_question(item))
            for number, item in enumerate(version.questions, start=1)
        )
    old = {item["id"]: item for item in before}
    kept = [item["id"] for item in before]
    now = [item["id"] for item in version.questions]
    order_before = [key for key in kept if key in now]
    order_now = [key for key in now if key in old]
    rows = []
    for number, item in enumerate(version.questions, start=1):
        earlier = old.get(item["id"])
        facts = describe_question(item)
        if earlier is None:
            rows.append(QuestionChange("added", number, item["text"], "", facts))
            continue
        said_before = earlier["text"]
        if said_before == item["text"]:
            said_before = describe_question(earlier)
        if earlier != item:
            rows.append(QuestionChange("changed", number, item["text"], said_before, facts))
        elif order_before.index(item["id"]) != order_now.index(item["id"]):
            rows.append(QuestionChange("moved", number, item["text"], "", facts))
        else:
            rows.append(QuestionChange("same", number, item["text"], "", facts))
    rows += [
        QuestionChange("removed", 0, item["text"], "", describe_question(item))
        for item in before
        if item["id"] not in now
    ]
    return tuple(rows)


def describe_question(item: Mapping[str, Any]) -> str:
    """Return kind and rules of a question in words."""
    probes = item.get("max_probes", 2)
    facts = [
        KIND_WORDS.get(item.get("kind", "open"), ""),
        "required" if item.get("required", True) else "optional",
        "no follow-up" if not probes else f"{probes} follow-up{'s' if probes > 1 else ''} at most",
    ]
    if item.get("choices"):
        facts.append(f"choices: {', '.join(item['choices'])}")
    return ", ".join(facts)


def _compare_fields(
    before: SurveyVersion, now: SurveyVersion, currency: str
) -> tuple[tuple[str, str, str], ...]:
    def pay(version: SurveyVersion) -> str:
        low = format_money(version.payment_min_minor, currency)
        return f"{low} to {format_money(version.payment_max_minor, currency)}"

    pairs = [
        ("Title", before.title, now.title),
        ("Description", before.description, now.description),
        ("Objective", before.objective, now.objective),
        ("Languages", ", ".join(before.languages), ", ".join(now.languages)),
        ("Pay", pay(before), pay(now)),
        ("Longest conversation", f"{before.max_minutes} min", f"{now.max_minutes} min"),
        ("Consent text", before.consent_text, now.consent_text),
    ]
    return tuple(pair for pair in pairs if pair[1] != pair[2])
