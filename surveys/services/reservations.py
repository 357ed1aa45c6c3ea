"""The highest possible pay of a running session, promised before the person speaks.

Owns `SurveyResponse`'s reservation fields and the moves between ``budget`` and ``reserved``. A
reservation that is used up by a payout is settled by `payouts`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from core import clock
from core.errors import ConflictError
from core.ids import new_id
from surveys.models import (
    ReservationState,
    ResponseState,
    Survey,
    SurveyResponse,
    SurveyVersion,
)
from surveys.services import funding, ledger
from surveys.services.ledger import InsufficientFundsError, Leg

#: A reservation in one of these counts towards ``max_responses``.
COUNTED_STATES = (ReservationState.HELD, ReservationState.USED)


class BudgetExhaustedError(ConflictError):
    """The survey cannot promise its highest pay to one more person."""

    def __init__(self) -> None:
        super().__init__(
            "budget_exhausted",
            "This survey's budget is used up for now, so no new answer can be paid. "
            "Please come back later.",
        )


class ResponsesFullError(ConflictError):
    """The survey has, or is about to have, as many answers as it asked for."""

    def __init__(self) -> None:
        super().__init__(
            "responses_full", "This survey has all the answers it needs. Thank you for your time."
        )


def reserve(*, response: SurveyResponse) -> None:
    """Promise the survey version's highest pay to a response that starts.

    Args:
        response: in state open; its reservation fields are updated.

    Raises:
        ResponsesFullError: ``max_responses`` are reserved or used; nothing is reserved.
        BudgetExhaustedError: the money is not there; nothing is reserved.

    Runs in one transaction, joins the caller's; of many that start at once exactly as many
    succeed as the budget and ``max_responses`` allow. A second call changes nothing.
    """
    _take(response, ReservationState.NONE)


def renew(*, response: SurveyResponse) -> None:
    """Prolong the reservation of a response whose person came back, or take a lapsed one again.

    Raises:
        ResponsesFullError, BudgetExhaustedError: it had lapsed and cannot be taken again; the
            person must be told before speaking.

    Runs in one transaction, joins the caller's. A response that is no longer open is left alone.
    """
    with transaction.atomic():
        row = _lock_response(response)
        if row.state != ResponseState.OPEN:
            _copy_fields(row, response)
            return
        if row.reservation_state == ReservationState.HELD:
            row.reservation_expires_at = _expiry(row.version)
            row.save(update_fields=["reservation_expires_at"])
            _copy_fields(row, response)
            return
    _take(response, ReservationState.LAPSED)


def release(*, response: SurveyResponse) -> None:
    """Give a reservation back that no payout will use: the session ended without Done.

    Runs in one transaction, joins the caller's. Calling it again changes nothing.
    """
    with transaction.atomic():
        row = _lock_response(response)
        if row.reservation_state in (ReservationState.HELD, ReservationState.LAPSED):
            _give_back(row, ReservationState.RELEASED)
        _copy_fields(row, response)


def lapse_due(*, limit: int = 200) -> int:
    """Give back reservations whose time is over while their session is still open.

    Returns:
        How many lapsed. One transaction each; safe to run in several processes.
    """
    due = list(
        SurveyResponse.objects.filter(
            reservation_state=ReservationState.HELD,
            state=ResponseState.OPEN,
            reservation_expires_at__lte=clock.now(),
        ).values_list("pk", flat=True)[:limit]
    )
    return sum(_lapse(pk) for pk in due)


def _lapse(response_id: int) -> int:
    with transaction.atomic():
        row = (
            SurveyResponse.objects.select_for_update(no_key=True, of=("self",))
            .select_related("survey__company", "voice_session")
            .get(pk=response_id)
        )
        # Looked at again under the lock: it may have been completed or renewed meanwhile.
        if (
            row.reservation_state != ReservationState.HELD
            or row.state != ResponseState.OPEN
            or row.reservation_expires_at is None
            or row.reservation_expires_at > clock.now()
        ):
            return 0
        _give_back(row, ReservationState.LAPSED)
        return 1


def _take(response: SurveyResponse, from_state: ReservationState) -> None:
    """Move the highest pay from ``budget`` to ``reserved`` if the response is in ``from_state``."""
    with transaction.atomic():
        row = _lock_response(response)
        # The lock on the survey makes counting and taking one step.
        survey = funding.lock_survey(row.survey)
        if row.reservation_state == from_state:
            taken = SurveyResponse.objects.filter(
                survey=survey, reservation_state__in=COUNTED_STATES
            ).count()
            if taken >= survey.max_responses:
                raise ResponsesFullError
            amount = row.version.payment_max_minor
            if amount:
                _post_reservation(survey, row, amount)
            row.reserved_minor = amount
            row.reservation_state = ReservationState.HELD
            row.reservation_expires_at = _expiry(row.version)
            row.save(
                update_fields=["reserved_minor", "reservation_state", "reservation_expires_at"]
            )
        _copy_fields(row, response)


def _post_reservation(survey: Survey, row: SurveyResponse, amount_minor: int) -> None:
    books = funding.books_of(survey)

    def post() -> None:
        ledger.post(
            kind="pay_reserved",
            idempotency_key=f"reserve:{row.voice_session.public_id}:{new_id('move')}",
            legs=[Leg(books.budget, -amount_minor), Leg(books.reserved, amount_minor)],
        )

    try:
        post()
    except InsufficientFundsError as short:
        # Money may have been posted, or come back from another survey, since the last look.
        if funding.allocate_budget(survey=survey) <= 0:
            raise BudgetExhaustedError from short
        try:
            post()
        except InsufficientFundsError as error:
            raise BudgetExhaustedError from error


def _give_back(row: SurveyResponse, to_state: ReservationState) -> None:
    """Return what a locked response has reserved to where the survey's money comes from."""
    amount = row.reserved_minor if row.reservation_state == ReservationState.HELD else 0
    if amount:
        books = funding.books_of(row.survey)
        ledger.post(
            kind="reservation_lapsed"
            if to_state == ReservationState.LAPSED
            else "reservation_released",
            idempotency_key=f"unreserve:{row.voice_session.public_id}:{new_id('move')}",
            legs=[Leg(books.reserved, -amount), Leg(books.home(row.survey), amount)],
        )
    row.reserved_minor = 0
    row.reservation_state = to_state
    row.save(update_fields=["reserved_minor", "reservation_state"])


def _expiry(version: SurveyVersion) -> datetime:
    return clock.now() + timedelta(
        minutes=version.max_minutes + settings.SURVEY_RESERVATION_GRACE_MINUTES
    )


def _lock_response(response: SurveyResponse) -> SurveyResponse:
    return (
        SurveyResponse.objects.select_for_update(no_key=True, of=("self",))
        .select_related("survey__company", "version", "voice_session")
        .get(pk=response.pk)
    )


def _copy_fields(row: SurveyResponse, response: SurveyResponse) -> None:
    """Bring the caller's object up to date with the row."""
    response.reserved_minor = row.reserved_minor
    response.reservation_state = row.reservation_state
    response.reservation_expires_at = row.reservation_expires_at
