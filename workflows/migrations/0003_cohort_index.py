"""One index that serves the figures of a cohort takes the place of that by workflow alone."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from core.migration_operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("accounts", "0003_erasure_requests"),
        ("workflows", "0002_nightly_indexes"),
    ]

    operations = [
        AddIndexOnline(
            model_name="workflowperformance",
            index=models.Index(
                fields=["workflow", "market", "skill_level"], name="performance_of_cohort"
            ),
        ),
        migrations.AlterField(
            model_name="workflowperformance",
            name="workflow",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="workflows.workflow",
            ),
        ),
        migrations.AlterField(
            model_name="workflowsuccess",
            name="workflow",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="workflows.workflow",
            ),
        ),
    ]
