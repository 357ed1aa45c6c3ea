"""Message templates: writing, submitting, and what Meta said about them.

Owns `MessageTemplate`. Submitting is an outside call, made by a job from the row's state.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import Company, User
from core import audit, clock
from core.errors import ConflictError, InvalidInputError
from core.jobs import nudge
from core.text import clean_text
from messaging.envelope import TemplateItem
from messaging.models import (
    TEMPLATE_TRANSITIONS,
    MessageTemplate,
    TemplateQuality,
    TemplateStatus,
)
from messaging.replies import Reply, ReplyKind
from messaging.whatsapp.templates import TemplateError, get_template_client

logger = logging.getLogger(__name__)
SUBMIT_JOB = "messaging.submit_templates"
BODY_MAX = 1024
CATEGORIES = ("utility", "marketing", "authentication")
_NAME = re.compile(r"[a-z0-9_]{1,120}")
_LANGUAGE = re.compile(r"[a-z]{2}(?:_[A-Z]{2})?")
_FIELD = re.compile(r"\{\{(\d+)\}\}")
VALUE_MAX = 200
#: What Meta tells of a template's state; other words (PENDING, FLAGGED…) change nothing here.
_STATUS = {
    "APPROVED": TemplateStatus.APPROVED,
    "REINSTATED": TemplateStatus.APPROVED,
    "UNPAUSED": TemplateStatus.APPROVED,
    "REJECTED": TemplateStatus.REJECTED,
    "PAUSED": TemplateStatus.PAUSED,
    "LOCKED": TemplateStatus.PAUSED,
    "DISABLED": TemplateStatus.REJECTED,
    "DELETED": TemplateStatus.REJECTED,
    "PENDING_DELETION": TemplateStatus.REJECTED,
}
_QUALITY = {
    "GREEN": TemplateQuality.GREEN,
    "YELLOW": TemplateQuality.YELLOW,
    "RED": TemplateQuality.RED,
}


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


def fields_of(template: MessageTemplate) -> list[int]:
    """Return the numbers of the fields that are filled in when the template is sent."""
    return sorted({int(number) for number in _FIELD.findall(template.body)})


def build_template_reply(*, template: MessageTemplate, values: Sequence[str]) -> Reply:
    """Return the message a template makes with its fields filled in.

    Raises:
        ConflictError: it is not approved, or no longer.
        InvalidInputError: a field is empty, or there are more or fewer values than fields.
    """
    if template.status != TemplateStatus.APPROVED:
        raise ConflictError("template_not_approved", "This template is not approved (any more).")
    # WhatsApp refuses line breaks in what is filled in.
    filled = [" ".join(clean_text(value, VALUE_MAX).text.split()) for value in values]
    numbers = fields_of(template)
    if len(filled) != len(numbers) or not all(filled):
        raise InvalidInputError(
            "template_fields", f"Fill in all {len(numbers)} fields of the template."
        )
    text = _FIELD.sub(lambda found: filled[int(found[1]) - 1], template.body)
    return Reply(
        ReplyKind.TEMPLATE,
        text,
        template_name=template.name,
        template_language=template.language,
        template_values=tuple(filled),
    )


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

    Called after a submission; webhooks come through `apply_template_events`. One statement.
    """
    before = [state for state, after in TEMPLATE_TRANSITIONS.items() if status in after]
    changed = MessageTemplate.objects.filter(
        company=company, name=name, language=language, status__in=before
    ).update(status=status, rejection_reason=reason[:200])
    return bool(changed)


def apply_template_events(*, items: Iterable[TemplateItem]) -> int:
    """Take over what Meta's webhooks say about templates; return how many rows changed.

    Joins the caller's transaction. Safe again and in any order: of two words on one thing the
    one Meta said later stands. What a template is sent for follows from its row alone.
    """
    changed = 0
    for item in items:
        rows = _rows_of(item)
        if rows is None:
            logger.warning("template.unknown", extra={"kind": item.kind, "told": item.told})
        elif item.kind == "quality":
            changed += rows.filter(_not_older("quality_told_at", item)).update(
                quality=_QUALITY.get(item.told, TemplateQuality.UNKNOWN),
                quality_told_at=item.at_seconds,
            )
        elif item.kind == "category":
            if item.told.lower() in CATEGORIES:
                changed += rows.update(category=item.told.lower())
        elif (status := _STATUS.get(item.told)) is not None:
            # A draft was changed here since: what was said of the text before is over.
            changed += (
                rows.exclude(status=TemplateStatus.DRAFT)
                .filter(_not_older("status_told_at", item))
                .update(
                    status=status,
                    rejection_reason=_reason(item, status),
                    status_told_at=item.at_seconds,
                    **({"provider_reference": item.reference} if item.reference else {}),
                )
            )
    return changed


def _rows_of(item: TemplateItem) -> QuerySet[MessageTemplate] | None:
    """Return the one row an event speaks of, or None.

    Meta's id decides. An answer to our submission may be slower than the event: then its name
    does, if the account is ours and only one company has a template of that name with Meta.
    """
    if item.reference:
        rows = MessageTemplate.objects.filter(provider_reference=item.reference)
        if rows.exists():
            return rows
    if item.account_id != settings.WHATSAPP_BUSINESS_ACCOUNT_ID:
        return None
    rows = MessageTemplate.objects.filter(
        name=item.name, language=item.language, provider_reference=""
    ).exclude(status=TemplateStatus.DRAFT)
    return rows if rows.count() == 1 else None


def _not_older(field: str, item: TemplateItem) -> Q:
    return Q() if not item.at_seconds else Q(**{f"{field}__lte": item.at_seconds})


def _reason(item: TemplateItem, status: TemplateStatus) -> str:
    if status == TemplateStatus.APPROVED:
        return ""
    if item.reason:
        return item.reason[:200]
    return "" if item.told == status.upper() else item.told.replace("_", " ").lower()
