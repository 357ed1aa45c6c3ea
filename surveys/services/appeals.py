"""A visitor's one objection to a result. Owns `Appeal`; the decision on it is `review`'s.

An appeal never pays by itself: it puts a refused payout, or an unpaid answer, before a person.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction

from accounts.models import User
from core import audit, clock
from core.errors import ConflictError, InvalidInputError
from core.money import format_money
from core.text import clean_text
from surveys.models import Appeal, Payout, PayoutState, ResponseState, SurveyResponse
from surveys.models.payouts import AppealResolution
from surveys.services import payouts

TEXT_MAX = 2000
_REFUSED_STATES = (PayoutState.REJECTED, PayoutState.CANCELLED)


def file_appeal(*, response: SurveyResponse, text: str = "") -> Appeal:
    """Record a visitor's one appeal; a rejected or cancelled payout is held again by it.

    Args:
        response: completed.
        text: what the visitor says; may be empty, at most 2,000 characters.

    Raises:
        InvalidInputError: the text is too long.
        ConflictError: there was an appeal before, the answer is not evaluated, or it was paid
            in full already, so that an appeal could change nothing.

    Runs in one transaction; of several at once one succeeds.
    """
    cleaned = clean_text(text, TEXT_MAX + 1).text
    if len(cleaned) > TEXT_MAX:
        raise InvalidInputError("appeal_too_long", f"Give at most {TEXT_MAX} characters.")
    with transaction.atomic():
        row = (
            SurveyResponse.objects.select_for_update(no_key=True, of=("self",))
            .select_related("survey__company", "version", "voice_session")
            .get(pk=response.pk)
        )
        if row.state != ResponseState.COMPLETED:
            raise ConflictError(
                "not_appealable", "Only a finished and scored answer can be appealed."
            )
        payout = Payout.objects.filter(response=row).first()
        is_settled = payout is not None and payout.state in (
            PayoutState.PAID,
            PayoutState.APPROVED,
            PayoutState.SENDING,
            PayoutState.UNCLAIMED,
        )
        if (
            is_settled
            and payout is not None
            and (payout.amount_minor >= row.version.payment_max_minor)
        ):
            raise ConflictError("nothing_to_appeal", "This answer already earned the highest pay.")
        try:
            with transaction.atomic():
                appeal = Appeal.objects.create(response=row, text=cleaned)
        except IntegrityError as error:
            raise ConflictError(
                "already_appealed", "An answer can be appealed once, and this one was."
            ) from error
        if payout is not None and payout.state in _REFUSED_STATES:
            payouts.hold_again(payout=payout)
        audit.record_event(
            actor="visitor",
            action="appeal.filed",
            object_ref=appeal,
            company=row.survey.company,
        )
        return appeal


def close_appeal(*, appeal: Appeal, resolution: AppealResolution, actor: User, note: str) -> None:
    """Write down how an appeal was decided; inside the transaction of what was decided."""
    appeal.resolved_at = clock.now()
    appeal.resolution = resolution
    appeal.resolution_note = note
    appeal.resolved_by = actor
    appeal.save(update_fields=["resolved_at", "resolution", "resolution_note", "resolved_by"])
    audit.record_event(
        actor=actor,
        action=f"appeal.{resolution.value}",
        object_ref=appeal,
        company=appeal.response.survey.company,
        note=note,
    )


def lock_appeal(appeal: Appeal) -> Appeal:
    """Return the appeal's row, locked, with all it hangs on."""
    # The response first: it is what everything about an answer's pay locks first.
    SurveyResponse.objects.select_for_update(no_key=True).get(pk=appeal.response_id)
    return (
        Appeal.objects.select_for_update(no_key=True, of=("self",))
        .select_related("response__survey__company", "response__version", "response__voice_session")
        .get(pk=appeal.pk)
    )


def read_grant(appeal: Appeal, amount_minor: int | None) -> int:
    """Return the amount an upheld appeal of an unpaid answer is granted.

    Args:
        appeal: of an answer without a payout.
        amount_minor: what the company offers; None for the lowest pay.

    Raises:
        InvalidInputError: outside of the version's pay range, or 0.
    """
    version = appeal.response.version
    currency = appeal.response.survey.currency
    amount = version.payment_min_minor if amount_minor is None else amount_minor
    least = max(version.payment_min_minor, 1)
    if not least <= amount <= version.payment_max_minor:
        raise InvalidInputError(
            "invalid_amount",
            f"Grant from {format_money(least, currency)} "
            f"to {format_money(version.payment_max_minor, currency)}.",
        )
    return amount
