from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import transaction
from django.db.models import F, QuerySet

from accounts.models import Company
from core.errors import InvalidInputError
from core.models import AppendOnlyError, AuditEvent
from surveys.models import (
    AccountCode,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    SurveyStatus,
)
from surveys.selectors.ledger_check import verify_ledger
from surveys.services import funding, ledger
from surveys.services.ledger import (
    AccountName,
    InsufficientFundsError,
    LedgerConflictError,
    LedgerImbalanceError,
    Leg,
)
from surveys.tests.money_world import books, make_paid_company, make_survey, run_in_threads


@pytest.fixture
def pair(acme: Company) -> tuple[LedgerAccount, LedgerAccount]:
    """Return an external and a funding account with 1,000 posted."""
    with transaction.atomic():
        external, posted = ledger.open_accounts(
            AccountName(AccountCode.EXTERNAL, "USD", company=acme),
            AccountName(AccountCode.FUNDING, "USD", company=acme),
        )
        ledger.post(
            kind="test", idempotency_key="first", legs=[Leg(external, -1000), Leg(posted, 1000)]
        )
    return external, posted


def balances(*accounts: LedgerAccount) -> list[int]:
    return [LedgerAccount.objects.get(pk=one.pk).balance_minor for one in accounts]


def test_post_moves_money_and_keeps_the_entries(
    pair: tuple[LedgerAccount, LedgerAccount],
) -> None:
    assert balances(*pair) == [-1000, 1000]
    posted = LedgerTransaction.objects.get(idempotency_key="first")
    assert sorted(posted.entries.values_list("amount_minor", flat=True)) == [-1000, 1000]
    assert verify_ledger() == []


def test_the_same_key_moves_nothing_again(pair: tuple[LedgerAccount, LedgerAccount]) -> None:
    external, posted = pair
    with transaction.atomic():
        again = ledger.post(
            kind="test", idempotency_key="first", legs=[Leg(posted, 1000), Leg(external, -1000)]
        )
    assert again.pk == LedgerTransaction.objects.get().pk
    assert balances(*pair) == [-1000, 1000]
    assert LedgerEntry.objects.count() == 2


def test_the_same_key_with_other_legs_is_refused(
    pair: tuple[LedgerAccount, LedgerAccount],
) -> None:
    external, posted = pair
    with transaction.atomic(), pytest.raises(LedgerConflictError):
        ledger.post(
            kind="test", idempotency_key="first", legs=[Leg(external, -999), Leg(posted, 999)]
        )
    assert balances(*pair) == [-1000, 1000]


def test_legs_that_do_not_balance_are_refused(pair: tuple[LedgerAccount, LedgerAccount]) -> None:
    external, posted = pair
    euro = ledger.account(AccountCode.FUNDING, currency="EUR", company=external.company)
    for legs in (
        [],
        [Leg(posted, 5)],
        [Leg(posted, 5), Leg(posted, -5)],
        [Leg(posted, 5), Leg(external, -4)],
        [Leg(posted, -5), Leg(euro, 5)],
    ):
        with transaction.atomic(), pytest.raises(LedgerImbalanceError):
            ledger.post(kind="test", idempotency_key="odd", legs=legs)
    assert LedgerTransaction.objects.count() == 1


def test_an_account_cannot_go_below_zero_and_the_transaction_can_go_on(
    pair: tuple[LedgerAccount, LedgerAccount],
) -> None:
    external, posted = pair
    with transaction.atomic():
        with pytest.raises(InsufficientFundsError) as refused:
            ledger.post(
                kind="test",
                idempotency_key="too much",
                legs=[Leg(posted, -1001), Leg(external, 1001)],
            )
        ledger.post(
            kind="test", idempotency_key="less", legs=[Leg(posted, -1000), Leg(external, 1000)]
        )
    assert refused.value.account.pk == posted.pk
    assert balances(*pair) == [0, 0]
    assert not LedgerTransaction.objects.filter(idempotency_key="too much").exists()
    assert verify_ledger() == []


