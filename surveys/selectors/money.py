"""Reads of money: a company's funds and decisions to make, a respondent's wallet.

Every function takes whose money it is. Writes nothing and opens no transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q, QuerySet, Sum

from accounts.models import Company, User
from core.errors import NotFoundError
from surveys.models import (
    AccountCode,
    Appeal,
    EvaluationRecord,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    Payout,
    PayoutState,
    ProviderAccount,
    Survey,
    SurveyResponse,
    SurveyStatus,
    Wallet,
    Withdrawal,
)

HISTORY_LIMIT = 200
LEDGER_PAGE = 100


# --- companies -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SurveyMoney:
    """Where one survey's money stands, in minor units of its currency."""

    survey: Survey
    budget_minor: int
    """Free to be promised."""
    reserved_minor: int
    payable_minor: int
    paid_minor: int

    @property
    def held_minor(self) -> int:
        """All that left the company's funds for this survey and did not come back."""
        return self.budget_minor + self.reserved_minor + self.payable_minor + self.paid_minor


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far the money of a survey reaches, amounts in minor units."""

    answers: int
    """So many more can be promised the highest pay, once the survey is open."""
    at_hand_minor: int
    """Free in the budget, or in the company's funds and taken from there on opening."""
    unfunded_minor: int
    """Of the budget; an open survey takes it from later funding, before younger ones do."""


@dataclass(frozen=True, slots=True)
class CompanyFunds:
    """A company's money in one currency, in minor units."""

    currency: str
    posted_minor: int
    """All that was ever paid in."""
    funding_minor: int
    """Not set aside for any survey."""
    surveys: tuple[SurveyMoney, ...]


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """Something a person has to decide: a held payout, an appeal, or both."""

    response: SurveyResponse
    payout: Payout | None
    appeal: Appeal | None

    @property
    def since(self) -> datetime:
        """When it began to wait."""
        if self.appeal is not None:
            return self.appeal.created_at
        if self.payout is not None:
            return self.payout.created_at
        return self.response.created_at


def available_minor(survey: Survey) -> int:
    """Return what of a survey's budget is funded and not promised to anybody, in minor units."""
    account = LedgerAccount.objects.filter(
        survey=survey, code=AccountCode.BUDGET, currency=survey.currency
    ).first()
    return account.balance_minor if account is not None else 0


def coverage_of(row: SurveyMoney, funds: CompanyFunds) -> Coverage | None:
    """Return how far a survey's money reaches; None for one that pays nothing or is closed."""
    survey, version = row.survey, row.survey.current_version
    if survey.status == SurveyStatus.CLOSED or version is None or not version.payment_max_minor:
        return None
    missing = max(0, survey.budget_minor - row.held_minor)
    taken = min(missing, max(0, funds.funding_minor))
    at_hand = row.budget_minor + taken
    return Coverage(
        answers=at_hand // version.payment_max_minor,
        at_hand_minor=at_hand,
        unfunded_minor=missing - taken,
    )


def funds_of(company: Company) -> list[CompanyFunds]:
    """Return a company's money, one entry a currency, with its surveys newest first."""
    balances: dict[tuple[str, int | None, str], int] = {}
    for row in LedgerAccount.objects.filter(company=company):
        balances[(row.code, row.survey_id, row.currency)] = row.balance_minor
    paid = dict(
        Payout.objects.filter(response__survey__company=company, state=PayoutState.PAID)
        .values_list("response__survey_id")
        .annotate(total=Sum("amount_minor"))
    )
    surveys = list(
        Survey.objects.filter(company=company)
        .select_related("current_version")
        .order_by("-created_at")
    )

    def survey_money(survey: Survey) -> SurveyMoney:
        def balance(code: AccountCode) -> int:
            return balances.get((code.value, survey.pk, survey.currency), 0)

        return SurveyMoney(
            survey=survey,
            budget_minor=balance(AccountCode.BUDGET),
            reserved_minor=balance(AccountCode.RESERVED),
            payable_minor=balance(AccountCode.PAYABLE),
            paid_minor=paid.get(survey.pk, 0),
        )

    currencies = {currency for _, _, currency in balances} | {one.currency for one in surveys}
    return [
        CompanyFunds(
            currency=currency,
            posted_minor=-balances.get((AccountCode.EXTERNAL.value, None, currency), 0),
            funding_minor=balances.get((AccountCode.FUNDING.value, None, currency), 0),
            surveys=tuple(survey_money(one) for one in surveys if one.currency == currency),
        )
        for currency in sorted(currencies)
    ]


def ledger_of(company: Company, *, before: int | None = None) -> list[LedgerTransaction]:
    """Return a company's latest transactions with their entries, newest first.

    Args:
        company: whose accounts are touched.
        before: primary key to go on from, of the last transaction seen.
    """
    # Wallet entries belong to respondents: a company sees the amount, not whose it became.
    entries = LedgerEntry.objects.select_related("account__survey").order_by("pk")
    touching = LedgerEntry.objects.filter(account__company=company).values("transaction_id")
    found = LedgerTransaction.objects.filter(pk__in=touching)
    if before is not None:
        found = found.filter(pk__lt=before)
    return list(found.prefetch_related(Prefetch("entries", entries)).order_by("-pk")[:LEDGER_PAGE])


