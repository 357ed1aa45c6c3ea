"""Plans: what each allows, changing it, and the local page that pays with play money."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import Plan, User
from core import ratelimit
from core.errors import NotFoundError, ParleyError
from core.page_texts import keep_language
from workflows.billing import factory
from workflows.models import PlanPurchase, PurchaseState
from workflows.page_texts import Words, language_for, words_context
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
    texts = words_context(language_for(request))
    if request.method == "POST":
        return _choose(request, person, texts)
    plan = plan_of(person)
    context = {
        **texts,
        "plan": plan,
        "plans": [_describe(one, plan, texts["words"]) for one in PLANS],
        "is_play_money": factory.default_provider() == factory.LOCAL,
        "has_returned": "returned" in request.GET,
    }
    with translation.override(texts["language"]):
        return render(request, "workflows/upgrade.html", context)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_local_pay(request: HttpRequest, purchase_id: str) -> HttpResponse:
    """Show a purchase that is paid with play money; a POST pays it."""
    person = cast(User, request.user)
    texts = words_context(language_for(request))
    words = texts["words"]
    try:
        purchase = billing.purchase_of(person=person, purchase_id=purchase_id)
        if purchase.provider != factory.LOCAL:
            raise Http404
        if request.method == "POST":
            paid = billing.pay_locally(person=person, purchase_id=purchase_id)
            messages.success(request, words.say("plan_is_now", plan=Plan(paid.plan).label))
            return redirect(keep_language(request, reverse("workflow_list")))
    except NotFoundError:
        raise Http404 from None
    except ParleyError as error:
        return _refuse(request, error, words)
    is_open = purchase.state in (PurchaseState.OPEN, PurchaseState.EXPIRED)
    return _render_pay(request, purchase, texts, is_open=is_open)


def _choose(request: HttpRequest, person: User, texts: dict[str, Any]) -> HttpResponse:
    words = texts["words"]
    wanted = request.POST.get("plan", "")
    if wanted not in Plan.values:
        messages.error(request, words.say("plan_choose_one"))
        return _back(request)
    try:
        ratelimit.hit(
            scope="plan.choose",
            key=person.public_id,
            limit=PURCHASES_AN_HOUR,
            window_seconds=3600,
        )
        if not PLANS[Plan(wanted)].price_minor:
            billing.choose_free_plan(person=person)
            messages.success(request, words.say("plan_is_free", plan=Plan(wanted).label))
            return _back(request)
        purchase, url = billing.open_purchase(person=person, plan=Plan(wanted))
    except ParleyError as error:
        return _refuse(request, error, words)
    if purchase.provider == factory.LOCAL:
        return HttpResponseRedirect(keep_language(request, url))
    # A link instead of a redirect: forms of our pages may lead nowhere but here (CSP form-action).
    return _render_pay(request, purchase, texts, provider_url=url)


def _render_pay(
    request: HttpRequest, purchase: PlanPurchase, texts: dict[str, Any], **shown: Any
) -> HttpResponse:
    context = {
        **texts,
        "purchase": purchase,
        "plan_label": Plan(purchase.plan).label,
        "price": texts["words"].say_price(purchase.amount_minor, purchase.currency),
        **shown,
    }
    with translation.override(texts["language"]):
        return render(request, "workflows/upgrade_pay.html", context)


def _refuse(request: HttpRequest, error: ParleyError, words: Words) -> HttpResponse:
    messages.error(request, words.say_from_server(error.detail))
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    return redirect(keep_language(request, reverse("workflow_upgrade")))


def _describe(plan: Plan, current: Plan, words: Words) -> dict[str, Any]:
    terms = PLANS[plan]
    tiers = ", ".join(tier.label for tier in PLANS if tier in terms.tiers)
    features = [
        words.say("plan_workflows", tiers=tiers),
        words.say("plan_best_match")
        if terms.recommendations == 1
        else words.say("plan_matching", count=terms.recommendations),
        words.say("plan_history", count=words.say_number(terms.history_rows)),
    ]
    if terms.has_live_figures:
        features.append(words.say("plan_live"))
    if terms.has_exploration:
        features.append(words.say("plan_exploration"))
    return {
        "plan": plan,
        "label": plan.label,
        "price": words.say_price(terms.price_minor, CURRENCY)
        if terms.price_minor
        else words.say("plan_free"),
        "is_paid": bool(terms.price_minor),
        "features": features,
        "is_current": plan == current,
        "is_upgrade": is_upgrade(current, plan),
    }
