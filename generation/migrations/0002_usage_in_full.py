"""Whose usage a generation is: columns that old code leaves empty, filled for the rows that are there."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F

from pollweb.lib.migrations import AddIndex

BATCH = 20_000


def fill(apps: Any, schema_editor: Any) -> None:
    """In pieces, each its own transaction: rows of a team were all made with its tokens until now."""
    rows = apps.get_model("generation", "Generation").objects.filter(usage_team=None, team__isnull=False)
    while pks := list(rows.values_list("pk", flat=True)[:BATCH]):
        for start in range(0, len(pks), 500):
            rows.filter(pk__in=pks[start : start + 500]).update(usage_team_id=F("team_id"))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("accounts", "0003_usage_in_full"),
        ("generation", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="generation",
            name="app",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="generations",
                to="accounts.app",
            ),
        ),
        migrations.AddField(
            model_name="generation",
            name="registered_referrer",
            field=models.CharField(blank=True, max_length=253),
        ),
        migrations.AddField(
            model_name="generation",
            name="usage_team",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="used_generations",
                to="accounts.team",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        AddIndex(
            model_name="generation",
            index=models.Index(fields=["usage_team", "-id"], name="of_usage_team"),
        ),
        AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("app__isnull", False)),
                fields=["app"],
                name="of_app",
            ),
        ),
    ]