def review_queue(company: Company, *, limit: int = 200) -> list[ReviewItem]:
    """Return what a company's reviewers have to decide, longest waiting first."""
    responses = (
        SurveyResponse.objects.filter(survey__company=company)
        .filter(Q(payout__state=PayoutState.HELD) | Q(appeal__resolved_at=None, appeal__pk__gt=0))
        .select_related("survey", "version", "voice_session", "payout", "appeal")
        .prefetch_related(Prefetch("evaluations", EvaluationRecord.objects.filter(is_paying=True)))
        .order_by("done_at")[:limit]
    )
    items = [
        ReviewItem(
            response=response,
            payout=getattr(response, "payout", None),
            appeal=getattr(response, "appeal", None),
        )
        for response in responses
    ]
    return sorted(items, key=lambda item: item.since)


def count_waiting(company: Company) -> int:
    """Return how many decisions wait for a company's reviewers."""
    return (
        SurveyResponse.objects.filter(survey__company=company)
        .filter(Q(payout__state=PayoutState.HELD) | Q(appeal__resolved_at=None, appeal__pk__gt=0))
        .count()
    )


def payout_of_company(company: Company, payout_id: str) -> Payout:
    """Return a payout of one of the company's surveys.

    Raises:
        NotFoundError: there is none, or it is another company's; the two read the same.
    """
    payout = (
        Payout.objects.filter(response__survey__company=company, public_id=payout_id)
        .select_related("response__survey__company", "response__version", "response__voice_session")
        .first()
    )
    if payout is None:
        raise NotFoundError("payout_not_found", "There is no payout with this id.")
    return payout


def appeal_of_company(company: Company, appeal_id: str) -> Appeal:
    """Return an appeal against an answer of one of the company's surveys.

    Raises:
        NotFoundError: there is none, or it is another company's; the two read the same.
    """
    appeal = (
        Appeal.objects.filter(response__survey__company=company, public_id=appeal_id)
        .select_related("response__survey__company", "response__version", "response__voice_session")
        .first()
    )
    if appeal is None:
        raise NotFoundError("appeal_not_found", "There is no appeal with this id.")
    return appeal


def payouts_of(company: Company, *, states: Iterable[PayoutState] = ()) -> QuerySet[Payout]:
    """Return a company's payouts, newest first, of the given states or of all."""
    found = Payout.objects.filter(response__survey__company=company)
    wanted = list(states)
    if wanted:
        found = found.filter(state__in=wanted)
    return found.select_related("response__survey", "response__voice_session").order_by(
        "-created_at", "-pk"
    )


# --- respondents -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Balance:
    """Credit of one currency and kind, in minor units."""

    currency: str
    amount_minor: int
    is_play_money: bool


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """Something that happened to a wallet's money."""

    at: datetime
    kind: str
    """``payout`` or ``withdrawal``."""
    reference: str
    title: str
    """Of the survey, in the version that was answered; nothing for a withdrawal."""
    amount_minor: int
    """Below 0 for a withdrawal."""
    currency: str
    state: str
    is_play_money: bool


def wallet_of_user(user: User) -> Wallet | None:
    """Return a person's wallet, if they have one."""
    return Wallet.objects.filter(user=user, merged_into=None).first()


def balances_of(wallet: Wallet) -> list[Balance]:
    """Return a wallet's credit, one entry a currency and kind, without empty ones."""
    rows = LedgerAccount.objects.filter(
        code=AccountCode.WALLET, wallet=wallet, balance_minor__gt=0
    ).order_by("currency", "is_play_money")
    return [Balance(row.currency, row.balance_minor, row.is_play_money) for row in rows]


def history_of(wallet: Wallet, *, limit: int = HISTORY_LIMIT) -> list[HistoryLine]:
    """Return a wallet's payouts and withdrawals, newest first, with those of wallets merged in."""
    owners = Q(wallet=wallet) | Q(wallet__merged_into=wallet)
    play_credits = set(
        LedgerEntry.objects.filter(
            Q(account__wallet=wallet) | Q(account__wallet__merged_into=wallet),
            account__code=AccountCode.WALLET,
            account__is_play_money=True,
            transaction__kind="payout_paid",
        ).values_list("transaction__idempotency_key", flat=True)
    )
    lines = [
        HistoryLine(
            at=payout.paid_at or payout.created_at,
            kind="payout",
            reference=payout.transaction_id,
            title=payout.response.version.title,
            amount_minor=payout.amount_minor,
            currency=payout.currency,
            state=payout.state,
            is_play_money=f"payout:{payout.public_id}:paid" in play_credits,
        )
        for payout in Payout.objects.filter(owners)
        .select_related("response__version")
        .order_by("-created_at")[:limit]
    ]
    lines += [
        HistoryLine(
            at=withdrawal.created_at,
            kind="withdrawal",
            reference=withdrawal.public_id,
            title="",
            amount_minor=-withdrawal.amount_minor,
            currency=withdrawal.currency,
            state=withdrawal.state,
            is_play_money=withdrawal.is_play_money,
        )
        for withdrawal in Withdrawal.objects.filter(owners).order_by("-created_at")[:limit]
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True)[:limit]


def provider_account_of(wallet: Wallet, provider: str) -> ProviderAccount | None:
    """Return where a wallet's money goes at a provider, if it is connected."""
    return ProviderAccount.objects.filter(wallet=wallet, provider=provider).first()


def unclaimed_minor(wallet: Wallet) -> dict[str, int]:
    """Return what waits for the wallet's owner to connect an account, by currency."""
    return dict(
        Payout.objects.filter(
            Q(wallet=wallet) | Q(wallet__merged_into=wallet), state=PayoutState.UNCLAIMED
        )
        .values_list("currency")
        .annotate(total=Sum("amount_minor"))
    )
