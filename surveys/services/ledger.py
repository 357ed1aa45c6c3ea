"""The double-entry ledger: the only module that writes balances and entries.

Owns accounts, transactions and entries and their rules (a transaction's entries sum to 0, rows
are only added, no account but ``external`` goes below zero). Knows no response, no payout and no
provider: the services around it say which money moves and why.

Lock order, for PostgreSQL: the response, the payout, the wallet, the survey, then ledger
accounts by key. A service that posts twice in one database transaction calls `lock` with all its
accounts first, so that no two transactions wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction

from accounts.models import Company
from core.errors import ConflictError
from surveys.models import (
    AccountCode,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    Survey,
    Wallet,
)


class LedgerImbalanceError(ValueError):
    """The legs do not sum to 0, mix currencies, or are too few: a mistake in our own code."""


class LedgerConflictError(RuntimeError):
    """A key was used before for other legs, or a transaction was reversed before."""


class InsufficientFundsError(ConflictError):
    """An account holds less than is to be taken from it. Nothing was posted."""

    def __init__(self, account: LedgerAccount, amount_minor: int) -> None:
        super().__init__(
            "insufficient_funds",
            "There is not enough money for this. Add funds or choose a smaller amount.",
        )
        self.account = account
        self.amount_minor = amount_minor


@dataclass(frozen=True, slots=True)
class Leg:
    """One entry to be: the balance of ``account`` rises by ``amount_minor``, or falls."""

    account: LedgerAccount
    amount_minor: int


@dataclass(frozen=True, slots=True)
class AccountName:
    """Which account is meant. Exactly one of the three owners is set.

    ``company`` owns ``external`` and ``funding``; ``survey`` owns ``budget``, ``reserved`` and
    ``payable``; ``wallet`` owns ``wallet``, and the ``payable`` and ``paid`` of its withdrawals.
    """

    code: AccountCode
    currency: str
    company: Company | None = None
    survey: Survey | None = None
    wallet: Wallet | None = None
    is_play_money: bool = False

    @property
    def key(self) -> str:
        """The name in one text: ``code:owner:currency``, with ``:play`` for play money.

        Raises:
            ValueError: not exactly one owner.
        """
        owners = [one for one in (self.company, self.survey, self.wallet) if one is not None]
        if len(owners) != 1:
            raise ValueError("a ledger account has exactly one owner")
        play = ":play" if self.is_play_money else ""
        return f"{self.code.value}:{owners[0].public_id}:{self.currency}{play}"


def open_accounts(*names: AccountName) -> list[LedgerAccount]:
    """Return the accounts of these names in their order, opening those that do not exist.

    One query when all exist. Safe to call at the same time for the same names. The balances may
    be stale a moment later: `post` never trusts them, `lock` refreshes them.
    """
    keys = [name.key for name in names]
    found = {row.key: row for row in LedgerAccount.objects.filter(key__in=keys)}
    missing = {name.key: name for name in names if name.key not in found}
    if missing:
        found |= {row.key: row for row in _insert_accounts(missing)}
        # Of many that try at once one row stays; the others read it.
        late = [key for key in missing if key not in found]
        if late:
            found |= {row.key: row for row in LedgerAccount.objects.filter(key__in=late)}
    return [found[key] for key in keys]


def _insert_accounts(names: Mapping[str, AccountName]) -> list[LedgerAccount]:
    """Insert accounts unless they are there; return those that this call inserted.

    In order of the key, so that two that open the same accounts do not wait for each other.
    """
    table = connection.ops.quote_name(LedgerAccount._meta.db_table)
    inserted = []
    with connection.cursor() as cursor:
        for key, name in sorted(names.items()):
            row = LedgerAccount(
                key=key,
                code=name.code,
                company=name.company if name.survey is None else name.survey.company,
                survey=name.survey,
                wallet=name.wallet,
                currency=name.currency,
                is_play_money=name.is_play_money,
            )
            cursor.execute(
                f'INSERT INTO {table} ("key", code, company_id, survey_id, wallet_id, currency, '  # noqa: S608  # nothing from outside: a table name and placeholders
                "is_play_money, balance_minor) VALUES (%s, %s, %s, %s, %s, %s, %s, 0) "
                "ON CONFLICT DO NOTHING RETURNING id",
                [
                    key, str(name.code), row.company_id, row.survey_id, row.wallet_id,
                    name.currency, name.is_play_money,
                ],
            )  # fmt: skip
            for (row.pk,) in cursor.fetchall():
                row._state.adding = False
                inserted.append(row)
    return inserted


def account(
    code: AccountCode,
    *,
    currency: str,
    company: Company | None = None,
    survey: Survey | None = None,
    wallet: Wallet | None = None,
    is_play_money: bool = False,
) -> LedgerAccount:
    """Return one account, opened when it does not exist; see `AccountName` for the owners.

    Raises:
        ValueError: not exactly one owner.
    """
    name = AccountName(code, currency, company, survey, wallet, is_play_money)
    return open_accounts(name)[0]


def lock(accounts: Iterable[LedgerAccount], *, refresh: bool = True) -> None:
    """Lock the accounts in the fixed order until the transaction ends.

    Needed by a transaction that posts more than once or decides by a balance. On SQLite the
    transaction holds the write lock already.

    Args:
        accounts: whose rows to lock.
        refresh: bring their balances up to date. Without it the call costs nothing on SQLite;
            right for accounts whose balances nobody looks at.

    Raises:
        transaction.TransactionManagementError: outside of a transaction.
    """
    _require_transaction()
    if not refresh and not connection.features.has_select_for_update:
        return
    rows = {row.pk: row for row in accounts}
    locked = (
        LedgerAccount.objects.select_for_update(no_key=True)
        .filter(pk__in=list(rows))
        .order_by("key")
    )
    for fresh in locked:
        rows[fresh.pk].balance_minor = fresh.balance_minor


def post(
    *,
    kind: str,
    idempotency_key: str,
    legs: Sequence[Leg],
    reverses: LedgerTransaction | None = None,
    note: str = "",
) -> LedgerTransaction:
    """Move money, once for each key.

    Args:
        kind: why, a constant such as ``budget_allocated``.
        idempotency_key: names the reason; the same key again changes nothing.
        legs: what each account gains or loses, in minor units of one currency. Legs on the same
            account are added up, legs of 0 are left out.
        reverses: the transaction this one takes back; each can be taken back once.
        note: for people who read the ledger; nothing personal.

    Returns:
        The transaction, or with a key used before the first one.

    Raises:
        LedgerImbalanceError: the legs are no valid transaction.
        LedgerConflictError: the key stands for other legs, or ``reverses`` is reversed already.
        InsufficientFundsError: an account would go below zero. Nothing is changed, and the
            surrounding transaction can go on.
        transaction.TransactionManagementError: outside of a transaction.
    """
    _require_transaction()
    amounts = _add_up(legs)
    try:
        with transaction.atomic():
            posted = LedgerTransaction.objects.create(
                kind=kind, idempotency_key=idempotency_key, reverses=reverses, note=note
            )
            _move(amounts)
            _store_entries(posted, amounts)
            return posted
    except IntegrityError as error:
        first = LedgerTransaction.objects.filter(idempotency_key=idempotency_key).first()
        if not isinstance(first, LedgerTransaction):
            raise LedgerConflictError(
                f"{idempotency_key}: the transaction it reverses was reversed before"
            ) from error
        if _entries_of(first) != {row.pk: amount for row, amount in amounts}:
            raise LedgerConflictError(
                f"{idempotency_key} was posted before with other amounts"
            ) from error
        return first


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "money moves inside the transaction of what causes it"
        )


def _add_up(legs: Sequence[Leg]) -> list[tuple[LedgerAccount, int]]:
    """Return one amount an account, in lock order, or refuse what is no transaction."""
    rows: dict[int, LedgerAccount] = {}
    amounts: dict[int, int] = {}
    for leg in legs:
        rows[leg.account.pk] = leg.account
        amounts[leg.account.pk] = amounts.get(leg.account.pk, 0) + leg.amount_minor
    moved = [(rows[pk], amount) for pk, amount in amounts.items() if amount]
    if len(moved) < 2:
        raise LedgerImbalanceError("a transaction moves money between two accounts or more")
    if sum(amount for _, amount in moved) != 0:
        raise LedgerImbalanceError("the legs of a transaction sum to 0")
    if len({row.currency for row, _ in moved}) != 1:
        raise LedgerImbalanceError("a transaction has one currency")
    return sorted(moved, key=lambda pair: pair[0].key)


def _move(amounts: Sequence[tuple[LedgerAccount, int]]) -> None:
    """Change the balances, one conditional UPDATE each; plain SQL, since a visitor waits."""
    table = connection.ops.quote_name(LedgerAccount._meta.db_table)
    change = f"UPDATE {table} SET balance_minor = balance_minor + %s WHERE id = %s"  # noqa: S608  # nothing from outside: a table name and placeholders
    with connection.cursor() as cursor:
        for row, amount in amounts:
            if amount < 0 and row.code != AccountCode.EXTERNAL:
                cursor.execute(f"{change} AND balance_minor >= %s", [amount, row.pk, -amount])
            else:
                cursor.execute(change, [amount, row.pk])
            if cursor.rowcount != 1:
                raise InsufficientFundsError(row, -amount)


def _store_entries(posted: LedgerTransaction, amounts: Sequence[tuple[LedgerAccount, int]]) -> None:
    table = connection.ops.quote_name(LedgerEntry._meta.db_table)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} (transaction_id, account_id, amount_minor) "  # noqa: S608  # nothing from outside: a table name and placeholders
            "VALUES (%s, %s, %s)",
            [(posted.pk, row.pk, amount) for row, amount in amounts],
        )


def _entries_of(posted: LedgerTransaction) -> dict[int, int]:
    return dict(posted.entries.values_list("account_id", "amount_minor"))
