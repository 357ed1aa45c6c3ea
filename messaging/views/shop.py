"""Pages on which a company writes what its agents say and sell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.dateparse import parse_time
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import CompanyRequest
from core import money
from core.errors import ConflictError, InvalidInputError
from messaging.models import (
    BusinessProfile,
    FaqEntry,
    MessageTemplate,
    OpeningHours,
    Policy,
    PolicyKind,
    Product,
    SurveyKeyword,
)
from messaging.selectors import knowledge as known
from messaging.selectors import shop as goods
from messaging.selectors.inbox import numbers_of
from messaging.services import (
    catalogue,
    knowledge,
    sending,
    stock,
    survey_runs,
    templates,
)
from messaging.services.knowledge import HoursSpan
from messaging.views.doors import for_researchers
from messaging.views.shop_page import problems_of, render_shop, values_of
from surveys.models import Survey

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SURVEYS_MAX = 200
PROFILE_FIELDS = (
    "name",
    "about_es",
    "about_en",
    "address",
    "directions_es",
    "directions_en",
    "map_url",
    "phone",
    "email",
    "website",
    "time_zone",
)
FAQ_FIELDS = ("question_es", "answer_es", "question_en", "answer_en", "keywords", "topic")
PRODUCT_FIELDS = (
    "sku",
    "name_es",
    "name_en",
    "description_es",
    "description_en",
    "keywords",
    "category",
    "price",
)


@for_researchers
@require_safe
def shop(request: CompanyRequest) -> HttpResponse:
    """Show what the agents know of the place, the hours and the rules."""
    return _show_shop(request)


def _show_shop(
    request: CompanyRequest, *, problems: list[str] | None = None, status: int = 200
) -> HttpResponse:
    sent = request.POST
    profile = known.profile_of(request.company.pk) or BusinessProfile(
        company=request.company, name=request.company.name
    )
    spans = list(OpeningHours.objects.filter(company=request.company))
    hours = [
        (
            index,
            day,
            sent.get(f"hours_{index}")
            or ", ".join(
                f"{one.opens_at:%H:%M}-{one.closes_at:%H:%M}"
                for one in spans
                if one.weekday == index
            ),
        )
        for index, day in enumerate(WEEKDAYS)
    ]
    rules = known.policies_of(request.company.pk)
    return render_shop(
        request,
        "shop",
        {
            "profile": {
                name: sent.get(name, getattr(profile, name) or "") for name in PROFILE_FIELDS
            },
            "hours": hours,
            "policies": [
                (
                    kind,
                    label,
                    sent.get(f"{kind}_es", rules[kind].text_es if kind in rules else ""),
                    sent.get(f"{kind}_en", rules[kind].text_en if kind in rules else ""),
                )
                for kind, label in PolicyKind.choices
            ],
            "numbers": numbers_of(request.company),
            "keywords": list(
                SurveyKeyword.objects.filter(company=request.company, is_active=True)
                .select_related("survey__current_version")
                .order_by("code")
            ),
            "surveys": _surveys(request),
            "keyword_typed": sent.get("code", ""),
            "survey_chosen": sent.get("survey", ""),
            "problems": problems or [],
        },
        status=status,
    )


@for_researchers
@require_POST
def shop_save(request: CompanyRequest, part: str) -> HttpResponse:
    """Save one of the parts of the page, or let a stopped number send again."""
    savers: dict[str, Callable[[CompanyRequest], str]] = {
        "profile": _save_profile,
        "hours": _save_hours,
        "policies": _save_policies,
        "number": _resume_number,
        "keyword": _save_keyword,
        "keyword-off": _remove_keyword,
    }
    if part not in savers:
        raise Http404
    try:
        said = savers[part](request)
    except (InvalidInputError, ConflictError) as error:
        return _show_shop(request, problems=problems_of(error), status=error.status)
    messages.success(request, said)
    return redirect("shop")


def _save_profile(request: CompanyRequest) -> str:
    fields = {name: request.POST.get(name, "") for name in PROFILE_FIELDS}
    knowledge.save_profile(company=request.company, fields=fields, actor=request.user)
    return "Saved. The agents say it from now on."


def _save_hours(request: CompanyRequest) -> str:
    spans: list[HoursSpan] = []
    for weekday, day in enumerate(WEEKDAYS):
        parts = request.POST.get(f"hours_{weekday}", "").split(",")
        spans += [_read_span(weekday, day, part.strip()) for part in parts if part.strip()]
    knowledge.replace_hours(company=request.company, spans=spans, actor=request.user)
    return "The opening hours are saved."


def _read_span(weekday: int, day: str, text: str) -> HoursSpan:
    opens, _, closes = text.replace("–", "-").partition("-")
    try:
        opens_at, closes_at = parse_time(opens.strip()), parse_time(closes.strip())
    except ValueError:
        opens_at = closes_at = None
    if opens_at is None or closes_at is None:
        raise InvalidInputError(
            "invalid_span", f"{day}: write hours such as 09:00-14:00, 16:00-20:00."
        )
    return HoursSpan(weekday, opens_at, closes_at)


def _resume_number(request: CompanyRequest) -> str:
    wanted = request.POST.get("number", "")
    found = next((one for one in numbers_of(request.company) if one.public_id == wanted), None)
    if found is None:
        raise InvalidInputError("number_unknown", "Choose a number of your company.")
    sending.resume_number(number=found, actor=request.user)
    return f"{found} sends again, what waited first."


def _surveys(request: CompanyRequest) -> list[Survey]:
    rows = Survey.objects.filter(company=request.company).select_related("current_version")
    return list(rows.order_by("-pk")[:SURVEYS_MAX])


def _save_keyword(request: CompanyRequest) -> str:
    found = Survey.objects.filter(
        company=request.company, public_id=request.POST.get("survey", "")
    ).first()
    if found is None:
        raise InvalidInputError("survey_unknown", "Choose a survey of your company.")
    keyword = survey_runs.save_keyword(
        survey=found, code=request.POST.get("code", ""), actor=request.user
    )
    return f"Saved: “SURVEY {keyword.code}” opens the survey while it is open."


def _remove_keyword(request: CompanyRequest) -> str:
    code = request.POST.get("keyword", "")
    survey_runs.remove_keyword(company=request.company, code=code, actor=request.user)
    return f"{code} opens no survey any more."


def _save_policies(request: CompanyRequest) -> str:
    for kind in PolicyKind.values:
        text_es, text_en = request.POST.get(f"{kind}_es", ""), request.POST.get(f"{kind}_en", "")
        if text_es.strip() or text_en.strip():
            knowledge.save_policy(
                company=request.company,
                kind=kind,
                text_es=text_es,
                text_en=text_en,
                actor=request.user,
            )
        else:
            Policy.objects.filter(company=request.company, kind=kind).delete()
    return "The rules are saved."


@for_researchers
@require_safe
def faq_list(request: CompanyRequest) -> HttpResponse:
    """List the questions, those that helped least first to see what to rewrite."""
    entries = FaqEntry.objects.filter(company=request.company).order_by(
        "-missed_count", "position", "pk"
    )
    return render_shop(request, "faq", {"entries": list(entries)})


@for_researchers
@require_http_methods(["GET", "HEAD", "POST"])
def faq_edit(request: CompanyRequest, entry_id: str = "") -> HttpResponse:
    """Write a question with its answer, change it, or delete it."""
    entry = known.faq_by_id(request.company.pk, entry_id) if entry_id else None
    if entry_id and entry is None:
        raise Http404
    problems: list[str] = []
    if request.method == "POST":
        if entry is not None and request.POST.get("delete"):
            knowledge.delete_faq(company=request.company, public_id=entry_id, actor=request.user)
            messages.success(request, "Deleted.")
            return redirect("shop_faq")
        fields: dict[str, Any] = {name: request.POST.get(name, "") for name in FAQ_FIELDS}
        fields["is_active"] = request.POST.get("is_active") == "on"
        try:
            knowledge.save_faq(
                company=request.company, fields=fields, public_id=entry_id, actor=request.user
            )
        except InvalidInputError as error:
            problems = problems_of(error)
        else:
            messages.success(request, "Saved. The agents answer with it from now on.")
            return redirect("shop_faq")
    return render_shop(
        request,
        "faq_edit",
        {
            "entry": entry,
            "values": values_of(request.POST, entry, FAQ_FIELDS),
            "is_active": _is_active(request, entry),
            "topics": knowledge.TOPICS,
            "problems": problems,
        },
        status=400 if problems else 200,
    )


@for_researchers
@require_safe
def goods_list(request: CompanyRequest) -> HttpResponse:
    """List the catalogue with prices and stock."""
    return render_shop(
        request,
        "goods",
        {
            "products": goods.all_products(request.company.pk),
            "has_sections": bool(goods.all_categories(request.company.pk)),
        },
    )


@for_researchers
@require_http_methods(["GET", "HEAD", "POST"])
def product_edit(request: CompanyRequest, product_id: str = "") -> HttpResponse:
    """Create or change a product; a new count of its stock goes into the record of stock."""
    product = goods.product_by_id(request.company.pk, product_id) if product_id else None
    if product_id and product is None:
        raise Http404
    problems: list[str] = []
    if request.method == "POST":
        try:
            _save_product(request, product)
        except (InvalidInputError, ConflictError) as error:
            problems = problems_of(error)
        else:
            messages.success(request, "Saved.")
            return redirect("shop_goods")
    values = values_of(request.POST, product, PRODUCT_FIELDS)
    if product is not None and request.method != "POST":
        values["category"] = product.category.slug
        values["price"] = str(money.from_minor(product.price_minor, product.currency))
    return render_shop(
        request,
        "product_edit",
        {
            "product": product,
            "values": values,
            "stock": request.POST.get("stock", product.stock if product else 0),
            "is_active": _is_active(request, product),
            "currency": product.currency if product else _currency(request),
            "sections": goods.all_categories(request.company.pk),
            "movements": goods.movements_of(request.company.pk, product_id=product.pk, limit=10)
            if product
            else [],
            "problems": problems,
        },
        status=400 if problems else 200,
    )


def _currency(request: CompanyRequest) -> str:
    profile = known.profile_of(request.company.pk)
    return profile.currency if profile else "USD"


def _save_product(request: CompanyRequest, product: Product | None) -> None:
    fields: dict[str, Any] = {name: request.POST.get(name, "") for name in PRODUCT_FIELDS}
    fields["is_active"] = request.POST.get("is_active") == "on"
    counted = request.POST.get("stock", "").strip()
    if not (counted.isascii() and counted.isdigit()):
        raise InvalidInputError("invalid_stock", "Stock is a whole number, 0 or more.")
    if product is None:
        section = request.POST.get("new_section", "").strip()
        if section:
            fields["category"] = catalogue.save_category(
                company=request.company, name_es=section
            ).slug
        catalogue.save_product(
            company=request.company,
            fields=fields | {"stock": int(counted), "currency": _currency(request)},
            actor=request.user,
        )
        return
    saved = catalogue.save_product(
        company=request.company,
        fields=fields,
        public_id=product.public_id,
        actor=request.user,
    )
    if int(counted) != product.stock:
        stock.count_stock(product=saved, counted=int(counted), actor=request.user)


@for_researchers
@require_http_methods(["GET", "HEAD", "POST"])
def template_list(request: CompanyRequest) -> HttpResponse:
    """List the templates; write one, or submit one for approval."""
    problems: list[str] = []
    if request.method == "POST":
        try:
            said = _act_on_template(request)
        except (InvalidInputError, ConflictError) as error:
            problems = problems_of(error)
        else:
            messages.success(request, said)
            return redirect("shop_templates")
    return render_shop(
        request,
        "templates",
        {
            "templates": known.templates_of(request.company.pk),
            "categories": templates.CATEGORIES,
            "values": {name: request.POST.get(name, "") for name in ("name", "language", "body")},
            "problems": problems,
        },
        status=400 if problems else 200,
    )


def _act_on_template(request: CompanyRequest) -> str:
    submitted = request.POST.get("submit_template", "")
    if submitted:
        found = MessageTemplate.objects.filter(company=request.company, public_id=submitted).first()
        if found is None:
            raise InvalidInputError("template_unknown", "There is no such template any more.")
        templates.submit_template(template=found, actor=request.user)
        return "Submitted. It can be used once it is approved."
    templates.save_template(
        company=request.company,
        name=request.POST.get("name", "").strip(),
        language=request.POST.get("language", "").strip(),
        category=request.POST.get("category", ""),
        body=request.POST.get("body", ""),
        actor=request.user,
    )
    return "Saved as a draft. Submit it for approval when it is ready."


def _is_active(request: CompanyRequest, row: Any) -> bool:
    if request.method == "POST":
        return request.POST.get("is_active") == "on"
    return True if row is None else bool(row.is_active)