def test_a_transaction_is_reversed_once(pair: tuple[LedgerAccount, LedgerAccount]) -> None:
    external, posted = pair
    first = LedgerTransaction.objects.get()
    legs = [Leg(external, 1000), Leg(posted, -1000)]
    with transaction.atomic():
        ledger.post(kind="reversal", idempotency_key="r1", legs=legs, reverses=first)
    with transaction.atomic(), pytest.raises(LedgerConflictError):
        ledger.post(kind="reversal", idempotency_key="r2", legs=legs, reverses=first)
    assert balances(*pair) == [0, 0]


@pytest.mark.django_db(transaction=True)
def test_money_moves_only_inside_a_transaction(
    pair: tuple[LedgerAccount, LedgerAccount],
) -> None:
    external, posted = pair
    with pytest.raises(transaction.TransactionManagementError):
        ledger.post(kind="test", idempotency_key="bare", legs=[Leg(external, -1), Leg(posted, 1)])
    assert balances(*pair) == [-1000, 1000]


@pytest.mark.django_db
def test_an_account_needs_exactly_one_owner() -> None:
    with pytest.raises(ValueError, match="exactly one owner"):
        ledger.account(AccountCode.BUDGET, currency="USD")


@pytest.mark.parametrize("model", [LedgerTransaction, LedgerEntry])
def test_what_was_posted_is_neither_changed_nor_deleted(
    pair: tuple[LedgerAccount, LedgerAccount], model: type[LedgerTransaction | LedgerEntry]
) -> None:
    before = list(model.objects.order_by("pk").values())
    row = model.objects.order_by("pk")[0]
    for attempt in (
        row.save,
        row.delete,
        model.objects.all().delete,
        lambda: model.objects.update(pk=row.pk),
    ):
        with pytest.raises(AppendOnlyError):
            attempt()
    assert list(model.objects.order_by("pk").values()) == before != []


def test_verify_ledger_finds_each_kind_of_damage(
    pair: tuple[LedgerAccount, LedgerAccount],
) -> None:
    _, posted = pair
    LedgerAccount.objects.filter(pk=posted.pk).update(balance_minor=F("balance_minor") + 1)
    assert verify_ledger() == [f"account {posted.key}: balance 1001, entries 1000"]
    LedgerAccount.objects.filter(pk=posted.pk).update(balance_minor=F("balance_minor") - 1)
    entry = LedgerEntry.objects.get(account=posted)
    # Past the model, which would refuse it: by hand on the database.
    QuerySet(LedgerEntry).filter(pk=entry.pk).update(amount_minor=1002)
    assert verify_ledger() == [
        "all entries together sum to 2, not to 0",
        "transaction first: sum 2, 2 entries, 1 currencies",
        f"account {posted.key}: balance 1000, entries 1002",
    ]


def test_verify_ledger_finds_rows_that_disagree_with_the_books(acme: Company) -> None:
    from surveys.tests.money_world import make_response

    funding.fund_company(company=acme, amount_minor=10_000, currency="USD")
    survey = make_survey(acme, budget=10_000)
    response = make_response(survey)
    assert verify_ledger() == []
    type(response).objects.filter(pk=response.pk).update(reserved_minor=1)
    assert verify_ledger() == [f"survey {survey.pk}: 2000 in reserved, 1 reserved by its responses"]


