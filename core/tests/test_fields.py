from __future__ import annotations

from django.db.migrations.writer import MigrationWriter

from core.fields import PublicIdField
from core.ids import is_id


def test_a_field_makes_ids_of_its_prefix():
    field = PublicIdField(prefix="survey")

    assert is_id(field.get_default(), "survey")
    assert field.max_length == 33
    assert field.unique
    assert not field.editable


def test_a_field_can_be_written_into_a_migration_and_read_back():
    written, imports = MigrationWriter.serialize(PublicIdField(prefix="survey"))

    assert written == "core.fields.PublicIdField(prefix='survey')"
    assert imports == {"import core.fields"}
    _, _, args, kwargs = PublicIdField(prefix="survey").deconstruct()
    assert PublicIdField(*args, **kwargs).max_length == 33
