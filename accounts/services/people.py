"""Create people and keep what they say about themselves. Knows no HTTP."""

from __future__ import annotations

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import Market, Profile, SkillLevel, User
from core import audit
from core.errors import ConflictError, InvalidInputError


class EmailTakenError(ConflictError):
    """Somebody already signs in with this address."""

    def __init__(self) -> None:
        super().__init__(
            "email_taken",
            "This e-mail address already has an account. Sign in, or reset the password.",
        )


def sign_up(*, email: str, password: str, full_name: str = "", language: str = "en") -> User:
    """Create a person with an empty profile.

    Raises:
        EmailTakenError: the address (in any case) has an account; nothing is created.
    """
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, full_name=full_name)
            Profile.objects.create(user=user, language=language)
            audit.record_event(actor=user, action="person.signed_up", object_ref=user.public_id)
    except IntegrityError as error:
        raise EmailTakenError from error
    return user


def choose_language(*, user: User, language: str) -> None:
    """Store the language a person wants to read.

    Raises:
        InvalidInputError: it is none of ours.
    """
    if language not in dict(settings.LANGUAGES):
        raise InvalidInputError("language_invalid", "Choose English or Spanish.")
    Profile.objects.update_or_create(user=user, defaults={"language": language})


def note_password_change(*, user: User, how: str) -> None:
    """Write into the trail that a password is a new one; joins the caller's transaction.

    Args:
        user: whose.
        how: ``changed`` with the old one, or ``reset`` by mail.
    """
    audit.record_event(actor=user, action=f"password.{how}", object_ref=user)


def update_profile(
    *,
    user: User,
    full_name: str,
    language: str,
    market: Market | None,
    skill_level: SkillLevel | None,
) -> Profile:
    """Store who a person says they are."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(full_name=full_name)
        profile, _ = Profile.objects.update_or_create(
            user=user,
            defaults={"language": language, "market": market, "skill_level": skill_level},
        )
    user.full_name = full_name
    return profile
