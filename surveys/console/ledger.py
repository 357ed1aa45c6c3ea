"""Pages of money: where it stands, every movement, and adding play money to a demo."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.access import CompanyRequest
from core import money
from core.errors import InvalidInputError
from surveys.console.doors import for_owners, for_researchers, is_owner, render_page
from surveys.console.words import ACCOUNT_WORDS, ledger_words
from surveys.models import AccountCode, LedgerTransaction
from surveys.selectors.money import LEDGER_PAGE, funds_of, ledger_of
from surveys.services.funding import fund_company

PLAY_MAX_MINOR = 10_000_000
"""100,000 of a currency with hundredths a click: plenty for a demo."""


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """One leg of a transaction in words."""

    place: str
    survey_title: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class ShownTransaction:
    """One movement of money."""

    row: LedgerTransaction
    words: str
    entries: tuple[ShownEntry, ...]


@for_researchers
@require_safe
def ledger(request: CompanyRequest) -> HttpResponse:
    """Show balances by survey and the movements behind them."""
    return _show(request)


@for_owners
@require_POST
def ledger_fund(request: CompanyRequest) -> HttpResponse:
    """Add play money to a demo company; a real one pays in through its operator."""
    if not request.company.is_demo:
        raise Http404
    currency = request.POST.get("currency", "")
    typed = request.POST.get("amount", "").strip()
    try:
        amount = money.to_minor(typed, currency)
        if not 0 < amount <= PLAY_MAX_MINOR:
            raise InvalidInputError(
                "invalid_amount",
                f"Give an amount up to {money.format_money(PLAY_MAX_MINOR, currency)}.",
            )
        fund_company(
            company=request.company,
            amount_minor=amount,
            currency=currency,
            note="Play money",
            actor=request.user,
        )
    except InvalidInputError as error:
        return _show(request, problem=error.detail, typed=typed, currency=currency)
    except ValueError:
        return _show(
            request, problem="Give an amount such as 500.00.", typed=typed, currency=currency
        )
    messages.success(
        request,
        f"{money.format_money(amount, currency)} of play money added. Surveys that waited for "
        "money have taken their part.",
    )
    return redirect("console:ledger")


def _show(
    request: CompanyRequest, *, problem: str = "", typed: str = "", currency: str = ""
) -> HttpResponse:
    before = request.GET.get("before", "")
    rows = ledger_of(
        request.company,
        before=int(before)
        if before.isascii() and before.isdecimal() and len(before) < 19
        else None,
    )
    titles = _survey_titles(request)
    funds = funds_of(request.company)
    return render_page(
        request,
        "ledger",
        {
            "funds": funds,
            "transactions": [_shown(row, titles) for row in rows],
            "next_url": f"?before={rows[-1].pk}" if len(rows) == LEDGER_PAGE else "",
            "first_url": "?" if before else "",
            "may_fund": request.company.is_demo and is_owner(request),
            "company": request.company,
            "problem": problem,
            "typed": typed,
            "currency": currency or (funds[0].currency if funds else "USD"),
            "currencies": sorted(money.CURRENCIES),
        },
        status=422 if problem else 200,
    )


def _survey_titles(request: CompanyRequest) -> dict[int, str]:
    return dict(request.company.surveys.values_list("pk", "current_version__title"))


def _shown(row: LedgerTransaction, titles: dict[int, str]) -> ShownTransaction:
    return ShownTransaction(
        row=row,
        words=ledger_words(row.kind),
        entries=tuple(
            ShownEntry(
                place=ACCOUNT_WORDS[AccountCode(entry.account.code)],
                survey_title=titles.get(entry.account.survey_id or 0, ""),
                amount_minor=entry.amount_minor,
                currency=entry.account.currency,
            )
            for entry in row.entries.all()
        ),
    )
