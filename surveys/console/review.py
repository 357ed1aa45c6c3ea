"""The review queue: held payouts and appeals, and the page on which one is decided."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import CompanyRequest
from core import money
from core.errors import ConflictError, InvalidInputError, UnavailableError
from surveys.console.doors import for_researchers, render_page
from surveys.console.sessions import describe_answer
from surveys.console.words import explain_reason
from surveys.models import Appeal, Payout, PayoutState, SurveyResponse
from surveys.selectors.console import appeal_of
from surveys.selectors.money import appeal_of_company, payout_of_company, review_queue
from surveys.selectors.responses import response_of_company
from surveys.services import review

QUEUE_MAX = 200


@for_researchers
@require_safe
def review_list(request: CompanyRequest) -> HttpResponse:
    """List what waits for a decision, the longest waiting first."""
    items = review_queue(request.company, limit=QUEUE_MAX)
    return render_page(
        request,
        "review_queue",
        {
            "items": [
                {
                    "item": item,
                    "reasons": [
                        explain_reason(code)[0]
                        for code in (item.payout.hold_reasons if item.payout else ())
                    ],
                }
                for item in items
            ],
            "is_cut": len(items) == QUEUE_MAX,
        },
    )


@for_researchers
@require_http_methods(["GET", "HEAD", "POST"])
def review_item(request: CompanyRequest, session_id: str) -> HttpResponse:
    """Show one answer with its evidence side by side, and take the decision."""
    response = response_of_company(request.company, session_id)
    payout: Payout | None = getattr(response, "payout", None)
    appeal = appeal_of(response)
    if request.method == "POST":
        try:
            words = _decide(request, response, payout, appeal)
        except (ConflictError, InvalidInputError) as error:
            return _show(request, response, problem=error.detail, status=error.status)
        messages.success(request, words)
        return redirect("console:review_queue")
    return _show(request, response)


def _decide(
    request: CompanyRequest,
    response: SurveyResponse,
    payout: Payout | None,
    appeal: Appeal | None,
) -> str:
    """Carry out the decision that was sent; return what to say of it.

    Raises:
        InvalidInputError: no decision, no reason, or an amount that cannot be granted.
        ConflictError: somebody decided before, or there is no money.
    """
    decision = request.POST.get("decision", "")
    reason = request.POST.get("reason", "")
    if decision not in ("approve", "reject"):
        raise InvalidInputError("decision_missing", "Choose to pay or to refuse.")
    is_upheld = decision == "approve"
    if payout is not None and payout.state == PayoutState.HELD:
        held = payout_of_company(request.company, payout.public_id)
        if is_upheld:
            review.approve_held(payout=held, actor=request.user, note=reason)
            return "Approved. The payment is on its way."
        review.reject_held(payout=held, actor=request.user, reason=reason)
        return "Rejected. The visitor reads your reason and may appeal once."
    if appeal is None or appeal.resolved_at is not None:
        raise ConflictError("already_decided", "This answer has been decided already.")
    review.resolve_appeal(
        appeal=appeal_of_company(request.company, appeal.public_id),
        actor=request.user,
        is_upheld=is_upheld,
        note=reason,
        amount_minor=_read_amount(request, response) if is_upheld and payout is None else None,
    )
    if not is_upheld:
        return "Declined. The visitor reads your reason."
    return "Upheld. The payment is on its way." if payout is None else "Upheld."


def _read_amount(request: CompanyRequest, response: SurveyResponse) -> int:
    try:
        return money.to_minor(request.POST.get("amount", "").strip(), response.survey.currency)
    except ValueError:
        raise InvalidInputError("invalid_amount", "Give an amount such as 5.00.") from None


@for_researchers
@require_POST
def pay_change(request: CompanyRequest, session_id: str) -> HttpResponse:
    """Call a payout off, take it back, or send it again, with the reason in the audit trail."""
    response = response_of_company(request.company, session_id)
    found: Payout | None = getattr(response, "payout", None)
    if found is None:
        messages.error(request, "This answer has no payout to change.")
        return redirect("console:session_detail", session_id)
    payout = payout_of_company(request.company, found.public_id)
    reason = request.POST.get("reason", "")
    try:
        messages.success(request, _change(request, payout, reason))
    except (ConflictError, InvalidInputError, UnavailableError) as error:
        messages.error(request, error.detail)
    return redirect("console:session_detail", session_id)


def _change(request: CompanyRequest, payout: Payout, reason: str) -> str:
    """Carry out the change that was asked for; return what to say of it.

    Raises:
        InvalidInputError: an unknown change, or no reason.
        ConflictError: the payout has moved on, the money is gone, or the provider refuses.
        UnavailableError: the provider does not answer.
    """
    change = request.POST.get("change", "")
    if change == "cancel":
        review.cancel(payout=payout, actor=request.user, reason=reason)
        return "Called off. The money is back in the budget."
    if change == "reverse":
        review.reverse_paid(payout=payout, actor=request.user, reason=reason)
        return "Taken back. The money is in the budget again."
    if change == "retry":
        review.retry_failed(payout=payout, actor=request.user, note=reason)
        return "Sent again. The payment is on its way."
    raise InvalidInputError("change_unknown", "Choose to call off, to take back or to send again.")


def _show(
    request: CompanyRequest, response: SurveyResponse, *, problem: str = "", status: int = 200
) -> HttpResponse:
    # A refused decision may have been overtaken: what is shown is what stands now.
    response = response_of_company(request.company, response.voice_session.public_id)
    described = describe_answer(response)
    payout, appeal = described["payout"], described["appeal"]
    queue = [
        item.response.voice_session.public_id
        for item in review_queue(request.company, limit=QUEUE_MAX)
    ]
    here = response.voice_session.public_id
    at = queue.index(here) if here in queue else None
    version = response.version
    return render_page(
        request,
        "review_item",
        {
            **described,
            "crumbs": [("Review", reverse("console:review_queue")), ("Decision", "")],
            "is_held": payout is not None and payout.state == PayoutState.HELD,
            "is_open_appeal": appeal is not None and appeal.resolved_at is None,
            "grant_from": money.from_minor(
                max(version.payment_min_minor, 1), response.survey.currency
            ),
            "grant_to": money.from_minor(version.payment_max_minor, response.survey.currency),
            "position": None if at is None else at + 1,
            "queue_count": len(queue),
            "previous_id": queue[at - 1] if at else "",
            "next_id": queue[at + 1] if at is not None and at + 1 < len(queue) else "",
            "problem": problem,
            "typed_reason": request.POST.get("reason", ""),
            "typed_amount": request.POST.get("amount", ""),
        },
        status=status,
    )
