"""Surveys, answers and providers for the tests of money, made below the HTTP surface."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import timedelta

from django.db import connection

from accounts.models import Company
from accounts.tests.factories import make_company
from agents.interview.types import Evaluation, Flag, FlagKind
from core import clock, tokens
from core.ids import new_id
from sessions.models import SessionKind, VoiceSession
from surveys.models import (
    AccountCode,
    LedgerAccount,
    Payout,
    ResponseState,
    Survey,
    SurveyResponse,
    SurveyStatus,
    SurveyVersion,
    Wallet,
)
from surveys.models.payouts import ProviderAccount
from surveys.services import funding, payouts, reservations


def make_paid_company(*, is_demo: bool = False, funds_minor: int = 100_000) -> Company:
    """Create a company with posted funding in USD."""
    company = make_company(is_demo=is_demo)
    if funds_minor:
        funding.fund_company(company=company, amount_minor=funds_minor, currency="USD")
    return company


def make_survey(
    company: Company,
    *,
    payment_min: int = 500,
    payment_max: int = 2000,
    budget: int = 48_000,
    max_responses: int = 100,
    status: SurveyStatus = SurveyStatus.ACTIVE,
    allocate: bool = True,
) -> Survey:
    """Create a survey with one version; its budget is filled as far as funding reaches."""
    survey = Survey.objects.create(
        company=company,
        status=status,
        publishable_key=f"pk_{secrets.token_hex(8)}",
        budget_minor=budget,
        max_responses=max_responses,
    )
    survey.current_version = SurveyVersion.objects.create(
        survey=survey,
        number=1,
        title="Coffee at work",
        questions=[],
        languages=["en"],
        payment_min_minor=payment_min,
        payment_max_minor=payment_max,
        consent_text="ok",
    )
    survey.save(update_fields=["current_version"])
    if allocate:
        funding.allocate_budget(survey=survey)
    return survey


def make_response(
    survey: Survey,
    *,
    wallet: Wallet | None = None,
    language: str = "en",
    receipt: str = "",
    reserve: bool = True,
) -> SurveyResponse:
    """Create an open answer with its conversation and, by default, its reservation."""
    public_id = new_id("session")
    conversation = VoiceSession.objects.create(
        public_id=public_id,
        kind=SessionKind.SURVEY,
        company=survey.company,
        language=language,
        room_name=f"survey-{public_id}",
        token_digest=tokens.mint().digest,
        token_expires_at=clock.now() + timedelta(hours=24),
        expires_at=clock.now() + timedelta(hours=24),
    )
    response = SurveyResponse.objects.create(
        voice_session=conversation,
        survey=survey,
        version=survey.current_version,
        wallet=wallet or Wallet.objects.create(),
        receipt_digest=tokens.digest(receipt) if receipt else tokens.mint().digest,
        receipt_expires_at=clock.now() + timedelta(days=90),
        respondent_key=secrets.token_hex(16),
    )
    if reserve:
        reservations.reserve(response=response)
    return response


def make_evaluation(score: int = 85, *, has_evidence: bool = True) -> Evaluation:
    """Return an evaluation with this score and no marks."""
    return Evaluation(
        score=score,
        questions=(),
        has_required_evidence=has_evidence,
        notes="",
        rubric_version="test",
    )


def complete(
    response: SurveyResponse,
    amount_minor: int,
    *,
    flags: tuple[FlagKind, ...] = (),
    score: int = 85,
    transcript_source: str = "server",
) -> Payout | None:
    """Complete an answer and settle its pay, as the completing transaction does."""
    SurveyResponse.objects.filter(pk=response.pk).update(
        state=ResponseState.COMPLETED,
        score=score,
        transcript_source=transcript_source,
        done_at=clock.now(),
        evaluated_at=clock.now(),
        is_flagged=bool(flags),
    )
    response.refresh_from_db()
    return payouts.create_payout(
        response=response,
        evaluation=make_evaluation(score),
        flags=[Flag(kind=kind, detail="") for kind in flags],
        amount_minor=amount_minor,
    )


def connect_account(wallet: Wallet, *, reference: str = "", is_ready: bool = True) -> str:
    """Connect a wallet to an account at the provider."""
    row = ProviderAccount.objects.create(
        wallet=wallet,
        provider="stripe",
        reference=reference or f"acct_{wallet.public_id}",
        is_ready=is_ready,
    )
    return row.reference


def balance(code: AccountCode, *, survey: Survey | None = None, **owner: object) -> int:
    """Return the sum of the balances of an owner's accounts of this code."""
    if survey is not None:
        owner["survey"] = survey
    return sum(
        LedgerAccount.objects.filter(code=code, **owner).values_list("balance_minor", flat=True)
    )


def books(survey: Survey) -> dict[str, int]:
    """Return where the money of a survey and its company stands."""
    return {
        "funding": balance(AccountCode.FUNDING, company=survey.company),
        "budget": balance(AccountCode.BUDGET, survey=survey),
        "reserved": balance(AccountCode.RESERVED, survey=survey),
        "payable": balance(AccountCode.PAYABLE, survey=survey),
        "paid": balance(AccountCode.PAID, survey=survey),
    }


def run_in_threads(count: int, work: Callable[[int], object]) -> list[object]:
    """Run work(0..count-1) at the same moment; return what each returned or raised."""
    results: list[object] = [None] * count
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = work(number)
        except Exception as error:  # noqa: BLE001 - the test looks at every outcome
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
