"""Pages on which a company connects its WhatsApp numbers and pauses them."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import CompanyRequest
from core.errors import ConflictError, ForbiddenError, InvalidInputError
from messaging.models import BusinessNumber
from messaging.selectors.inbox import number_of_company
from messaging.selectors.numbers import counted_numbers_of
from messaging.services import numbers, sending
from messaging.views.doors import for_researchers
from messaging.views.shop_page import problems_of, render_shop, values_of
from messaging.whatsapp.factory import CLOUD

FIELDS = ("label", "display_number", "phone_number_id", "default_language")


@for_researchers
@require_safe
def number_list(request: CompanyRequest) -> HttpResponse:
    """List the numbers with their state and how many conversations each has."""
    return render_shop(
        request,
        "numbers",
        {
            "rows": [
                (number, bool(numbers.key_source_of(number.phone_number_id)))
                for number in counted_numbers_of(request.company)
            ],
            "is_cloud": settings.WHATSAPP_BACKEND == CLOUD,
            "may_connect": numbers.may_connect(request.user),
        },
    )


@for_researchers
@require_http_methods(["GET", "HEAD", "POST"])
def number_edit(request: CompanyRequest, number_id: str = "") -> HttpResponse:
    """Connect a number, change it, pause it or let it send again."""
    number = number_of_company(request.company, number_id) if number_id else None
    problems: list[str] = []
    status = 200
    if request.method == "POST":
        try:
            said = _act(request, number)
        except (ConflictError, ForbiddenError, InvalidInputError) as error:
            problems, status = problems_of(error), error.status
        else:
            messages.success(request, said)
            return redirect("shop_numbers")
    values = values_of(request.POST, number, FIELDS)
    return render_shop(
        request,
        "number_edit",
        {
            "number": number,
            "values": values,
            "languages": numbers.LANGUAGES.items(),
            "key_source": numbers.key_source_of(number.phone_number_id) if number else "",
            "is_cloud": settings.WHATSAPP_BACKEND == CLOUD,
            "may_connect": numbers.may_connect(request.user),
            "problems": problems,
        },
        status=status,
    )


def _act(request: CompanyRequest, number: BusinessNumber | None) -> str:
    fields = {name: request.POST[name] for name in FIELDS if name in request.POST}
    if number is None:
        added = numbers.add_number(company=request.company, fields=fields, actor=request.user)
        return f"{added} is connected. The agents answer what people write to it from now on."
    if request.POST.get("pause"):
        numbers.pause_number(number=number, actor=request.user)
        return f"{number} sends nothing until you resume it. What people write is kept."
    if request.POST.get("resume"):
        sending.resume_number(number=number, actor=request.user)
        return f"{number} sends again, what waited first."
    numbers.change_number(number=number, fields=fields, actor=request.user)
    return "Saved."
