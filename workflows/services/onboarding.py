"""Keeping what a person says about themselves, for matching."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from accounts.models import Market, Profile, SkillLevel, User
from core import audit
from core.errors import InvalidInputError


def save_cohort(*, person: User, market: str, skill_level: str) -> Profile:
    """Store a person's market and skill level by their slugs. Runs and results stay as they were.

    Raises:
        InvalidInputError: one of them is not in its list; says what is.
    """
    market_row = Market.objects.filter(slug=market).first()
    skill_row = SkillLevel.objects.filter(slug=skill_level).first()
    faults = []
    if market_row is None:
        faults.append(_fault("market", Market.objects.values_list("slug", flat=True)))
    if skill_row is None:
        faults.append(_fault("skill_level", SkillLevel.objects.values_list("slug", flat=True)))
    if faults:
        raise InvalidInputError(
            "profile_invalid", " ".join(one["detail"] for one in faults), extra={"errors": faults}
        )
    with transaction.atomic():
        profile, _ = Profile.objects.update_or_create(
            user=person, defaults={"market": market_row, "skill_level": skill_row}
        )
        audit.record_event(actor=person, action="profile.saved", object_ref=person.public_id)
    return profile


def _fault(field: str, slugs: Iterable[str]) -> dict[str, str]:
    listed = ", ".join(slugs)
    return {
        "pointer": f"/{field}",
        "code": f"{field}_invalid",
        "detail": f"Choose {field} from: {listed}.",
    }
