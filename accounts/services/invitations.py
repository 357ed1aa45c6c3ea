"""Invite people to a company and let them in. Knows no HTTP; the caller sends the e-mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import Company, Invitation, Membership, Role, User
from core import audit, clock, tokens
from core.errors import ConflictError, ForbiddenError, GoneError, NotFoundError


@dataclass(frozen=True, slots=True)
class CreatedInvitation:
    """An invitation with its token, which goes into the e-mail and is stored nowhere."""

    row: Invitation
    plain: str


def invite(*, company: Company, email: str, role: Role, actor: User) -> CreatedInvitation:
    """Offer a person a role. An open invitation of the same address is replaced.

    Raises:
        ConflictError: the person is a member already.
    """
    email = email.strip().lower()
    minted = tokens.mint("inv_")
    with transaction.atomic():
        if Membership.objects.filter(company=company, user__email__iexact=email).exists():
            raise ConflictError("already_member", "This person belongs to the company already.")
        Invitation.objects.filter(
            company=company, email__iexact=email, accepted_at__isnull=True, revoked_at__isnull=True
        ).update(revoked_at=clock.now())
        row = Invitation.objects.create(
            company=company,
            email=email,
            role=role,
            token_digest=minted.digest,
            invited_by=actor,
            expires_at=clock.now() + timedelta(days=settings.INVITATION_DAYS),
        )
        audit.record_event(
            actor=actor, action="invitation.sent", object_ref=row.public_id, company=company
        )
    return CreatedInvitation(row=row, plain=minted.plain)


def revoke_invitation(*, company: Company, public_id: str, actor: User) -> None:
    """Make an open invitation worthless. One that is used or gone already stays as it is.

    Raises:
        NotFoundError: the company has no such invitation.
    """
    with transaction.atomic():
        rows = Invitation.objects.filter(company=company, public_id=public_id)
        if not rows.exists():
            raise NotFoundError("invitation_not_found", "There is no such invitation.")
        if rows.filter(accepted_at__isnull=True, revoked_at__isnull=True).update(
            revoked_at=clock.now()
        ):
            audit.record_event(
                actor=actor, action="invitation.revoked", object_ref=public_id, company=company
            )


def find_invitation(plain: str) -> Invitation:
    """Return the open invitation of a token.

    Raises:
        NotFoundError: no such token.
        GoneError: used, revoked or expired.
    """
    row = (
        Invitation.objects.select_related("company")
        .filter(token_digest=tokens.digest(plain))
        .first()
    )
    if row is None:
        raise NotFoundError("invitation_not_found", "This invitation link is not valid.")
    if row.accepted_at or row.revoked_at or row.expires_at <= clock.now():
        raise GoneError(
            "invitation_closed",
            "This invitation was used, withdrawn or has expired. Ask for a new one.",
        )
    return row


def accept_invitation(*, plain: str, user: User) -> Membership:
    """Make ``user`` a member as the invitation says.

    Raises:
        NotFoundError, GoneError: as ``find_invitation``.
        ForbiddenError: the invitation was sent to another address.
    """
    row = find_invitation(plain)
    if row.email.lower() != user.email.lower():
        raise ForbiddenError(
            "other_address",
            "This invitation was sent to another e-mail address. Sign in with that one.",
        )
    with transaction.atomic():
        taken = Invitation.objects.filter(
            pk=row.pk, accepted_at__isnull=True, revoked_at__isnull=True
        ).update(accepted_at=clock.now())
        if not taken:
            raise GoneError("invitation_closed", "This invitation was used or withdrawn.")
        membership, _ = Membership.objects.get_or_create(
            company=row.company, user=user, defaults={"role": row.role}
        )
        audit.record_event(
            actor=user,
            action="invitation.accepted",
            object_ref=row.public_id,
            company=row.company,
        )
    return membership
