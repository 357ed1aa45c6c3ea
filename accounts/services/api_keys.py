"""Create, check and revoke company keys. Knows no HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.models import Company, CompanyKey, User
from core import audit, clock, tokens
from core.errors import AuthenticationFailedError

KEY_PREFIX = "sk_"
SHOWN_CHARACTERS = 11
"""``sk_`` and eight more: enough to tell keys apart, useless to an attacker."""

LAST_USED_RESOLUTION = timedelta(minutes=1)
"""``last_used_at`` is written at most this often, so that reading stays reading."""


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key; ``plain`` is shown once and stored nowhere."""

    row: CompanyKey
    plain: str


def create_api_key(
    *,
    company: Company,
    name: str,
    created_by: User | None = None,
    expires_at: datetime | None = None,
) -> CreatedKey:
    """Mint a company key. Keys already there stay valid, which is how one is rotated."""
    minted = tokens.mint(KEY_PREFIX)
    with transaction.atomic():
        row = CompanyKey.objects.create(
            company=company,
            name=name,
            prefix=minted.plain[:SHOWN_CHARACTERS],
            digest=minted.digest,
            created_by=created_by,
            expires_at=expires_at,
        )
        audit.record_event(
            actor=created_by or "system",
            action="api_key.created",
            object_ref=row.public_id,
            company=company,
        )
    return CreatedKey(row=row, plain=minted.plain)


def revoke_api_key(*, key: CompanyKey, actor: User | None) -> None:
    """Make a key worthless from now on. Twice is the same as once."""
    with transaction.atomic():
        changed = CompanyKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(
            revoked_at=clock.now()
        )
        if changed:
            audit.record_event(
                actor=actor or "system",
                action="api_key.revoked",
                object_ref=key.public_id,
                company=key.company,
            )


def authenticate_api_key(plain: str) -> CompanyKey:
    """Return the active key that belongs to ``plain``.

    Raises:
        AuthenticationFailedError: the key is unknown, revoked or expired; all three read the same.
    """
    now = clock.now()
    row = (
        CompanyKey.objects.select_related("company")
        .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))
        .filter(digest=tokens.digest(plain), revoked_at__isnull=True)
        .first()
    )
    if row is None:
        raise AuthenticationFailedError(
            "invalid_api_key",
            "This API key is not valid. Create one on the console's Keys page and send it as "
            "'Authorization: Bearer sk_…'.",
        )
    CompanyKey.objects.filter(pk=row.pk).filter(
        Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - LAST_USED_RESOLUTION)
    ).update(last_used_at=now)
    return row
