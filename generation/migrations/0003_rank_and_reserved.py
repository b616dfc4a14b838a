"""In which order queued rows are made: by their callers' rank, then by age."""

from django.db import migrations, models

from pollweb.lib.migrations import AddIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("generation", "0002_usage_in_full")]

    operations = [
        migrations.AddField(
            model_name="generation",
            name="rank",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text="the highest is made first"),
        ),
        migrations.AddField(
            model_name="generation",
            name="reserved",
            field=models.PositiveIntegerField(
                db_default=0, default=0, help_text="requests of its caller's monthly quota held for it"
            ),
        ),
        AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("state", "queued")),
                fields=["slot", "-rank", "created_at"],
                name="waiting_by_rank",
            ),
        ),
        AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("state", "queued")), fields=["slot", "created_at"], name="waiting_by_age"
            ),
        ),
        migrations.RemoveIndex(model_name="generation", name="waiting"),
    ]
