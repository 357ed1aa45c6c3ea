"""A person asks for a copy of everything about them, or to be erased.

Owns `ErasureRequest`. What belongs to the person, each app says itself (`core.privacy`).
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.models import ErasureRequest, User
from accounts.services.privacy import end_logins
from core import audit, clock, ratelimit
from core.errors import ConflictError, InvalidInputError, ParleyError
from core.jobs import nudge
from core.privacy import (
    Obstacle,
    ObstacleError,
    Person,
    erase_everywhere,
    export_everything,
    find_obstacles,
)
from core.retry import backoff_seconds

logger = logging.getLogger(__name__)

ERASE_JOB = "accounts.erase_person"
CONFIRMATIONS_AN_HOUR = 10
LOCKED_FOR = timedelta(minutes=5)
RETRY_BASE_SECONDS = 30.0
RETRY_MAX_SECONDS = 3600.0


def person_of(user: User) -> Person:
    """Return somebody with a login as every app knows them."""
    return Person(user_pk=user.pk, user_id=user.public_id, email=user.email)


def export_person(*, user: User, actor: audit.HasPublicId | str) -> dict[str, Any]:
    """Return everything held about somebody with a login, and write down that it was asked."""
    found = export_everything(person_of(user))
    audit.record_event(actor=actor, action="person.exported", object_ref=user)
    return found


def obstacles_of(user: User) -> list[Obstacle]:
    """Return what keeps somebody with a login from being erased."""
    return find_obstacles(person_of(user))


def confirm_password(*, user: User, password: str) -> None:
    """Make sure it is the person themselves who asks, not somebody at their open screen.

    Raises:
        InvalidInputError: the password is wrong.
        RateLimitedError: too many tries.
    """
    ratelimit.hit(
        scope="account.confirm",
        key=user.public_id,
        limit=CONFIRMATIONS_AN_HOUR,
        window_seconds=3600,
    )
    if not user.check_password(password):
        raise InvalidInputError("wrong_password", "This is not your password.")


def request_erasure(
    *, user: User, gives_up_credit: bool = False, actor: audit.HasPublicId | str | None = None
) -> ErasureRequest:
    """Close the account at once and have the rest erased by a job. Asked twice, it is one request.

    One transaction. The person cannot sign in from then on.

    Args:
        user: whom it is about.
        gives_up_credit: the person knows that what is left in the wallet is lost to them.
        actor: who asks; by default the person.

    Raises:
        ObstacleError: something has to be settled first; nothing has changed.
    """
    for obstacle in obstacles_of(user):
        if not (obstacle.can_be_waived and gives_up_credit):
            raise ObstacleError(obstacle)
    now = clock.now()
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        known = ErasureRequest.objects.filter(user=locked, finished_at__isnull=True).first()
        if known is not None:
            return known
        if not locked.is_active and locked.email.endswith(".invalid"):
            raise ConflictError("erased_before", "This account was erased already.")
        row = ErasureRequest.objects.create(
            user=locked,
            requested_by=audit.ref_of(actor or user),
            gives_up_credit=gives_up_credit,
            requested_at=now,
            next_attempt_at=now,
        )
        locked.is_active = False
        locked.save(update_fields=["is_active"])
        audit.record_event(actor=actor or user, action="person.erasure_asked", object_ref=user)
        nudge(ERASE_JOB, row.public_id)
    end_logins(user_pk=user.pk)
    return row


def carry_out(*, request_id: str) -> bool:
    """Erase whom an open request is about, in every app; tell whether that is done.

    Safe to run twice, and after a crash anywhere in the middle. What cannot go yet (an answer
    that is being scored, a film that is being made) is tried again later.
    """
    now = clock.now()
    claimed = ErasureRequest.objects.filter(
        public_id=request_id, finished_at__isnull=True, next_attempt_at__lte=now
    ).update(attempts=F("attempts") + 1, next_attempt_at=now + LOCKED_FOR)
    if not claimed:
        return False
    row = ErasureRequest.objects.select_related("user").get(public_id=request_id)
    try:
        erase_everywhere(person_of(row.user))
    except ParleyError as error:
        wait = backoff_seconds(row.attempts, RETRY_BASE_SECONDS, RETRY_MAX_SECONDS)
        ErasureRequest.objects.filter(pk=row.pk).update(
            next_attempt_at=clock.now() + timedelta(seconds=wait)
        )
        logger.info("erasure.postponed", extra={"code": error.code, "attempt": row.attempts})
        return False
    with transaction.atomic():
        done = ErasureRequest.objects.filter(pk=row.pk, finished_at__isnull=True).update(
            finished_at=clock.now()
        )
        if done:
            audit.record_event(actor=row.requested_by, action="person.erased", object_ref=row.user)
    return True


def due_request_ids(*, limit: int = 50) -> list[str]:
    """Return open requests whose time has come."""
    return list(
        ErasureRequest.objects.filter(finished_at__isnull=True, next_attempt_at__lte=clock.now())
        .order_by("next_attempt_at")
        .values_list("public_id", flat=True)[:limit]
    )
