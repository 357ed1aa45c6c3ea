"""The steps payouts are made of: locking, covering, giving back, crediting.

Owns how one payout's amount moves between the survey's books and the respondent, and the order
of locks on the way. Decides nothing: `payouts` and `settlements` say when.
"""

from __future__ import annotations

from django.conf import settings
from django.db import connection

from accounts.models import Company
from core import clock
from core.errors import ConflictError
from core.ids import new_id
from core.jobs import nudge
from surveys.models import LedgerAccount, Payout, PayoutState, Survey, SurveyResponse, Wallet
from surveys.models.payouts import PAYOUT_TRANSITIONS
from surveys.payments.factory import LOCAL, has_outside_provider
from surveys.services import funding, funnel, ledger, wallets
from surveys.services.announcements import announce_payout
from surveys.services.funding import SurveyBooks
from surveys.services.ledger import AccountName, Leg

HOLD_BUDGET = "budget_exhausted"
HOLD_DAILY_CAP = "daily_cap"


class PayoutStateError(ConflictError):
    """The payout is in a state from which this step is not possible."""

    def __init__(self, payout: Payout, wanted: PayoutState) -> None:
        super().__init__(
            "payout_state",
            f"This payout is {PayoutState(payout.state).label.lower()}, "
            f"so it cannot become {wanted.label.lower()}.",
        )


def lock_payout(payout: Payout) -> Payout:
    """Return the payout's row, locked, with all it hangs on."""
    return (
        Payout.objects.select_for_update(no_key=True, of=("self",))
        .select_related(
            "response__survey__company", "response__version", "response__voice_session", "wallet"
        )
        .get(pk=payout.pk)
    )


def require_move(payout: Payout, state: PayoutState) -> None:
    if state not in PAYOUT_TRANSITIONS[PayoutState(payout.state)]:
        raise PayoutStateError(payout, state)


def lock_response(response: SurveyResponse) -> SurveyResponse:
    """Lock the response's row and bring what settling reads of it up to date."""
    state, reserved, source = (
        SurveyResponse.objects.select_for_update(no_key=True)
        .values_list("reservation_state", "reserved_minor", "transcript_source")
        .get(pk=response.pk)
    )
    response.reservation_state = state
    response.reserved_minor = reserved
    response.transcript_source = source
    return response


def is_under_cap(company: Company, *, amount_minor: int, currency: str) -> bool:
    """Tell whether the company's automatic pay of this UTC day leaves room for one more."""
    day = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    payout, response, survey = (
        connection.ops.quote_name(model._meta.db_table)
        for model in (Payout, SurveyResponse, Survey)
    )
    # Plain SQL: every Done asks it while a visitor waits, and putting it together cost more.
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COALESCE(SUM({payout}.amount_minor), 0) FROM {payout} "  # noqa: S608  # nothing from outside: table names and placeholders
            f"JOIN {response} ON {response}.id = {payout}.response_id "
            f"JOIN {survey} ON {survey}.id = {response}.survey_id "
            f"WHERE {survey}.company_id = %s AND {payout}.currency = %s "
            f"AND {payout}.was_automatic AND {payout}.approved_at >= %s",
            [company.pk, currency, connection.ops.adapt_datetimefield_value(day)],
        )
        (spent,) = cursor.fetchone()
    return int(spent) + amount_minor <= settings.DAILY_PAY_CAP_MINOR


def lock_money(payout: Payout) -> None:
    """Lock all that an approval may touch, in the order everything locks: wallet, survey, books.

    The lock on the company's funding makes looking at the daily cap and paying one step.
    """
    survey = payout.response.survey
    wallets.lock_root(payout.wallet)
    funding.lock_survey(survey)
    ledger.lock(funding.books_of(survey).all(), refresh=False)


def cover(payout: Payout, response: SurveyResponse, *, may_use_funding: bool) -> None:
    """Take a payout's amount into ``payable``: from the free budget, then from funding."""
    books = funding.books_of(response.survey)
    ledger.lock(books.all())
    if books.budget.balance_minor < payout.amount_minor:
        funding.allocate_budget(survey=response.survey)
        ledger.lock(books.all())
    from_budget = payout.amount_minor
    if may_use_funding:
        from_budget = min(from_budget, books.budget.balance_minor)
    ledger.post(
        kind="pay_owed",
        idempotency_key=f"payout:{payout.public_id}:{new_id('move')}",
        legs=[
            Leg(books.budget, -from_budget),
            Leg(books.funding, from_budget - payout.amount_minor),
            Leg(books.payable, payout.amount_minor),
        ],
    )
    payout.is_funded = True


def uncover(payout: Payout) -> None:
    """Give a payout's amount back from ``payable``, if it stands there."""
    if not payout.is_funded:
        return
    survey = payout.response.survey
    books = funding.books_of(survey)
    ledger.post(
        kind="pay_returned",
        idempotency_key=f"payout:{payout.public_id}:{new_id('move')}",
        legs=[
            Leg(books.payable, -payout.amount_minor),
            Leg(books.home(survey), payout.amount_minor),
        ],
    )
    payout.is_funded = False


def pay_or_queue(
    payout: Payout, *, books: SurveyBooks | None = None, credit: LedgerAccount | None = None
) -> None:
    """Credit the wallet of an approved payout at once, or have its provider send it; save it.

    Args:
        payout: approved, changed or new, not saved yet.
        books: of its survey, when the caller has opened them.
        credit: of its wallet, when the caller has opened it.
    """
    if payout.provider != LOCAL:
        payout.next_attempt_at = clock.now()
        payout.save()
        announce_payout(payout)
        nudge(wallets.SEND_JOB)
        return
    books = books or funding.books_of(payout.response.survey)
    if credit is None:
        (credit,) = ledger.open_accounts(name_credit(payout, wallets.lock_root(payout.wallet)))
    ledger.lock([books.payable, credit], refresh=False)
    ledger.post(
        kind="payout_paid",
        idempotency_key=f"payout:{payout.public_id}:paid",
        legs=[Leg(books.payable, -payout.amount_minor), Leg(credit, payout.amount_minor)],
    )
    mark_paid(payout, f"local_{payout.public_id}")


def name_credit(payout: Payout, wallet: Wallet) -> AccountName:
    """Return which account a local payout is credited to; ``wallet`` is its root, locked."""
    return wallets.credit_name(
        wallet,
        payout.currency,
        is_play_money=payout.response.survey.company.is_demo or not has_outside_provider(),
    )


def mark_paid(payout: Payout, reference: str) -> None:
    payout.state = PayoutState.PAID
    payout.provider_reference = reference
    payout.last_error_code = ""
    payout.next_attempt_at = None
    payout.paid_at = clock.now()
    payout.save()
    announce_payout(payout)
    funnel.count_step(survey=payout.response.survey, step="paid")
