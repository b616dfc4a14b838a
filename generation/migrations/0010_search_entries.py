import django.db.models.deletion
import generation.models
from django.db import migrations, models

# On SQLite an index of its own follows the column. A later migration that changes the table makes
# it anew, and takes the triggers with it: it has to make them again.
SQLITE = [
    """CREATE VIRTUAL TABLE generation_search USING fts5(
        words, content='generation_searchentry', content_rowid='id',
        tokenize="unicode61 remove_diacritics 0 categories 'L* N* M* Co'"
    )""",
    """CREATE TRIGGER generation_search_insert AFTER INSERT ON generation_searchentry WHEN new.words != '' BEGIN
        INSERT INTO generation_search(rowid, words) VALUES (new.id, new.words);
    END""",
    """CREATE TRIGGER generation_search_delete AFTER DELETE ON generation_searchentry WHEN old.words != '' BEGIN
        INSERT INTO generation_search(generation_search, rowid, words) VALUES ('delete', old.id, old.words);
    END""",
    """CREATE TRIGGER generation_search_leave AFTER UPDATE OF words ON generation_searchentry WHEN old.words != '' BEGIN
        INSERT INTO generation_search(generation_search, rowid, words) VALUES ('delete', old.id, old.words);
    END""",
    """CREATE TRIGGER generation_search_enter AFTER UPDATE OF words ON generation_searchentry WHEN new.words != '' BEGIN
        INSERT INTO generation_search(rowid, words) VALUES (new.id, new.words);
    END""",
]
NO_SQLITE = ["DROP TABLE generation_search"]
# Without the list of what is still to be sorted in: it would be read through by each search.
POSTGRESQL = [
    "CREATE INDEX generation_search_words ON generation_searchentry USING gin (words) WITH (fastupdate = off)",
]


def make(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def unmake(apps, schema_editor):
    for statement in [] if schema_editor.connection.vendor == "postgresql" else NO_SQLITE:
        schema_editor.execute(statement)


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0009_reserved_cost'),
    ]

    operations = [
        migrations.CreateModel(
            name='SearchEntry',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('words', generation.models.WordsField(default='')),
                ('is_filled', models.BooleanField(default=False)),
                ('generation', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='search_entry', to='generation.generation')),
            ],
            options={
                'verbose_name_plural': 'search entries',
                'indexes': [models.Index(condition=models.Q(('is_filled', False)), fields=['id'], name='to_fill')],
            },
        ),
        migrations.RunPython(make, unmake),
    ]
