"""Runs, results and files for tests, made through the services."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from accounts.models import Market, Profile, SkillLevel, User
from workflows.models import Execution, Workflow
from workflows.selectors.catalogue import workflow_for
from workflows.services.executions import start_execution

STARTER = "resume_generator"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def set_profile(
    person: User, *, market: str = "", skill_level: str = "", plan: str = "starter"
) -> None:
    """Say who a person is, and what they pay for."""
    Profile.objects.filter(user=person).update(
        market=Market.objects.get(slug=market) if market else None,
        skill_level=SkillLevel.objects.get(slug=skill_level) if skill_level else None,
        plan=plan,
    )


def make_execution(person: User, workflow: str = STARTER) -> Execution:
    """Start a run."""
    return start_execution(person=person, workflow=workflow_for(person, workflow))


def fresh(row: Any) -> Any:
    """Return the row as it stands in the database now."""
    return type(row).objects.get(pk=row.pk)


def starter_workflow() -> Workflow:
    return Workflow.objects.get(name=STARTER)


def image_bytes(
    kind: str = "PNG", size: tuple[int, int] = (40, 30), colour: str = "teal", **options: Any
) -> bytes:
    """Return a small image."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind, **options)
    return buffer.getvalue()


def pdf_bytes(inside: bytes = b"") -> bytes:
    """Return a one-page PDF with something extra in its one comment."""
    return (
        b"%PDF-1.4\n"
        b"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\n" + inside + b"\n"
        b"xref\n0 1\n0000000000 65535 f \ntrailer<</Root 1 0 R/Size 4>>\nstartxref\n9\n%%EOF\n"
    )
