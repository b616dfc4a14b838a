"""Rows that are read many at a time are what Django's own way makes of them (pollweb.lib.quick_rows)."""

import pytest
from django.db import models

from generation.models import Artifact, Generation
from tests.gallery.conftest import make

__all__ = ["make"]

pytestmark = pytest.mark.django_db


def plain(row: models.Model) -> dict:
    return {name: value for name, value in vars(row).items() if name != "_state"}


def test_a_row_is_what_django_s_own_way_makes_of_it(make):
    names = [field.attname for field in Generation._meta.concrete_fields]
    values = Generation.objects.values_list(*names).get(pk=make().pk)
    quick = Generation.from_db("default", names, values)
    usual = models.Model.from_db.__func__(Generation, "default", names, values)
    assert plain(quick) == plain(usual)
    assert quick == usual
    assert (quick._state.adding, quick._state.db) == (usual._state.adding, usual._state.db) == (False, "default")


def test_what_was_not_read_is_read_when_it_is_asked_for(make, django_assert_num_queries):
    made = make(prompt="a fox")
    row = Generation.objects.only("kind").get(pk=made.pk)
    assert row.get_deferred_fields() >= {"prompt", "artifact_id"}
    with django_assert_num_queries(1):
        assert row.prompt == row.prompt == "a fox"


def test_a_related_row_is_there_too_or_none(make, django_assert_num_queries):
    with_file, without = make(prompt="a fox"), make("text", "a word")
    Generation.objects.filter(pk=without.pk).update(artifact=None)
    rows = Generation.objects.select_related("artifact").in_bulk()
    with django_assert_num_queries(0):
        assert rows[with_file.pk].artifact.pk == with_file.artifact_id
        assert rows[without.pk].artifact is None


def test_it_is_saved_and_read_again_as_others(make):
    row = Generation.objects.get(pk=make(prompt="a fox").pk)
    row.artifact = Artifact.objects.create(digest="d" * 64, media_type="image/png", size=1)
    row.prompt = "an owl"
    row.save(update_fields=["prompt", "artifact"])
    again = Generation.objects.get(pk=row.pk)
    assert (again.prompt, again.artifact.size) == ("an owl", 1)
    Generation.objects.filter(pk=row.pk).update(prompt="a cat")
    again.refresh_from_db()
    assert again.prompt == "a cat"
