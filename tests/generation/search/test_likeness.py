"""What is similar, with a stand-in for the engine: a prompt's vector counts its animals."""

import numpy as np
import pytest
from django.utils import timezone

from generation import embedding, search
from generation.models import Generation, Likeness
from generation.search import likeness
from tests.generation.search.conftest import found

pytestmark = pytest.mark.django_db
MEANINGS = ("fox", "狐", "boat", "city")


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    def embed(text: str) -> np.ndarray:
        vector = np.zeros(likeness.SIZE, np.float32)
        for place, word in enumerate(MEANINGS):
            vector[0 if word == "狐" else place] += word in text
        vector[-1] = 0.3 * ("狐" in text)
        return vector / np.linalg.norm(vector)

    monkeypatch.setattr(embedding, "embed_one", embed)
    monkeypatch.setattr(likeness, "FRESH_SECONDS", 0.0)
    likeness.forget()
    yield
    likeness.forget()


def test_what_means_the_same_is_found_in_any_language_the_likest_first(public):
    fox = public("a fox")
    public("a boat")
    public("狐在雪中")
    public("a fox in a city")
    public("one fox")
    while likeness.read():
        pass
    assert not likeness.is_due()
    assert found(f"similar:{fox.public_id}") == ["one fox", "狐在雪中"]


def test_other_conditions_narrow_what_is_similar(public):
    fox = public("a fox")
    public("a red fox", model="turbo")
    public("a red fox in snow")
    likeness.read()
    assert found(f"similar:{fox.public_id} red model:turbo") == ["a red fox"]
    assert found(f"similar:{fox.public_id} -snow") == ["a red fox"]


@pytest.mark.parametrize("change", [{"visibility": "private"}, {"hidden_at": timezone.now()}])
def test_nothing_private_is_similar_nor_does_anything_resemble_it(public, change):
    fox, other = public("a fox"), public("another fox")
    likeness.read()
    Generation.objects.filter(pk=other.pk).update(**change)
    assert found(f"similar:{fox.public_id}") == []
    assert found(f"similar:{other.public_id}") == []


def test_nobody_resembles_what_was_never_there(db):
    assert found("similar:AAAAAAAAAAAAAAAAAAAAAA") == []


def test_a_result_without_words_is_passed_over(public):
    public("", kind="audio")
    public("a fox")
    while likeness.read():
        pass
    assert [bool(each.vector) for each in Likeness.objects.order_by("pk")] == [False, True]


def test_only_the_newest_are_kept(public, monkeypatch):
    monkeypatch.setattr(likeness, "KEPT", 2)
    rows = [public(f"fox {n}") for n in range(4)]
    while likeness.read():
        pass
    assert found(f"similar:{rows[3].public_id}") == ["fox 2"]
    search.sweep()
    assert Likeness.objects.count() == 2


def test_an_engine_that_cannot_keep_up_goes_on_with_the_newest(public, monkeypatch):
    monkeypatch.setattr(likeness, "BACKLOG", 2)
    for n in range(5):
        public(f"fox {n}")
    while likeness.read():
        pass
    assert Likeness.objects.count() == 2


def test_the_page_of_an_item_shows_what_is_similar(public, client):
    fox, other = public("a fox"), public("another fox")
    likeness.read()
    content = client.get(f"/p/{fox.public_id}").content.decode()
    assert f'class="tile" href="/p/{other.public_id}"' in content
    assert f"/search?q=similar:{fox.public_id}" in content
