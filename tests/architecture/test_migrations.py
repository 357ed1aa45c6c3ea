"""Migrations that old and new code can share a database through: see docs/zero-downtime.md."""

from __future__ import annotations

import json

import pytest
from django.conf import settings
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

from core.migration_operations import AddIndexOnline, RemoveIndexOnline
from tests.architecture.sources import ROOT

# Those that ran before there was a release to keep running, and later ones that were looked at.
RELEASED = ROOT / "tests" / "architecture" / "released_migrations.json"
REVIEWED: dict[str, str] = {}
"""app.name to the reason why it is safe, or how it is deployed."""

LABELS = {name.rsplit(".", 1)[-1] for name in settings.PARLEY_APPS} | {"voice_sessions"}


def unsafe_operations(migration: migrations.Migration) -> list[str]:
    """Return what in a migration would break code that runs beside it."""
    found = []
    made = {
        operation.name_lower
        for operation in migration.operations
        if isinstance(operation, migrations.CreateModel)
    }
    kinds = set()
    for operation in migration.operations:
        name = type(operation).__name__
        kinds.add(name)
        if getattr(operation, "model_name", "").lower() in made:
            continue
        match operation:
            case AddIndexOnline() | RemoveIndexOnline():
                if migration.atomic:
                    found.append(f"{name} in a migration without atomic = False")
            case migrations.AddField(field=field):
                has_default = field.null or field.db_default is not models.NOT_PROVIDED
                if not has_default and not field.many_to_many:
                    found.append(f"AddField {operation.name}: NOT NULL without db_default")
                if field.unique or (field.db_index and not field.null):
                    found.append(f"AddField {operation.name}: builds an index under a lock")
            case migrations.AddIndex() | migrations.AddConstraint():
                is_check = isinstance(
                    getattr(operation, "constraint", None), models.CheckConstraint
                )
                what = "validates every row" if is_check else "builds an index"
                found.append(f"{name}: {what} under a lock")
            case (
                migrations.RemoveField()
                | migrations.DeleteModel()
                | migrations.RenameField()
                | migrations.RenameModel()
                | migrations.AlterModelTable()
            ):
                found.append(f"{name}: old code still uses it")
            case migrations.AlterUniqueTogether() | migrations.AlterIndexTogether():
                found.append(f"{name}: builds an index under a lock")
            case migrations.AlterField(field=field):
                if not is_widening(migration, operation):
                    found.append(f"AlterField {operation.name}: may rewrite the table")
            case _:
                pass
    if kinds & {"RunPython", "RunSQL"} and len(kinds) > 1:
        found.append("data and schema in one migration")
    return found


def is_widening(migration: migrations.Migration, operation: migrations.AlterField) -> bool:
    """Tell whether a changed field only takes more than it did: choices, length, NULL."""
    # As the graph names them: a dependency on the user model says "__first__" of its app.
    named = [LOADER.check_key(one, migration.app_label) for one in migration.dependencies]
    state = LOADER.project_state([one for one in named if one is not None])
    before = state.models[migration.app_label, operation.model_name_lower].fields[operation.name]
    after = operation.field
    if type(before) is not type(after) or (before.null and not after.null):
        return False
    if after.unique and not before.unique:
        return False
    return (after.max_length or 1 << 30) >= (before.max_length or 0)


LOADER = MigrationLoader(None)


def test_new_migrations_leave_old_code_working():
    released = set(json.loads(RELEASED.read_text(encoding="utf-8")))
    problems = {
        f"{app}.{name}": found
        for (app, name), migration in LOADER.disk_migrations.items()
        if app in LABELS
        and f"{app}.{name}" not in released
        and f"{app}.{name}" not in REVIEWED
        and (found := unsafe_operations(migration))
    }

    assert problems == {}, "See docs/zero-downtime.md for what to write instead."


def test_what_is_listed_exists():
    there = {f"{app}.{name}" for app, name in LOADER.disk_migrations}

    assert set(json.loads(RELEASED.read_text(encoding="utf-8"))) - there == set()
    assert REVIEWED.keys() - there == set()


def make(*operations, atomic=True):
    made = type("Migration", (migrations.Migration,), {"operations": operations, "atomic": atomic})
    return made("9999_test", "core")


INDEX = models.Index(fields=["key"], name="some_index")


@pytest.mark.parametrize(
    ("operations", "count"),
    [
        ([migrations.AddField("RateCounter", "note", models.TextField())], 1),
        ([migrations.AddField("RateCounter", "note", models.TextField(default=""))], 1),
        ([migrations.AddField("RateCounter", "note", models.TextField(db_default=""))], 0),
        ([migrations.AddField("RateCounter", "note", models.TextField(null=True))], 0),
        ([migrations.AddField("RateCounter", "note", models.TextField(null=True, unique=True))], 1),
        ([migrations.AddIndex("RateCounter", INDEX)], 1),
        ([migrations.RemoveField("RateCounter", "key")], 1),
        ([migrations.RenameModel("RateCounter", "Counter")], 1),
        ([migrations.CreateModel("Fresh", []), migrations.AddIndex("Fresh", INDEX)], 0),
        ([migrations.RunSQL("select 1"), migrations.DeleteModel("RateCounter")], 2),
    ],
)
def test_what_is_refused(operations, count):
    assert len(unsafe_operations(make(*operations))) == count


def test_an_online_index_needs_a_migration_that_is_not_atomic():
    online = AddIndexOnline("RateCounter", INDEX)

    assert len(unsafe_operations(make(online))) == 1
    assert unsafe_operations(make(online, atomic=False)) == []


def test_a_changed_field_may_stand_in_a_migration_that_needs_the_user_model():
    longer = migrations.AlterField("RateCounter", "scope", models.CharField(max_length=5000))
    migration = make(longer)
    migration.dependencies = [
        ("core", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    assert unsafe_operations(migration) == []
