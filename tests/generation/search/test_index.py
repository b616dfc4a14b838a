from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.utils import timezone

from generation import forgetting, search
from generation.models import Generation, SearchEntry
from generation.search import postgresql
from pollweb.lib import ids
from tests.generation.search.conftest import found

pytestmark = pytest.mark.django_db


def test_all_words_are_needed_in_any_order_newest_first(public):
    for prompt in ("a red fox", "Foxes under a RED moon", "a red boat", "a grey fox"):
        public(prompt)
    assert found("fox red") == ["Foxes under a RED moon", "a red fox"]


def test_quotes_ask_for_words_in_a_row(public):
    public("a red fox")
    public("a red and a fox")
    assert found('"red fox"') == ["a red fox"]


def test_a_minus_leaves_out(public):
    public("a red fox")
    public("a red boat")
    public("snow, far and wide")
    assert found("red -boat") == ["a red fox"]
    assert found('-"red fox" -snow') == ["a red boat"]


@pytest.mark.parametrize("asked", ["狐", "狐狸", "红狐狸", "雪 狐狸", '"在雪中"', "fox 狐狸"])
def test_chinese_is_found_without_spaces(public, asked):
    public("一只红狐狸在雪中 fox")
    public("一只狗在雨中 fox")
    assert found(asked) == ["一只红狐狸在雪中 fox"]


def test_characters_apart_are_not_a_word(public):
    public("狐假虎威，狸猫")
    assert found("狐狸") == []
    assert found("狐 狸") == ["狐假虎威，狸猫"]


def test_answers_are_searched_too_and_no_phrase_goes_across(public):
    public("where do they sleep", "Foxes sleep in dens", kind="text")
    assert found("dens") == ["where do they sleep"]
    assert found('"sleep foxes"') == []


def test_operators_narrow(public):
    public("a fox", model="turbo", seed=42, width=1024, height=768)
    public("a fox, told", "once upon", kind="text", model="openai")
    assert found("fox model:turbo") == found("kind:image") == found("fox seed:42") == ["a fox"]
    assert found("size:1024x768") == found("fox -kind:text") == found("-model:openai") == ["a fox"]
    assert found("model:openai") == ["a fox, told"]
    assert found("fox seed:43") == []


def test_days_bound_the_search(public):
    def at(*day: int) -> dict[str, object]:
        return {"id": ids.first_of(datetime(*day, tzinfo=UTC))}

    public("an old fox", **at(2026, 10, 31))
    public("a fox", **at(2026, 11, 1))
    public("a young fox", **at(2026, 11, 3))
    assert found("fox before:2026-11-01") == ["an old fox"]
    assert found("fox after:2026-11-01") == ["a young fox"]
    assert found("fox -before:2026-11-01") == ["a young fox", "a fox"]
    assert found("fox before:2020-01-01") == []
    assert found("fox after:2030-01-01") == []


@pytest.mark.parametrize("change", [{"visibility": "private"}, {"hidden_at": timezone.now()}, {"is_mature": True}])
def test_what_is_not_public_is_not_found_from_that_moment_and_leaves_with_the_next_sweep(public, change):
    row = public("a red fox")
    Generation.objects.filter(pk=row.pk).update(**change)
    assert found("fox") == []
    assert search.sweep() == 1
    assert not SearchEntry.objects.exists()
    Generation.objects.filter(pk=row.pk).update(visibility="public", hidden_at=None, is_mature=False)
    search.expect([row.pk])
    search.fill()
    assert found("fox") == ["a red fox"]


def test_pages_neither_repeat_nor_miss_even_where_much_is_hidden(public):
    rows = [public(f"fox number {n}") for n in range(12)]
    Generation.objects.filter(pk__in=[row.pk for row in rows[3:9]]).update(hidden_at=timezone.now())
    seen, after = [], 0
    for _ in range(12):
        page = search.find(search.parse("fox"), limit=2, after=after)
        seen += [row.pk for row in page.rows]
        after = page.older
        if not after:
            break
    assert seen == [row.pk for row in rows[::-1] if row not in rows[3:9]]


def test_a_deleted_row_is_gone_from_the_index(public):
    public("a red fox").delete()
    public("a red fox again")
    assert found("red fox") == ["a red fox again"]


def test_a_forgotten_prompt_leaves_the_index(public, django_user_model):
    from tests.factories import TeamFactory

    team = TeamFactory(prompt_days=0)
    public("a red fox", team=team, visibility="private")
    assert forgetting.forget_prompts() == 1
    assert not SearchEntry.objects.exists()


def test_a_rebuild_finds_what_was_never_announced_and_mends_what_is_there(make, public):
    make(prompt="a silent fox")
    public("a fox of words")
    SearchEntry.objects.update(words="", is_filled=False)
    call_command("searchindex", verbosity=0)
    assert sorted(found("fox")) == ["a fox of words", "a silent fox"]


def test_expecting_twice_is_expecting_once(make):
    row = make(prompt="a fox")
    search.expect([row.pk])
    search.expect([row.pk])
    assert search.is_due()
    assert search.fill() == 1
    assert not search.is_due()


@pytest.mark.parametrize("words", ["it's", "back\\slash", "'quoted'", "a & b | !c", "(x) <-> y:*", "\ue000x", "％ _ %"])
def test_punctuation_is_neither_syntax_nor_harm(public, words):
    public(f"{words} fox")
    assert found(f"{words} fox") == [f"{words} fox"]


def test_many_chapters_are_searched_as_one(public, monkeypatch):
    monkeypatch.setattr(postgresql, "CHAPTER", 3)
    rows = [public("rare fox" if n == 2 else f"fox {n}").prompt for n in range(12)]
    assert found("fox") == rows[::-1]
    assert found("rare") == ["rare fox"]
    assert found("fox", limit=3) == rows[:-4:-1]


@pytest.mark.parametrize("every", [1, 2, 3, 5, 9])
def test_all_pages_together_are_all_that_fits_however_frequent_it_is(public, monkeypatch, every):
    monkeypatch.setattr(postgresql, "CHAPTER", 3)
    rows = [public(f"{'fox' if n % every == 0 else 'owl'} {n}").prompt for n in range(40)]
    shown: list[str] = []
    page = search.find(search.parse("fox"), limit=4)
    while True:
        shown += [row.prompt for row in page.rows]
        assert page.is_whole
        if not page.older:
            break
        page = search.find(search.parse("fox"), limit=4, after=page.older)
    assert shown == [row for row in rows[::-1] if row.startswith("fox")]


@pytest.mark.parametrize("size", [3, 10_000])
def test_what_came_a_moment_ago_is_found_though_the_newest_is_remembered(public, monkeypatch, size):
    monkeypatch.setattr(postgresql, "CHAPTER", size)
    rows = [public(f"fox {n}").prompt for n in range(2)]
    assert found("fox") == rows[::-1]
    rows += [public(f"fox {n}").prompt for n in range(2, 5)]
    assert found("fox") == rows[::-1]
