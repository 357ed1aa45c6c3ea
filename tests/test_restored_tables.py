"""A test that commits leaves the tables as the migrations made them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from accounts.models import Company, Market, SkillLevel, User
from accounts.tests.factories import make_company, make_user
from tests.restored_tables import RestoredTables
from workflows.models import Workflow, WorkflowVersion

SEEDED = (ContentType, Permission, Market, SkillLevel, Workflow, WorkflowVersion)


def _rows():
    return {model: list(model.objects.order_by("pk").values()) for model in SEEDED}


@pytest.mark.django_db(transaction=True)
def test_what_a_test_wrote_is_gone_and_what_the_migrations_wrote_is_back():
    tables, before = RestoredTables("default"), _rows()
    make_company("Acme", owner=make_user("ana@acme.test"))
    Market.objects.all().delete()
    SkillLevel.objects.create(slug="x", label="x")
    WorkflowVersion.objects.update(created_at="2001-01-01T00:00:00Z")

    tables.restore()

    assert not User.objects.exists()
    assert not Company.objects.exists()
    assert _rows() == before
    assert all(before.values())
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_migrations")
        assert cursor.fetchone()[0] > 40
