"""The markets and skill levels a person may choose from; administrators edit them later."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

MARKETS = (
    ("freelancer", "Freelancer"),
    ("student", "Student"),
    ("job_seeker", "Job seeker"),
    ("small_business", "Small business"),
    ("agency", "Agency"),
    ("creator", "Creator"),
    ("other", "Something else"),
)
SKILL_LEVELS = (
    ("beginner", "Beginner"),
    ("intermediate", "Intermediate"),
    ("advanced", "Advanced"),
)


def add_choices(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name, rows in (("Market", MARKETS), ("SkillLevel", SKILL_LEVELS)):
        model = apps.get_model("accounts", name)
        for position, (slug, label) in enumerate(rows):
            model.objects.get_or_create(slug=slug, defaults={"label": label, "position": position})


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(add_choices, migrations.RunPython.noop)]
