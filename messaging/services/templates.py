"""Message templates: writing, submitting, and what Meta said about them.

Owns `MessageTemplate`. Submitting is an outside call, made by a job from the row's state.
"""

from __future__ import annotations

import re

from django.db import transaction

from accounts.models import Company, User
from core import audit, clock
from core.errors import ConflictError, InvalidInputError
from core.jobs import nudge
from core.text import clean_text
from messaging.models import TEMPLATE_TRANSITIONS, MessageTemplate, TemplateStatus
from messaging.whatsapp.templates import TemplateError, get_template_client

SUBMIT_JOB = "messaging.submit_templates"
BODY_MAX = 1024
CATEGORIES = ("utility", "marketing", "authentication")
_NAME = re.compile(r"[a-z0-9_]{1,120}")
_LANGUAGE = re.compile(r"[a-z]{2}(?:_[A-Z]{2})?")
_FIELD = re.compile(r"\{\{(\d+)\}\}")


def save_template(
    *, company: Company, name: str, language: str, category: str, body: str, actor: User
) -> MessageTemplate:
    """Write a draft, or change one that was not approved.

    Raises:
        InvalidInputError: a name, language or category Meta does not take, an empty or too long
            body, or fields that are not numbered from 1 without a gap.
        ConflictError: it is with Meta, or approved: approved texts do not change.
    """
    text = clean_text(body, BODY_MAX + 1).text
    if not _NAME.fullmatch(name):
        raise InvalidInputError("invalid_name", "Use small letters, digits and underscores.")
    if not _LANGUAGE.fullmatch(language):
        raise InvalidInputError("invalid_language", "Give a language such as es or en_US.")
    if category not in CATEGORIES:
        raise InvalidInputError("invalid_category", f"Choose one of {', '.join(CATEGORIES)}.")
    if not 1 <= len(text) <= BODY_MAX:
        raise InvalidInputError("invalid_body", f"Write 1 to {BODY_MAX} characters.")
    numbers = sorted({int(number) for number in _FIELD.findall(text)})
    if numbers != list(range(1, len(numbers) + 1)):
        raise InvalidInputError("invalid_fields", "Number the fields {{1}}, {{2}} without a gap.")
    with transaction.atomic():
        row, is_new = MessageTemplate.objects.select_for_update().get_or_create(
            company=company, name=name, language=language, defaults={"body": text}
        )
        if not is_new and row.status not in (TemplateStatus.DRAFT, TemplateStatus.REJECTED):
            raise ConflictError(
                "template_fixed", "This template is with Meta or approved; write a new one."
            )
        row.body = text
        row.category = category
        row.status = TemplateStatus.DRAFT
        row.rejection_reason = ""
        row.save()
        audit.record_event(actor=actor, action="template.saved", object_ref=row, company=company)
        return row


def submit_template(*, template: MessageTemplate, actor: User) -> MessageTemplate:
    """Ask Meta for approval; a job sends it.

    Raises:
        ConflictError: it is not a draft.
    """
    with transaction.atomic():
        row = MessageTemplate.objects.select_for_update().get(pk=template.pk)
        if TemplateStatus.SUBMITTED not in TEMPLATE_TRANSITIONS[TemplateStatus(row.status)]:
            raise ConflictError("template_fixed", "Only a draft can be submitted.")
        row.status = TemplateStatus.SUBMITTED
        row.submitted_at = clock.now()
        row.provider_reference = ""
        row.save()
        audit.record_event(
            actor=actor, action="template.submitted", object_ref=row, company=row.company
        )
        nudge(SUBMIT_JOB)
        return row


def send_submitted(*, limit: int = 20) -> int:
    """Hand templates that were submitted to Meta; return how many it took. Safe to run twice.

    The row says what is due: submitted and without Meta's id. A definite refusal makes it
    rejected with the reason; an outage leaves it for the next run.
    """
    taken = 0
    waiting = MessageTemplate.objects.filter(status=TemplateStatus.SUBMITTED, provider_reference="")
    for row in waiting.order_by("submitted_at")[:limit]:
        try:
            answer = get_template_client().submit(
                name=row.name, language=row.language, category=row.category, body=row.body
            )
        except TemplateError as error:
            if error.is_final:
                apply_template_status(
                    company=row.company,
                    name=row.name,
                    language=row.language,
                    status=TemplateStatus.REJECTED,
                    reason=error.code,
                )
            continue
        MessageTemplate.objects.filter(pk=row.pk).update(provider_reference=answer.reference)
        taken += 1
        if answer.is_approved:
            apply_template_status(
                company=row.company,
                name=row.name,
                language=row.language,
                status=TemplateStatus.APPROVED,
            )
    return taken


def apply_template_status(
    *,
    company: Company,
    name: str,
    language: str,
    status: TemplateStatus,
    reason: str = "",
) -> bool:
    """Take over what Meta says about a template; False when that does not follow.

    Called for ``message_template_status_update`` webhooks and after a submission. One statement.
    """
    before = [state for state, after in TEMPLATE_TRANSITIONS.items() if status in after]
    changed = MessageTemplate.objects.filter(
        company=company, name=name, language=language, status__in=before
    ).update(status=status, rejection_reason=reason[:200])
    return bool(changed)
