"""What this app holds for a time only. The periods stand in ``docs/privacy.md``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from axes.models import AccessAttempt, AccessLog
from django.contrib.sessions.backends.db import SessionStore

from accounts.models import Invitation
from core import clock

LOGIN_RECORDS_FOR = timedelta(days=30)
INVITATIONS_FOR = timedelta(days=90)
"""After they expired: an address of somebody who may never have come."""


@dataclass(frozen=True, slots=True)
class PurgedRows:
    """How many rows went."""

    login_sessions: int
    login_records: int
    invitations: int


def purge_old_rows() -> PurgedRows:
    """Delete what has outlived its period. Safe to run twice."""
    now = clock.now()
    ended, _ = SessionStore.get_model_class().objects.filter(expire_date__lt=now).delete()
    records = 0
    for model in (AccessAttempt, AccessLog):
        records += model.objects.filter(attempt_time__lt=now - LOGIN_RECORDS_FOR).delete()[0]
    gone, _ = Invitation.objects.filter(
        accepted_at__isnull=True, expires_at__lt=now - INVITATIONS_FOR
    ).delete()
    return PurgedRows(ended, records, gone)
