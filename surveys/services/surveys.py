"""Create, change, pause, resume, close and duplicate surveys.

Owns the survey rows and their frozen versions. Knows no HTTP; the rules about what a survey may
be are in `surveys.services.definitions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction

from accounts.models import Company, User
from agents.interview.types import Question
from core import audit, clock, tokens
from core.errors import ConflictError
from core.ids import new_id
from core.money import format_money
from surveys.models import Survey, SurveyStatus, SurveyVersion
from surveys.models.surveys import SURVEY_TRANSITIONS
from surveys.selectors.money import available_minor
from surveys.services import funding
from surveys.services.definitions import SurveyDefinition, read_definition

PUBLISHABLE_PREFIX = "pk_"


def create_survey(
    *, company: Company, fields: Mapping[str, Any], created_by: User | None = None
) -> Survey:
    """Create a survey with its first version and set its budget aside.

    Args:
        company: who asks.
        fields: as `definitions.read_definition` takes them.
        created_by: the person, or None for a company key.

    Raises:
        InvalidInputError: a field cannot be used.

    One transaction. The budget is filled as far as posted funding reaches; a survey without
    money exists, and its sessions are refused until there is some.
    """
    return _write_new(
        company=company,
        definition=read_definition(fields, company_name=company.name),
        created_by=created_by,
    )


def current_definition(survey: Survey) -> SurveyDefinition:
    """Return the survey as it stands, in the form it was defined in."""
    version = current_version(survey)
    return SurveyDefinition(
        title=version.title,
        description=version.description,
        objective=version.objective,
        questions=tuple(Question.from_json(item) for item in version.questions),
        languages=tuple(version.languages),
        payment_min_minor=version.payment_min_minor,
        payment_max_minor=version.payment_max_minor,
        max_minutes=version.max_minutes,
        consent_text=version.consent_text,
        budget_minor=survey.budget_minor,
        currency=survey.currency,
        max_responses=survey.max_responses,
        targeting=dict(survey.targeting),
        allowed_origins=tuple(survey.allowed_origins),
        accept_client_transcript=survey.accept_client_transcript,
        retention_days=survey.retention_days,
        status=SurveyStatus(survey.status),
    )


def current_version(survey: Survey) -> SurveyVersion:
    """Return the version new sessions run.

    Raises:
        RuntimeError: the survey has none, which no survey written here can be.
    """
    if survey.current_version is None:
        raise RuntimeError("a survey without a version")
    return survey.current_version


def update_survey(
    *, survey: Survey, fields: Mapping[str, Any], actor: audit.HasPublicId | str = "system"
) -> Survey:
    """Change a survey; a change of what answers are judged by opens a new version.

    Running sessions keep the version they started with. Sending the present values again
    changes nothing. One transaction; the survey row is locked, so two changes at once are made
    one after the other.

    Raises:
        InvalidInputError: a field cannot be used.
        ConflictError: the survey is closed.
    """
    with transaction.atomic():
        survey = _lock(survey)
        if survey.status == SurveyStatus.CLOSED:
            raise ConflictError(
                "survey_closed", "A closed survey cannot be changed. Duplicate it to go on."
            )
        before = current_definition(survey)
        after = read_definition(fields, company_name=survey.company.name, base=before)
        if after == before:
            return survey
        survey.budget_minor = after.budget_minor
        survey.max_responses = after.max_responses
        survey.targeting = after.targeting
        survey.allowed_origins = list(after.allowed_origins)
        survey.accept_client_transcript = after.accept_client_transcript
        survey.retention_days = after.retention_days
        if after.judged_part() != before.judged_part():
            _write_version(survey, after, number=current_version(survey).number + 1)
        survey.save()
        if after.budget_minor != before.budget_minor:
            funding.allocate_budget(survey=survey)
        audit.record_event(
            actor=actor,
            action="survey.changed",
            object_ref=survey.public_id,
            company=survey.company,
        )
    return survey


def change_status(
    *, survey: Survey, status: SurveyStatus, actor: audit.HasPublicId | str = "system"
) -> Survey:
    """Move a survey to another status. Asking for the one it has changes nothing.

    Opening fills its budget from funding; closing returns what is free to funding. Sessions that
    run go on to their end, whatever the status: their pay is reserved.

    Raises:
        ConflictError: the transition is not allowed (``survey_status``), or it would open a survey
            whose money covers not one answer (``funds_missing``), to turn every visitor away.
    """
    with transaction.atomic():
        survey = _lock(survey)
        before = SurveyStatus(survey.status)
        if status == before:
            return survey
        if status not in SURVEY_TRANSITIONS[before]:
            raise ConflictError(
                "survey_status", f"A survey that is {before} cannot become {status}."
            )
        survey.status = status
        survey.closed_at = clock.now() if status == SurveyStatus.CLOSED else None
        survey.save()
        if status == SurveyStatus.ACTIVE:
            funding.allocate_budget(survey=survey)
            _require_one_answer(survey)
        elif status == SurveyStatus.CLOSED:
            funding.release_budget(survey=survey)
        audit.record_event(
            actor=actor,
            action=f"survey.{status}",
            object_ref=survey.public_id,
            company=survey.company,
        )
    return survey


def _require_one_answer(survey: Survey) -> None:
    free, highest = available_minor(survey), current_version(survey).payment_max_minor
    if free < highest:
        raise ConflictError(
            "funds_missing",
            f"It cannot be opened: {format_money(free, survey.currency)} is free for it and one "
            f"answer may earn {format_money(highest, survey.currency)}. Add funds, or raise its "
            "budget where that is used up.",
        )


def duplicate_survey(*, survey: Survey, actor: audit.HasPublicId | str = "system") -> Survey:
    """Copy a survey as a draft with questions, rules and pay, and no answers.

    Questions get new ids: the answers of two surveys are never added up.
    """
    definition = current_definition(survey)
    return _write_new(
        company=survey.company,
        definition=replace(
            definition,
            title=f"{definition.title[:190]} (copy)",
            questions=tuple(replace(question, id=new_id("q")) for question in definition.questions),
            status=SurveyStatus.DRAFT,
        ),
        created_by=actor if isinstance(actor, User) else None,
    )


def _lock(survey: Survey) -> Survey:
    return (
        Survey.objects.select_for_update(of=("self",))
        .select_related("company", "current_version")
        .get(pk=survey.pk)
    )


def _write_new(
    *, company: Company, definition: SurveyDefinition, created_by: User | None
) -> Survey:
    with transaction.atomic():
        survey = Survey.objects.create(
            company=company,
            created_by=created_by,
            status=definition.status,
            publishable_key=tokens.mint(PUBLISHABLE_PREFIX).plain[:46],
            currency=definition.currency,
            budget_minor=definition.budget_minor,
            max_responses=definition.max_responses,
            allowed_origins=list(definition.allowed_origins),
            targeting=definition.targeting,
            accept_client_transcript=definition.accept_client_transcript,
            retention_days=definition.retention_days,
        )
        _write_version(survey, definition, number=1)
        survey.save(update_fields=["current_version", "updated_at"])
        if survey.status == SurveyStatus.ACTIVE:
            funding.allocate_budget(survey=survey)
        audit.record_event(
            actor=created_by or "system",
            action="survey.created",
            object_ref=survey.public_id,
            company=company,
        )
    return survey


def _write_version(survey: Survey, definition: SurveyDefinition, *, number: int) -> None:
    survey.current_version = SurveyVersion.objects.create(
        survey=survey, number=number, **definition.judged_part()
    )
