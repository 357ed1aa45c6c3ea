"""Reads of people and companies. Every one is scoped to the person who asks."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Company, CompanyKey, Invitation, Membership, Profile, Role, User
from core import clock


def list_memberships(user: User | AnonymousUser) -> QuerySet[Membership]:
    """The companies a person belongs to, oldest first."""
    if not user.is_authenticated:
        return Membership.objects.none()
    return (
        Membership.objects.filter(user=user).select_related("company").order_by("created_at", "pk")
    )


def chosen_language(user: User | AnonymousUser) -> str | None:
    """Return the language a person's profile names; None for visitors and without a profile."""
    if not isinstance(user, User):
        return None
    return Profile.objects.filter(user=user).values_list("language", flat=True).first()


def current_membership(
    user: User | AnonymousUser, company_public_id: str | None
) -> Membership | None:
    """The membership the console works in: the chosen company's, else the oldest, else none."""
    memberships = list(list_memberships(user))
    for membership in memberships:
        if membership.company.public_id == company_public_id:
            return membership
    return memberships[0] if memberships else None


def list_members(company: Company) -> QuerySet[Membership]:
    """Who belongs to a company."""
    return Membership.objects.filter(company=company).select_related("user").order_by("created_at")


def list_open_invitations(company: Company) -> QuerySet[Invitation]:
    """Invitations somebody may still accept."""
    return Invitation.objects.filter(
        company=company,
        accepted_at__isnull=True,
        revoked_at__isnull=True,
        expires_at__gt=clock.now(),
    ).order_by("-created_at")


def list_api_keys(company: Company) -> QuerySet[CompanyKey]:
    """A company's keys, newest first, revoked ones included."""
    return (
        CompanyKey.objects.filter(company=company)
        .select_related("created_by")
        .order_by("-created_at")
    )


def companies_only_of(user_pk: int) -> QuerySet[Company]:
    """Companies nobody but this person belongs to: without them, nobody could act for them."""
    others = Membership.objects.filter(company=OuterRef("pk")).exclude(user_id=user_pk)
    return Company.objects.filter(~Exists(others), memberships__user_id=user_pk)


def companies_without_owner_but(user_pk: int) -> QuerySet[Company]:
    """Companies with other people in them, of whom none but this person is an owner."""
    others = Membership.objects.filter(company=OuterRef("pk")).exclude(user_id=user_pk)
    return Company.objects.filter(
        Exists(others),
        ~Exists(others.filter(role=Role.OWNER)),
        memberships__user_id=user_pk,
        memberships__role=Role.OWNER,
    )


def names_of(public_ids: Iterable[str]) -> dict[str, str]:
    """Return what people are called, by the public ids that a company's own trail names."""
    found = User.objects.filter(public_id__in=set(public_ids))
    return {user.public_id: user.display_name for user in found}
