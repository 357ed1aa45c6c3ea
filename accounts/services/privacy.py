"""What this app holds about a person: a copy, its erasure, what stands in the way.

The row of a login stays as an empty shell, because the books and the trail point at it.
"""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt, AccessLog
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.db.models import Q
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import CompanyKey, ErasureRequest, Invitation, Membership, Profile, User
from accounts.selectors import companies_only_of, companies_without_owner_but
from accounts.services.api_keys import revoke_api_key
from core import audit, clock
from core.privacy import Obstacle, Person, Section, export_rows

ERASED_DOMAIN = "erased.invalid"
"""A domain no mail can reach (RFC 2606)."""


def _export(person: Person) -> dict[str, Any]:
    if person.user_pk is None:
        return {}
    user = User.objects.filter(pk=person.user_pk)
    return {
        "login": export_rows(user),
        "profile": export_rows(Profile.objects.filter(user_id=person.user_pk)),
        "memberships": export_rows(Membership.objects.filter(user_id=person.user_pk)),
        "invitations": export_rows(
            Invitation.objects.filter(
                Q(invited_by_id=person.user_pk) | Q(email__iexact=person.email)
            )
        ),
        "keys_created": export_rows(CompanyKey.objects.filter(created_by_id=person.user_pk)),
        "second_factor": [
            {"name": name, "confirmed": confirmed}
            for name, confirmed in TOTPDevice.objects.filter(user_id=person.user_pk).values_list(
                "name", "confirmed"
            )
        ],
        "failed_logins": [
            {"at": clock.rfc3339(at), "address": address}
            for at, address in AccessAttempt.objects.filter(username=person.email).values_list(
                "attempt_time", "ip_address"
            )
        ],
        "logins": [
            {"at": clock.rfc3339(at), "address": address}
            for at, address in AccessLog.objects.filter(username=person.email).values_list(
                "attempt_time", "ip_address"
            )
        ],
        "erasure_requests": export_rows(ErasureRequest.objects.filter(user_id=person.user_pk)),
    }


def _find_obstacles(person: Person) -> list[Obstacle]:
    if person.user_pk is None:
        return []
    return [
        Obstacle(
            "last_owner",
            f"You are the only owner of {company.name}, and others work there. Make one of them "
            "an owner first.",
        )
        for company in companies_without_owner_but(person.user_pk)
    ]


def _erase(person: Person) -> None:
    if person.user_pk is None:
        return
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=person.user_pk)
        for company in companies_only_of(user.pk):
            # Nobody is left who could see what a key does.
            for key in CompanyKey.objects.filter(company=company, revoked_at__isnull=True):
                revoke_api_key(key=key, actor=user)
            Invitation.objects.filter(
                company=company, accepted_at__isnull=True, revoked_at__isnull=True
            ).update(revoked_at=clock.now())
            audit.record_event(
                actor=user, action="company.left_empty", object_ref=company, company=company
            )
        Membership.objects.filter(user=user).delete()
        _erase_invitations(user)
        Profile.objects.filter(user=user).delete()
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
        for model in (AccessAttempt, AccessLog):
            model.objects.filter(username__in={user.email, person.email} - {""}).delete()
        user.groups.clear()
        user.user_permissions.clear()
        user.email = f"{user.public_id}@{ERASED_DOMAIN}"
        user.full_name = ""
        user.is_active = user.is_staff = user.is_superuser = False
        user.last_login = None
        user.set_unusable_password()
        user.save()
    end_logins(user_pk=person.user_pk)


def _erase_invitations(user: User) -> None:
    mine = Invitation.objects.filter(email__iexact=user.email)
    mine.filter(accepted_at__isnull=True, revoked_at__isnull=True).update(revoked_at=clock.now())
    mine.update(email=f"invited@{ERASED_DOMAIN}")


def end_logins(*, user_pk: int) -> int:
    """Delete a person's login sessions; return how many. Reads each one: they name nobody."""
    model = SessionStore.get_model_class()
    store = SessionStore()
    ended = 0
    for row in model.objects.filter(expire_date__gt=clock.now()).iterator(chunk_size=500):
        if store.decode(row.session_data).get("_auth_user_id") == str(user_pk):
            row.delete()
            ended += 1
    return ended


SECTION = Section(
    name="account",
    export=_export,
    erase=_erase,
    find_obstacles=_find_obstacles,
    models=frozenset(
        {
            "accounts.User",
            "accounts.Profile",
            "accounts.Membership",
            "accounts.Invitation",
            "accounts.CompanyKey",
            "accounts.ErasureRequest",
            "axes.AccessAttempt",
            "axes.AccessAttemptExpiration",
            "axes.AccessFailureLog",
            "axes.AccessLog",
            "otp_static.StaticDevice",
            "otp_static.StaticToken",
            "otp_totp.TOTPDevice",
            "sessions.Session",
        }
    ),
    kept={
        "accounts.User": (
            "An empty row with its id stays, without name, address or password: books and trail "
            "point at it."
        ),
        "accounts.CompanyKey": "A company's keys are the company's; they name only the id.",
        "accounts.ErasureRequest": "That you asked, when, and that it was done.",
        "admin.LogEntry": "What an administrator changed must stay provable; it names only the id.",
    },
)
