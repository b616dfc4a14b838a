from django.db import migrations
from django.db.models import F

GAP = 2**32


def spread(apps, schema_editor):
    """Positions were counted: 1, 2, 3. What is larger has been spread before."""
    apps.get_model("gallery", "Place").objects.filter(position__lt=GAP).update(position=F("position") * GAP)


class Migration(migrations.Migration):
    dependencies = [("gallery", "0005_sensitivity")]

    operations = [migrations.RunPython(spread, migrations.RunPython.noop, elidable=True)]
