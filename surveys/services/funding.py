"""A company's money and how much of it is set aside for each survey.

Owns the moves between ``external``, ``funding`` and ``budget``. Knows no response and no payout;
`reservations` and `payouts` take from the budget what they promise.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Sum

from accounts.models import Company
from core import audit
from core.errors import InvalidInputError
from core.ids import new_id
from core.money import CURRENCIES, MAX_MINOR
from surveys.models import (
    AccountCode,
    LedgerAccount,
    LedgerTransaction,
    Payout,
    PayoutState,
    Survey,
    SurveyStatus,
)
from surveys.services import ledger
from surveys.services.ledger import AccountName, Leg

#: Far above any real sum, far below where a balance of 64 bits could overflow.
FUNDING_LIMIT_MINOR = MAX_MINOR // 1_000_000


@dataclass(frozen=True, slots=True)
class SurveyBooks:
    """The accounts one survey's money moves between."""

    funding: LedgerAccount
    budget: LedgerAccount
    reserved: LedgerAccount
    payable: LedgerAccount

    def all(self) -> tuple[LedgerAccount, ...]:
        """Return them together, for `ledger.lock`."""
        return (self.funding, self.budget, self.reserved, self.payable)

    def home(self, survey: Survey) -> LedgerAccount:
        """Return where money that is no longer promised goes: a closed survey keeps none."""
        return self.funding if survey.status == SurveyStatus.CLOSED else self.budget


def books_of(survey: Survey) -> SurveyBooks:
    """Return the survey's accounts, opened when they do not exist yet."""
    return SurveyBooks(*ledger.open_accounts(*_names_of(survey)))


def books_with(survey: Survey, other: AccountName) -> tuple[SurveyBooks, LedgerAccount]:
    """Return the survey's accounts and one more, opened when they do not exist yet, in one look."""
    *books, account = ledger.open_accounts(*_names_of(survey), other)
    return SurveyBooks(*books), account


def _names_of(survey: Survey) -> tuple[AccountName, ...]:
    return (
        AccountName(AccountCode.FUNDING, survey.currency, company=survey.company),
        AccountName(AccountCode.BUDGET, survey.currency, survey=survey),
        AccountName(AccountCode.RESERVED, survey.currency, survey=survey),
        AccountName(AccountCode.PAYABLE, survey.currency, survey=survey),
    )


def fund_company(
    *,
    company: Company,
    amount_minor: int,
    currency: str,
    note: str = "",
    idempotency_key: str | None = None,
    actor: audit.HasPublicId | str = "system",
) -> LedgerTransaction:
    """Post money a company has paid in, then fill the budgets that wait for it.

    Args:
        company: whose funding rises.
        amount_minor: above 0, in minor units.
        currency: ISO 4217 code.
        note: where the money came from; nothing personal.
        idempotency_key: the reference of the payment, so that it is posted once; by default each
            call is a payment of its own.
        actor: who posted it, for the audit trail.

    Returns:
        The posting, or with a key used before the first one.

    Raises:
        InvalidInputError: unknown currency, or an amount that is not above 0.
    """
    if currency not in CURRENCIES:
        raise InvalidInputError("unknown_currency", f"{currency!r} is not a currency Parley knows.")
    if not 0 < amount_minor <= FUNDING_LIMIT_MINOR:
        raise InvalidInputError("invalid_amount", "Give an amount above 0.")
    key = f"fund:{company.public_id}:{idempotency_key or new_id('fund')}"
    with transaction.atomic():
        external, funding = ledger.open_accounts(
            AccountName(AccountCode.EXTERNAL, currency, company=company),
            AccountName(AccountCode.FUNDING, currency, company=company),
        )
        is_new = not LedgerTransaction.objects.filter(idempotency_key=key).exists()
        posted = ledger.post(
            kind="funding_posted",
            idempotency_key=key,
            legs=[Leg(external, -amount_minor), Leg(funding, amount_minor)],
            note=note[:200],
        )
        if is_new:
            audit.record_event(
                actor=actor,
                action="funding.posted",
                object_ref=posted.idempotency_key,
                company=company,
                note=f"{amount_minor} {currency}",
            )
    allocate_waiting(company=company)
    return posted