def test_the_command_says_what_is_wrong(
    pair: tuple[LedgerAccount, LedgerAccount], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("verify_ledger")
    assert "The ledger is right" in capsys.readouterr().out
    LedgerAccount.objects.filter(pk=pair[1].pk).update(balance_minor=7)
    with pytest.raises(SystemExit) as ended:
        call_command("verify_ledger")
    assert ended.value.code == 1
    assert "balance 7, entries 1000" in capsys.readouterr().err


# --- funding and budgets ---------------------------------------------------------------------


def test_funding_is_posted_once_for_a_reference_and_audited(acme: Company) -> None:
    for _ in range(2):
        funding.fund_company(
            company=acme, amount_minor=5000, currency="USD", idempotency_key="bank-17"
        )
    assert balance_of(acme) == 5000
    assert AuditEvent.objects.filter(action="funding.posted").count() == 1


def balance_of(company: Company) -> int:
    return LedgerAccount.objects.get(code=AccountCode.FUNDING, company=company).balance_minor


@pytest.mark.parametrize(
    ("amount", "currency"), [(0, "USD"), (-5, "USD"), (2**62, "USD"), (100, "XYZ"), (100, "usd")]
)
def test_odd_funding_is_refused(acme: Company, amount: int, currency: str) -> None:
    with pytest.raises(InvalidInputError):
        funding.fund_company(company=acme, amount_minor=amount, currency=currency)
    assert LedgerTransaction.objects.count() == 0


def test_the_fund_company_command(acme: Company, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("fund_company", acme.slug, "125.50", "--note", "wire 9")
    assert balance_of(acme) == 12_550
    assert "$125.50" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        call_command("fund_company", acme.slug, "1.234")
    with pytest.raises(SystemExit):
        call_command("fund_company", "nobody-here", "5")
    assert balance_of(acme) == 12_550


@pytest.mark.django_db
def test_a_budget_is_filled_as_far_as_funding_reaches_and_later_the_rest() -> None:
    company = make_paid_company(funds_minor=30_000)
    first = make_survey(company, budget=20_000)
    second = make_survey(company, budget=20_000)
    assert (books(first)["budget"], books(second)["budget"]) == (20_000, 10_000)
    funding.fund_company(company=company, amount_minor=15_000, currency="USD")
    assert books(second) == {
        "funding": 5000,
        "budget": 20_000,
        "reserved": 0,
        "payable": 0,
        "paid": 0,
    }
    assert verify_ledger() == []


@pytest.mark.django_db
def test_filling_again_moves_nothing_and_a_lower_budget_gives_back() -> None:
    company = make_paid_company(funds_minor=30_000)
    survey = make_survey(company, budget=20_000)
    assert funding.allocate_budget(survey=survey) == 0
    survey.budget_minor = 5000
    survey.save(update_fields=["budget_minor"])
    assert funding.allocate_budget(survey=survey) == -15_000
    assert books(survey)["funding"] == 25_000


@pytest.mark.django_db
def test_a_draft_holds_nothing_and_a_closed_survey_gives_all_back() -> None:
    company = make_paid_company(funds_minor=30_000)
    survey = make_survey(company, budget=20_000, status=SurveyStatus.DRAFT)
    assert books(survey)["budget"] == 0
    survey.status = SurveyStatus.ACTIVE
    survey.save(update_fields=["status"])
    assert funding.allocate_budget(survey=survey) == 20_000
    survey.status = SurveyStatus.CLOSED
    survey.save(update_fields=["status"])
    assert funding.settle_budgets() == 20_000
    assert funding.release_budget(survey=survey) == 0
    assert books(survey) == {
        "funding": 30_000,
        "budget": 0,
        "reserved": 0,
        "payable": 0,
        "paid": 0,
    }
    assert verify_ledger() == []


# --- concurrency -----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_parallel_withdrawals_from_one_account_never_overdraw(acme: Company) -> None:
    funding.fund_company(company=acme, amount_minor=1000, currency="USD")
    external, posted = ledger.open_accounts(
        AccountName(AccountCode.EXTERNAL, "USD", company=acme),
        AccountName(AccountCode.FUNDING, "USD", company=acme),
    )

    def take(number: int) -> str:
        try:
            with transaction.atomic():
                ledger.post(
                    kind="test",
                    idempotency_key=f"take {number}",
                    legs=[Leg(posted, -100), Leg(external, 100)],
                )
        except InsufficientFundsError:
            return "refused"
        return "taken"

    results = run_in_threads(16, take)
    assert sorted(map(str, results)) == ["refused"] * 6 + ["taken"] * 10
    assert balances(posted) == [0]
    assert verify_ledger() == []


@pytest.mark.django_db(transaction=True)
def test_one_key_in_many_threads_posts_once(acme: Company) -> None:
    funding.fund_company(company=acme, amount_minor=1000, currency="USD")
    external, posted = ledger.open_accounts(
        AccountName(AccountCode.EXTERNAL, "USD", company=acme),
        AccountName(AccountCode.FUNDING, "USD", company=acme),
    )

    def take(_: int) -> int:
        with transaction.atomic():
            return ledger.post(
                kind="test",
                idempotency_key="the one",
                legs=[Leg(posted, -100), Leg(external, 100)],
            ).pk

    results = run_in_threads(12, take)
    assert len(set(results)) == 1
    assert isinstance(results[0], int)
    assert balances(posted) == [900]
