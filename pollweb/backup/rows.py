"""Which rows belong into an archive, and how all of them are read as of one moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder

from pollweb.lib import db

# Made anew by whoever needs it, worth nothing elsewhere, or a secret in clear.
LEFT_OUT = frozenset(
    {
        "admin.LogEntry", "auth.Group", "auth.Permission", "contenttypes.ContentType", "sessions.Session",
        "usersessions.UserSession", "account.EmailConfirmation", "socialaccount.SocialApp", "socialaccount.SocialToken",
        "accounts.DataExport",
    }
)  # fmt: skip
# Columns that are made from others: the search index differs by database, and fills itself.
EMPTIED = {"generation.SearchEntry": {"words": "", "is_filled": False}}


def tables() -> list[type[models.Model]]:
    """Those that others refer to come first."""
    wanted = [model for model in apps.get_models() if model._meta.label not in LEFT_OUT and model._meta.managed]
    ordered: list[type[models.Model]] = []

    def visit(model: type[models.Model]) -> None:
        if model in ordered or model not in wanted:
            return
        for field in model._meta.concrete_fields:
            other = field.related_model
            if isinstance(other, type) and other is not model:
                visit(other)
        ordered.append(model)

    for model in wanted:
        visit(model)
    return ordered


@contextmanager
def one_moment() -> Iterator[None]:
    """Whatever is read inside is as it was at the beginning, and nobody is kept from writing."""
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            db.without_haste(cursor)
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")  # Django's own would take the one place of a writer
        try:
            cursor.execute("SELECT count(*) FROM django_migrations")  # the moment is that of the first reading
            yield
        finally:
            cursor.execute("ROLLBACK")


def migrations() -> list[str]:
    """Those that were run, as `app.name`."""
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


def is_empty() -> bool:
    """Whether nobody and nothing is here yet."""
    return not any(apps.get_model(label)._base_manager.exists() for label in ("accounts.User", "generation.Generation"))


def clear() -> None:
    """Take out what migrations and a first start put in."""
    for model in reversed(tables()):
        model._base_manager.all()._raw_delete(connection.alias)


def reset_sequences() -> None:
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), tables()):
            cursor.execute(statement)