def allocate_budget(*, survey: Survey) -> int:
    """Bring what is set aside for a survey to its budget, as far as posted funding reaches.

    What counts as set aside is all that ever left funding for the survey and did not come back:
    free budget, reservations, debts and pay. A budget that was lowered gives back what is free.
    A draft holds nothing; a closed survey gives everything back.

    Returns:
        Minor units moved into the budget; below 0 when they moved back.

    Runs in one transaction, joins the caller's. Calling it again moves nothing more.
    """
    with transaction.atomic():
        survey = lock_survey(survey)
        books = books_of(survey)
        ledger.lock(books.all())
        is_open = survey.status in (SurveyStatus.ACTIVE, SurveyStatus.PAUSED)
        target = survey.budget_minor if is_open else 0
        free = books.budget.balance_minor
        set_aside = (
            free + books.reserved.balance_minor + books.payable.balance_minor + _paid_minor(survey)
        )
        missing = target - set_aside
        moved = min(missing, books.funding.balance_minor) if missing > 0 else max(missing, -free)
        if moved:
            ledger.post(
                kind="budget_allocated" if moved > 0 else "budget_returned",
                idempotency_key=f"budget:{survey.public_id}:{new_id('move')}",
                legs=[Leg(books.funding, -moved), Leg(books.budget, moved)],
            )
        return moved


def release_budget(*, survey: Survey) -> int:
    """Give the free budget of a survey back to the company's funding.

    Reservations and debts stay; what becomes free of them later goes to funding directly once
    the survey is closed.

    Returns:
        Minor units given back.

    Runs in one transaction, joins the caller's. Calling it again moves nothing more.
    """
    with transaction.atomic():
        survey = lock_survey(survey)
        books = books_of(survey)
        ledger.lock(books.all())
        free = books.budget.balance_minor
        if free:
            ledger.post(
                kind="budget_returned",
                idempotency_key=f"budget:{survey.public_id}:{new_id('move')}",
                legs=[Leg(books.budget, -free), Leg(books.funding, free)],
            )
        return free


def allocate_waiting(*, company: Company) -> int:
    """Fill the budgets of a company's open surveys, oldest first, as far as funding reaches.

    Returns:
        Minor units moved. One transaction a survey.
    """
    surveys = Survey.objects.filter(
        company=company, status__in=[SurveyStatus.ACTIVE, SurveyStatus.PAUSED]
    ).order_by("created_at", "pk")
    return sum(allocate_budget(survey=survey) for survey in surveys)


def settle_budgets() -> int:
    """Put free money where it belongs: the recovery query of this module.

    Funding that has become free fills waiting budgets; what reached the budget of a survey in
    the moment it closed goes back to funding.

    Returns:
        Minor units moved.
    """
    free = LedgerAccount.objects.filter(balance_minor__gt=0)
    closed = Survey.objects.filter(
        pk__in=free.filter(code=AccountCode.BUDGET, survey__status=SurveyStatus.CLOSED).values(
            "survey_id"
        )
    )
    moved = sum(release_budget(survey=survey) for survey in closed)
    companies = Company.objects.filter(
        pk__in=free.filter(code=AccountCode.FUNDING).values("company_id"),
        surveys__status__in=[SurveyStatus.ACTIVE, SurveyStatus.PAUSED],
    ).distinct()
    return moved + sum(allocate_waiting(company=company) for company in companies)


def lock_survey(survey: Survey) -> Survey:
    """Return the survey's row, locked until the transaction ends: before any ledger account."""
    return (
        Survey.objects.select_for_update(no_key=True, of=("self",))
        .select_related("company")
        .get(pk=survey.pk)
    )


def _paid_minor(survey: Survey) -> int:
    paid: int | None = Payout.objects.filter(
        response__survey=survey, state=PayoutState.PAID
    ).aggregate(total=Sum("amount_minor"))["total"]
    return paid or 0
