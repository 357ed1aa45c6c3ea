"""The catalogue: load the file into versioned rows, and link what belongs to a workflow."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction

from core import audit
from workflows.catalogue_file import CATALOGUE_FILE, WorkflowDefinition, read_catalogue
from workflows.models import Workflow, WorkflowVersion


@dataclass(slots=True)
class LoadReport:
    """What loading a file did, by names of workflows."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)


def load_workflows(
    *, path: Path = CATALOGUE_FILE, actor: audit.HasPublicId | str | None = "system"
) -> LoadReport:
    """Make the catalogue what the file says; runs keep the version they started with.

    The whole file is checked first and stored in one transaction: a broken one changes nothing.
    Changed words, in whichever language, open a new version, the same words none; what the file no
    longer names is retired, never deleted. Loading the same file again changes nothing.

    Args:
        path: the file.
        actor: for the audit trail; None leaves no line, for what an installation brings along.

    Raises:
        CatalogueRefusedError: the file is broken; says where.
    """
    definitions = read_catalogue(path)
    report = LoadReport()
    with transaction.atomic():
        rows = {
            row.name: row
            for row in Workflow.objects.select_for_update(of=("self",)).select_related(
                "current_version"
            )
        }
        for position, definition in enumerate(definitions):
            _load_one(definition, position, rows.get(definition.name), report)
        named = {definition.name for definition in definitions}
        for row in rows.values():
            if row.is_active and row.name not in named:
                row.is_active = False
                row.save(update_fields=["is_active", "updated_at"])
                report.retired.append(row.name)
        if actor is not None and (report.created or report.changed or report.retired):
            audit.record_event(
                actor=actor,
                action="workflows.loaded",
                object_ref=path.name,
                note=f"{len(report.created)} new, {len(report.changed)} changed, "
                f"{len(report.retired)} retired",
            )
    return report


def _load_one(
    definition: WorkflowDefinition, position: int, row: Workflow | None, report: LoadReport
) -> None:
    if row is None:
        row = Workflow.objects.create(name=definition.name, tier=definition.tier, position=position)
        row.current_version = _write_version(row, definition, number=1)
        row.save(update_fields=["current_version", "updated_at"])
        report.created.append(definition.name)
        return
    has_new_words = not _says_the_same(row.current_version, definition)
    place = (definition.tier, position, True)
    if not has_new_words and (row.tier, row.position, row.is_active) == place:
        report.unchanged.append(definition.name)
        return
    row.tier, row.position, row.is_active = place
    if has_new_words:
        last = row.current_version.number if row.current_version else 0
        row.current_version = _write_version(row, definition, number=last + 1)
    row.save(update_fields=["tier", "position", "is_active", "current_version", "updated_at"])
    report.changed.append(definition.name)


def _says_the_same(version: WorkflowVersion | None, definition: WorkflowDefinition) -> bool:
    # A translation counts like the words it says: somebody reads nothing else.
    return version is not None and (
        version.title,
        version.description,
        version.steps,
        version.translations,
    ) == (definition.title, definition.description, definition.steps, definition.translations)


def _write_version(
    row: Workflow, definition: WorkflowDefinition, *, number: int
) -> WorkflowVersion:
    return WorkflowVersion.objects.create(
        workflow=row,
        number=number,
        title=definition.title,
        description=definition.description,
        steps=definition.steps,
        translations=definition.translations,
    )
