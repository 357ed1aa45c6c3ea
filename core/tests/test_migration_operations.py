"""Indexes that are built while the table is in use."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations.state import ProjectState

from core.migration_operations import AddIndexOnline, RemoveIndexOnline
from core.models import RateCounter

pytestmark = pytest.mark.django_db(transaction=True)


def index_names() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, RateCounter._meta.db_table))


def test_an_index_comes_and_goes_on_both_databases() -> None:
    field = next(field.name for field in RateCounter._meta.fields if not field.primary_key)
    index = models.Index(fields=[field], name="core_built_online")
    add, remove = AddIndexOnline("RateCounter", index), RemoveIndexOnline("RateCounter", index.name)
    before = ProjectState.from_apps(apps)
    after = before.clone()
    add.state_forwards("core", after)

    with connection.schema_editor(atomic=False) as editor:
        add.database_forwards("core", editor, before, after)
    assert "core_built_online" in index_names()
    with connection.schema_editor(atomic=False) as editor:
        remove.database_forwards("core", editor, after, before)
    assert "core_built_online" not in index_names()
