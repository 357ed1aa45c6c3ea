"""Makes the demo company a shop people can write to. Idempotent; every row through a service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time

from django.conf import settings

from accounts.models import Company, Role
from accounts.selectors import list_members
from core import clock
from messaging.demo_catalogue import CATEGORIES, PLACES, PRODUCTS
from messaging.demo_conversations import play_demo_conversations
from messaging.demo_knowledge import FAQ, HOLIDAYS, HOURS, POLICIES, PROFILE, TEMPLATES
from messaging.models import (
    BusinessNumber,
    FaqEntry,
    MessageTemplate,
    Product,
    SurveyKeyword,
)
from messaging.services import catalogue, knowledge, survey_runs, templates
from messaging.services.knowledge import HoursSpan
from surveys.models import Survey, SurveyStatus

DEMO_PHONE_NUMBER_ID = "100000000000001"
DEMO_NUMBER = "+52 55 5555 0100"
KEYWORDS = {"en": "COFFEE", "es": "CAFE"}


def prepare_demo(company: Company, report: Callable[[str], None]) -> list[tuple[str, str]]:
    """Give the company a number, a shop, its knowledge and words that open its surveys.

    Args:
        company: the demo company, with its surveys.
        report: told in a line what is being made.

    Returns:
        The entrances to print, as (name, path).
    """
    number, _ = BusinessNumber.objects.get_or_create(
        phone_number_id=settings.WHATSAPP_PHONE_NUMBER_ID or DEMO_PHONE_NUMBER_ID,
        defaults={"company": company, "display_number": DEMO_NUMBER, "label": "Kettle & Co"},
    )
    if not Product.objects.filter(company=company).exists():
        report("WhatsApp shop: catalogue, hours, answers")
        prepare_shop(company)
    _prepare_keywords(company)
    if settings.WHATSAPP_BACKEND == "simulator":
        operator = list_members(company).filter(role=Role.OPERATOR).first()
        report("WhatsApp: four people have written already")
        play_demo_conversations(number=number, operator=operator.user if operator else None)
    return [("WhatsApp simulator", "/simulator/"), ("Operators' inbox", "/inbox/")]


def prepare_shop(company: Company) -> None:
    """Make the believable shop: profile, hours, policies, questions, catalogue, places."""
    knowledge.save_profile(company=company, fields=PROFILE)
    knowledge.replace_hours(
        company=company,
        spans=[
            HoursSpan(weekday, time.fromisoformat(opens), time.fromisoformat(closes))
            for weekday, opens, closes in HOURS
        ],
    )
    today = clock.now().date()
    for month, day, note_es, note_en in HOLIDAYS:
        falls = date(today.year, month, day)
        if falls < today:
            falls = date(today.year + 1, month, day)
        knowledge.save_special_day(company=company, day=falls, note_es=note_es, note_en=note_en)
    for kind, (spanish, english) in POLICIES.items():
        knowledge.save_policy(company=company, kind=kind, text_es=spanish, text_en=english)
    if not FaqEntry.objects.filter(company=company).exists():
        _prepare_faq(company)
    for position, (slug, spanish, english, words) in enumerate(CATEGORIES):
        catalogue.save_category(
            company=company,
            slug=slug,
            name_es=spanish,
            name_en=english,
            keywords=words,
            position=position,
        )
    for position, (sku, shelf, es, en, about_es, about_en, words, price, stock) in enumerate(
        PRODUCTS
    ):
        catalogue.save_product(
            company=company,
            fields={
                "sku": sku,
                "category": shelf,
                "name_es": es,
                "name_en": en,
                "description_es": about_es,
                "description_en": about_en,
                "keywords": words,
                "price_minor": price,
                "currency": PROFILE["currency"],
                "stock": stock,
                "position": position,
            },
        )
    for position, (name, fee, free_from, days_min, days_max, words) in enumerate(PLACES):
        catalogue.save_place(
            company=company,
            name=name,
            fee_minor=fee,
            free_from_minor=free_from,
            days_min=days_min,
            days_max=days_max,
            keywords=words,
            position=position,
        )
    _prepare_templates(company)


def _prepare_faq(company: Company) -> None:
    for position, (topic, question_es, answer_es, question_en, answer_en, words) in enumerate(FAQ):
        knowledge.save_faq(
            company=company,
            fields={
                "topic": topic,
                "question_es": question_es,
                "answer_es": answer_es,
                "question_en": question_en,
                "answer_en": answer_en,
                "keywords": words,
                "position": position,
            },
        )


def _prepare_templates(company: Company) -> None:
    owner = company.memberships.filter(role="owner").select_related("user").first()
    if owner is None or MessageTemplate.objects.filter(company=company).exists():
        return
    for name, language, category, body in TEMPLATES:
        row = templates.save_template(
            company=company,
            name=name,
            language=language,
            category=category,
            body=body,
            actor=owner.user,
        )
        templates.submit_template(template=row, actor=owner.user)


def _prepare_keywords(company: Company) -> None:
    # Surveys made since, by hand or by `widget_flow`, find the word taken: the demo's own keeps it.
    taken = set(SurveyKeyword.objects.filter(company=company).values_list("code", flat=True))
    surveys = Survey.objects.filter(company=company, status=SurveyStatus.ACTIVE)
    for survey in surveys.select_related("current_version").order_by("pk"):
        languages = survey.current_version.languages if survey.current_version else []
        code = KEYWORDS.get(languages[0]) if languages else None
        if code is not None and survey_runs.fold_code(code) not in taken:
            keyword = survey_runs.save_keyword(survey=survey, code=code)
            taken.add(keyword.code)
