"""The page on which a buyer pays an order. Whoever has its address may pay; nobody reads more.

Shows goods and amounts, never the address, the name or the phone. Works without a script.
"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core import ratelimit
from core.errors import ParleyError
from messaging.models import OrderPayment, OrderState, PaymentState
from messaging.payments import factory
from messaging.selectors.orders import payment_by_id
from messaging.services import payments
from messaging.views.paying_texts import PAY_TEXTS

TRIES_A_MINUTE = 20
_STRIPE_PAGES = "https://checkout.stripe.com"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pay_page(request: HttpRequest, payment_id: str) -> HttpResponse:
    """Show what is to be paid; POST pays with play money or leads to the provider's page."""
    payment = payment_by_id(payment_id)
    if payment is None:
        raise Http404
    if request.method != "POST":
        return _show(request, payment)
    try:
        ratelimit.hit(
            scope="order.pay", key=payment.public_id, limit=TRIES_A_MINUTE, window_seconds=60
        )
        if payment.provider == factory.LOCAL:
            payments.pay_locally(payment=payment)
            return redirect("order_pay", payment_id=payment.public_id)
        return _go_out(payments.open_checkout(payment=payment))
    except ParleyError as error:
        return _show(request, payment, problem=error)


def _go_out(url: str) -> HttpResponse:
    return HttpResponseRedirect(url, status=303)


def _show(
    request: HttpRequest, payment: OrderPayment, *, problem: ParleyError | None = None
) -> HttpResponse:
    payment.refresh_from_db(fields=["state"])
    order = payment.order
    order.refresh_from_db(fields=["state", "is_refund_due"])
    language = "en" if order.language == "en" else "es"
    is_paid = payment.state == PaymentState.PAID
    can_pay = order.state == OrderState.AWAITING_PAYMENT and payment.state == PaymentState.OPEN
    profile = getattr(order.company, "business_profile", None)
    lines = [
        {
            "name": line.name,
            "quantity": line.quantity,
            "amount_minor": line.quantity * line.unit_price_minor,
        }
        for line in order.lines.all()
    ]
    response = render(
        request,
        "messaging/pay.html",
        {
            "payment": payment,
            "order": order,
            "lines": lines,
            "shop_name": profile.name if profile else order.company.name,
            "language": language,
            "texts": PAY_TEXTS[language],
            "is_paid": is_paid,
            "can_pay": can_pay,
            "is_waiting": bool(request.GET.get("returned")) and can_pay,
            "is_refund_due": order.is_refund_due,
            "problem": PAY_TEXTS[language].get(problem.code, problem.detail) if problem else "",
        },
        status=problem.status if problem else 200,
    )
    if payment.provider != factory.LOCAL:
        # The form is answered with a redirect to the provider, which form-action must allow.
        response._csp_update = {"form-action": ["'self'", _STRIPE_PAGES]}  # type: ignore[attr-defined]  # how django-csp is told of one page's own sources
    return response
