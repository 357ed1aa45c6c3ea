"""Plans: what each allows, changing it, and the local page that pays with play money."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import Plan, User
from core import money, ratelimit
from core.errors import NotFoundError, ParleyError
from workflows.billing import factory
from workflows.models import PurchaseState
from workflows.plans import CURRENCY, PLANS, is_upgrade
from workflows.services import billing
from workflows.services.entitlements import plan_of

PURCHASES_AN_HOUR = 20


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_plans(request: HttpRequest) -> HttpResponse:
    """Show the plans; a POST chooses one."""
    person = cast(User, request.user)
    if request.method == "POST":
        return _choose(request, person)
    plan = plan_of(person)
    return render(
        request,
        "workflows/upgrade.html",
        {
            "plan": plan,
            "plans": [_describe(one, plan) for one in PLANS],
            "is_play_money": factory.default_provider() == factory.LOCAL,
            "has_returned": "returned" in request.GET,
        },
    )


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_local_pay(request: HttpRequest, purchase_id: str) -> HttpResponse:
    """Show a purchase that is paid with play money; a POST pays it."""
    person = cast(User, request.user)
    try:
        purchase = billing.purchase_of(person=person, purchase_id=purchase_id)
        if purchase.provider != factory.LOCAL:
            raise Http404
        if request.method == "POST":
            paid = billing.pay_locally(person=person, purchase_id=purchase_id)
            messages.success(request, f"You are on the {Plan(paid.plan).label} plan.")
            return redirect("workflow_list")
    except NotFoundError:
        raise Http404 from None
    except ParleyError as error:
        messages.error(request, error.detail)
        return redirect("workflow_upgrade")
    return render(
        request,
        "workflows/upgrade_pay.html",
        {
            "purchase": purchase,
            "plan_label": Plan(purchase.plan).label,
            "price": money.format_money(purchase.amount_minor, purchase.currency),
            "is_open": purchase.state in (PurchaseState.OPEN, PurchaseState.EXPIRED),
        },
    )


def _choose(request: HttpRequest, person: User) -> HttpResponse:
    wanted = request.POST.get("plan", "")
    if wanted not in Plan.values:
        messages.error(request, "Choose one of the plans below.")
        return redirect("workflow_upgrade")
    try:
        ratelimit.hit(
            scope="plan.choose",
            key=person.public_id,
            limit=PURCHASES_AN_HOUR,
            window_seconds=3600,
        )
        if not PLANS[Plan(wanted)].price_minor:
            billing.choose_free_plan(person=person)
            messages.success(
                request, "You are on the Starter plan. What you have started, you can finish."
            )
            return redirect("workflow_upgrade")
        purchase, url = billing.open_purchase(person=person, plan=Plan(wanted))
    except ParleyError as error:
        messages.error(request, error.detail)
        return redirect("workflow_upgrade")
    if purchase.provider == factory.LOCAL:
        return HttpResponseRedirect(url)
    # A link instead of a redirect: forms of our pages may lead nowhere but here (CSP form-action).
    return render(
        request,
        "workflows/upgrade_pay.html",
        {
            "purchase": purchase,
            "plan_label": Plan(purchase.plan).label,
            "price": money.format_money(purchase.amount_minor, purchase.currency),
            "provider_url": url,
        },
    )


def _describe(plan: Plan, current: Plan) -> dict[str, Any]:
    terms = PLANS[plan]
    tiers = ", ".join(tier.label for tier in PLANS if tier in terms.tiers)
    ranking = (
        "Your best match, with the reason"
        if terms.recommendations == 1
        else f"Personal matching: your {terms.recommendations} best, ranked for your cohort"
    )
    features = [
        f"{tiers} workflows",
        ranking,
        f"Your last {terms.history_rows:,} runs and results on your page",
    ]
    if terms.has_live_figures:
        features.append("Live success figures, counted this minute")
    if terms.has_exploration:
        features.append("One place kept for what is new")
    return {
        "plan": plan,
        "label": plan.label,
        "price": money.format_money(terms.price_minor, CURRENCY) if terms.price_minor else "Free",
        "is_paid": bool(terms.price_minor),
        "features": features,
        "is_current": plan == current,
        "is_upgrade": is_upgrade(current, plan),
    }
