"""What a company says about itself, as the agents and the console read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from messaging.models import (
    BusinessProfile,
    FaqEntry,
    MessageTemplate,
    OpeningHours,
    Policy,
    SpecialDay,
)
from messaging.search import Document, Match, rank

DAYS_AHEAD = 14


@dataclass(frozen=True, slots=True)
class DayHours:
    """One day's hours: spans in which the shop is open, none when it is closed."""

    day: date
    spans: tuple[tuple[time, time], ...]
    note_es: str = ""
    note_en: str = ""
    is_special: bool = False


def profile_of(company_id: int) -> BusinessProfile | None:
    """Return the company's profile, if it has one."""
    return BusinessProfile.objects.filter(company_id=company_id).first()


def hours_ahead(company_id: int, *, start: date, days: int = 7) -> list[DayHours]:
    """Return the hours of the days from `start` on, special days included."""
    weekly: dict[int, list[tuple[time, time]]] = {}
    for row in OpeningHours.objects.filter(company_id=company_id):
        weekly.setdefault(row.weekday, []).append((row.opens_at, row.closes_at))
    special = {
        row.day: row
        for row in SpecialDay.objects.filter(
            company_id=company_id, day__gte=start, day__lt=start + timedelta(days=days)
        )
    }
    found: list[DayHours] = []
    for offset in range(days):
        day = start + timedelta(days=offset)
        exception = special.get(day)
        if exception is None:
            found.append(DayHours(day, tuple(sorted(weekly.get(day.weekday(), [])))))
            continue
        opens, closes = exception.opens_at, exception.closes_at
        spans = ((opens, closes),) if opens is not None and closes is not None else ()
        found.append(DayHours(day, spans, exception.note_es, exception.note_en, is_special=True))
    return found


def local_now(profile: BusinessProfile | None, now: datetime) -> datetime:
    """Return the moment as a clock in the shop shows it."""
    return now.astimezone(ZoneInfo(profile.time_zone if profile else "UTC"))


def next_opening(company_id: int, *, local: datetime) -> tuple[bool, datetime | None]:
    """Return whether the shop is open now, and when it closes or opens next (local time).

    Args:
        company_id: whose shop.
        local: the moment in the shop's zone.
    """
    for day in hours_ahead(company_id, start=local.date(), days=DAYS_AHEAD):
        for opens, closes in day.spans:
            start = datetime.combine(day.day, opens, tzinfo=local.tzinfo)
            end = datetime.combine(day.day, closes, tzinfo=local.tzinfo)
            if start <= local < end:
                return True, end
            if local < start:
                return False, start
    return False, None


def policies_of(company_id: int) -> dict[str, Policy]:
    """Return the company's policies by kind."""
    return {row.kind: row for row in Policy.objects.filter(company_id=company_id)}


def faq_of(company_id: int, *, topic: str = "") -> list[FaqEntry]:
    """Return the company's active questions and answers, in its order."""
    rows = FaqEntry.objects.filter(company_id=company_id, is_active=True)
    return list(rows.filter(topic=topic) if topic else rows)


def find_faq(
    company_id: int, text: str, *, topic: str = "", least: float = 0.5
) -> list[tuple[FaqEntry, float]]:
    """Return the entries that fit a question best, at most three, with their score 0 to 1."""
    entries = faq_of(company_id, topic=topic)
    documents = [
        Document(
            at,
            f"{entry.question_es} {entry.question_en} {entry.keywords}",
            f"{entry.answer_es} {entry.answer_en}",
        )
        for at, entry in enumerate(entries)
    ]
    matches: Sequence[Match[int]] = rank(text, documents, least=least)
    return [(entries[match.key], match.score) for match in matches[:3]]


def faq_by_id(company_id: int, public_id: str) -> FaqEntry | None:
    """Return one entry of the company."""
    return FaqEntry.objects.filter(company_id=company_id, public_id=public_id).first()


def templates_of(company_id: int) -> list[MessageTemplate]:
    """Return the company's message templates."""
    return list(MessageTemplate.objects.filter(company_id=company_id))
