"""Edits what a company says about itself: profile, hours, special days, policies, questions.

Owns the checks on each field; the console's forms and the demo come through here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction

from accounts.models import Company, User
from core import audit
from core.errors import InvalidInputError
from core.money import CURRENCIES
from core.text import clean_text
from messaging.models import (
    BusinessProfile,
    FaqEntry,
    OpeningHours,
    Policy,
    PolicyKind,
    SpecialDay,
)

TEXT_MAX = 4000
SPANS_MAX = 42
FAQ_MAX = 500
TOPICS = ("general", "product", "order", "trouble")
_PROFILE_TEXTS = {
    "name": 120,
    "about_es": TEXT_MAX,
    "about_en": TEXT_MAX,
    "address": 300,
    "directions_es": TEXT_MAX,
    "directions_en": TEXT_MAX,
    "map_url": 300,
    "phone": 40,
    "email": 254,
    "website": 200,
}


@dataclass(frozen=True, slots=True)
class HoursSpan:
    """Open from one time of a weekday to another; 0 is Monday."""

    weekday: int
    opens_at: time
    closes_at: time


def save_profile(
    *, company: Company, fields: Mapping[str, Any], actor: User | None = None
) -> BusinessProfile:
    """Create or change a company's profile; fields that are not given stay.

    Raises:
        InvalidInputError: a field cannot be used; ``extra["errors"]`` names each.
    """
    profile = BusinessProfile.objects.filter(company=company).first() or BusinessProfile(
        company=company, name=company.name
    )
    problems: dict[str, str] = {}
    for name, limit in _PROFILE_TEXTS.items():
        if name in fields:
            setattr(profile, name, clean_text(str(fields[name] or ""), limit).text)
    if not profile.name:
        problems["name"] = "Give the shop a name."
    for name in ("map_url", "website"):
        value = getattr(profile, name)
        if value and not value.startswith(("https://", "http://")):
            problems[name] = "Give an address that starts with https://."
    _set_choices(profile, fields, problems)
    for name, bound in (("latitude", 90.0), ("longitude", 180.0)):
        if name in fields:
            _set_degree(profile, name, fields[name], bound, problems)
    _refuse(problems)
    profile.save()
    _record(company, actor, "business_profile.saved", company)
    return profile


def _set_choices(
    profile: BusinessProfile, fields: Mapping[str, Any], problems: dict[str, str]
) -> None:
    if "time_zone" in fields:
        try:
            ZoneInfo(str(fields["time_zone"]))
            profile.time_zone = str(fields["time_zone"])
        except (ZoneInfoNotFoundError, ValueError):
            problems["time_zone"] = "Choose a time zone such as America/Mexico_City."
    if "currency" in fields:
        if fields["currency"] in CURRENCIES:
            profile.currency = str(fields["currency"])
        else:
            problems["currency"] = "Choose a currency code such as MXN."
    if "default_language" in fields:
        if fields["default_language"] in ("es", "en"):
            profile.default_language = str(fields["default_language"])
        else:
            problems["default_language"] = "Choose es or en."
    if "allows_pickup" in fields:
        profile.allows_pickup = bool(fields["allows_pickup"])


def _set_degree(
    profile: BusinessProfile, name: str, raw: Any, bound: float, problems: dict[str, str]
) -> None:
    if raw in (None, ""):
        setattr(profile, name, None)
        return
    try:
        value = float(raw)
    except (TypeError, ValueError):
        value = bound + 1
    if -bound <= value <= bound:
        setattr(profile, name, value)
    else:
        problems[name] = f"Give degrees between -{bound:g} and {bound:g}."


def replace_hours(
    *, company: Company, spans: Sequence[HoursSpan], actor: User | None = None
) -> None:
    """Set a company's weekly hours.

    Raises:
        InvalidInputError: a span ends before it begins, or two of a day overlap.

    One transaction; whoever reads meanwhile sees the old ones or the new ones.
    """
    if len(spans) > SPANS_MAX:
        raise InvalidInputError("too_many_spans", f"Give at most {SPANS_MAX} spans.")
    ordered = sorted(spans, key=lambda span: (span.weekday, span.opens_at))
    for index, span in enumerate(ordered):
        if not 0 <= span.weekday <= 6:
            raise InvalidInputError("invalid_weekday", "A weekday is 0 (Monday) to 6 (Sunday).")
        if span.closes_at <= span.opens_at:
            raise InvalidInputError(
                "invalid_span", "Closing must come after opening; split hours past midnight."
            )
        before = ordered[index - 1] if index else None
        if before and before.weekday == span.weekday and before.closes_at > span.opens_at:
            raise InvalidInputError("overlapping_spans", "Two spans of a day overlap.")
    with transaction.atomic():
        OpeningHours.objects.filter(company=company).delete()
        OpeningHours.objects.bulk_create(
            OpeningHours(
                company=company,
                weekday=span.weekday,
                opens_at=span.opens_at,
                closes_at=span.closes_at,
            )
            for span in ordered
        )
        _record(company, actor, "opening_hours.saved", company)


def save_special_day(
    *,
    company: Company,
    day: date,
    opens_at: time | None = None,
    closes_at: time | None = None,
    note_es: str = "",
    note_en: str = "",
) -> SpecialDay:
    """Close a date, or give it hours of its own; saving a date again changes it.

    Raises:
        InvalidInputError: only one of the two times, or closing before opening.
    """
    if (opens_at is None) != (closes_at is None) or (
        opens_at is not None and closes_at is not None and closes_at <= opens_at
    ):
        raise InvalidInputError("invalid_span", "Give both times, closing after opening, or none.")
    row, _ = SpecialDay.objects.update_or_create(
        company=company,
        day=day,
        defaults={
            "opens_at": opens_at,
            "closes_at": closes_at,
            "note_es": clean_text(note_es, 120).text,
            "note_en": clean_text(note_en, 120).text,
        },
    )
    return row


def delete_special_day(*, company: Company, day: date) -> None:
    """Let a date follow its weekday again."""
    SpecialDay.objects.filter(company=company, day=day).delete()


def save_policy(
    *,
    company: Company,
    kind: str,
    text_es: str = "",
    text_en: str = "",
    actor: User | None = None,
) -> Policy:
    """Set one of a company's policies.

    Raises:
        InvalidInputError: no such kind.
    """
    if kind not in PolicyKind.values:
        raise InvalidInputError("invalid_kind", f"Choose one of {', '.join(PolicyKind.values)}.")
    row, _ = Policy.objects.update_or_create(
        company=company,
        kind=kind,
        defaults={
            "text_es": clean_text(text_es, TEXT_MAX).text,
            "text_en": clean_text(text_en, TEXT_MAX).text,
        },
    )
    _record(company, actor, "policy.saved", company, note=kind)
    return row


def save_faq(
    *, company: Company, fields: Mapping[str, Any], public_id: str = "", actor: User | None = None
) -> FaqEntry:
    """Create a question with its answer, or change the one named.

    Args:
        company: whose.
        fields: question_es, question_en, answer_es, answer_en, keywords, topic, is_active,
            position; what is not given stays.
        public_id: of the entry to change; empty makes a new one.
        actor: who does it.

    Raises:
        InvalidInputError: neither language has both a question and an answer, or there are too
            many entries.
    """
    entry = (
        FaqEntry.objects.filter(company=company, public_id=public_id).first()
        if public_id
        else FaqEntry(company=company)
    )
    if entry is None:
        raise InvalidInputError("unknown_entry", "There is no such question any more.")
    if not public_id and FaqEntry.objects.filter(company=company).count() >= FAQ_MAX:
        raise InvalidInputError("too_many_entries", f"Keep at most {FAQ_MAX} questions.")
    limits = {"question_es": 300, "question_en": 300, "keywords": 300}
    limits |= {"answer_es": 1000, "answer_en": 1000}
    for name, limit in limits.items():
        if name in fields:
            setattr(entry, name, clean_text(str(fields[name] or ""), limit).text)
    if "topic" in fields:
        if fields["topic"] not in TOPICS:
            raise InvalidInputError("invalid_topic", f"Choose one of {', '.join(TOPICS)}.")
        entry.topic = str(fields["topic"])
    if "is_active" in fields:
        entry.is_active = bool(fields["is_active"])
    if "position" in fields:
        entry.position = max(0, int(fields["position"]))
    if not any(
        getattr(entry, f"question_{language}") and getattr(entry, f"answer_{language}")
        for language in ("es", "en")
    ):
        raise InvalidInputError(
            "faq_incomplete", "Give a question and its answer in Spanish or in English."
        )
    entry.save()
    _record(company, actor, "faq.saved", entry)
    return entry


def delete_faq(*, company: Company, public_id: str, actor: User | None = None) -> bool:
    """Delete an entry; False when there is none."""
    deleted, _ = FaqEntry.objects.filter(company=company, public_id=public_id).delete()
    if deleted:
        _record(company, actor, "faq.deleted", public_id)
    return bool(deleted)


def _refuse(problems: dict[str, str]) -> None:
    if problems:
        raise InvalidInputError(
            "invalid_fields",
            "Some fields cannot be used: " + " ".join(problems.values()),
            extra={"errors": problems},
        )


def _record(
    company: Company, actor: User | None, action: str, thing: Any, *, note: str = ""
) -> None:
    if actor is not None:
        audit.record_event(actor=actor, action=action, object_ref=thing, company=company, note=note)
