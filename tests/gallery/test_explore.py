import gzip
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from generation.models import Generation, State
from pollweb.gallery import explore
from pollweb.lib import ids
from tests.scripts import scripts_of

ITEM = re.compile(r'class="tile" href="/p/([\w-]{22})"')


def shown(response) -> list[str]:
    return ITEM.findall(response.content.decode())


def test_it_shows_what_is_public_newest_first(client, make):
    first, second = make(prompt="older"), make("text", "newer", response="an answer")
    assert shown(client.get("/")) == [second.public_id, first.public_id]


@pytest.mark.parametrize(
    "columns",
    [{"visibility": "private"}, {"hidden_at": timezone.now()}, {"is_mature": True}, {"state": State.RUNNING}],
    ids=["private", "hidden", "mature", "unfinished"],
)
def test_it_never_shows_what_is_not_for_strangers(client, make, columns):
    make(prompt="not for you", **columns)
    response = client.get("/")
    assert b"not for you" not in response.content
    assert b"Nothing public yet" in response.content


def test_it_pages_without_repeating_or_missing_a_row(client, make, monkeypatch):
    monkeypatch.setattr(explore, "PAGE", 3)
    rows = [make(prompt=f"number {n}").public_id for n in range(7)]
    seen, url, pages = [], "/", []
    while url:
        response = client.get(url)
        pages.append(url)
        seen += shown(response)
        make(prompt="made meanwhile")
        url = response.context["older_url"]
    assert seen == rows[::-1]
    assert len(pages) == 3


def test_newer_leads_back_to_the_page_before(client, make, monkeypatch):
    monkeypatch.setattr(explore, "PAGE", 2)
    rows = [make(prompt=f"number {n}").public_id for n in range(6)]
    second = client.get(client.get("/").context["older_url"])
    third = client.get(second.context["older_url"])
    assert shown(third) == rows[1::-1]
    assert shown(client.get(third.context["newer_url"])) == shown(second)


def test_newer_than_the_second_page_is_the_front_page_itself(client, make, monkeypatch):
    monkeypatch.setattr(explore, "PAGE", 2)
    for n in range(3):
        make(prompt=f"number {n}")
    last = client.get(client.get("/?kind=image").context["older_url"])
    make(prompt="new on top")
    above = client.get(last.context["newer_url"])
    assert above.status_code == 200
    assert len(shown(above)) == 2
    assert client.get(above.context["newer_url"]).headers["Location"] == "/?kind=image"


def test_a_damaged_page_number_is_a_page_that_says_so(client, db):
    response = client.get("/?after=nonsense")
    assert response.status_code == 400
    assert b"Start again from the newest" in response.content


def test_filters_narrow_and_stay_in_every_link(client, make, monkeypatch):
    monkeypatch.setattr(explore, "PAGE", 1)
    pictures = [make(prompt=f"picture {n}").public_id for n in range(2)]
    make("text", "a question", response="an answer")
    response = client.get("/?kind=image&model=flux")
    assert shown(response) == [pictures[1]]
    assert response.context["older_url"].startswith("/?kind=image&model=flux&after=")


def test_an_unknown_kind_is_no_filter(client, make):
    make()
    assert len(shown(client.get("/?kind=nonsense"))) == 1


def test_filters_that_match_nothing_offer_to_be_cleared(client, make):
    make()
    response = client.get("/?kind=audio")
    assert b"Nothing matches these filters" in response.content
    assert b"Clear filters" in response.content


def test_a_page_of_sixty_costs_two_queries_at_most(client, make, django_assert_max_num_queries):
    for n in range(61):
        make(prompt=f"number {n}")
    with django_assert_max_num_queries(2) as queries:
        assert len(shown(client.get("/"))) == 60
    assert not any("COUNT(" in query["sql"].upper() for query in queries.captured_queries)


def test_htmx_is_given_the_next_page_alone_four_times_by_itself(client, make, monkeypatch):
    monkeypatch.setattr(explore, "PAGE", 1)
    for n in range(8):
        make(prompt=f"number {n}")
    url, triggers = client.get("/").context["next_page"], []
    for _ in range(5):
        response = client.get(url, headers={"HX-Request": "true"})
        content = response.content.decode()
        assert "<html" not in content
        triggers.append("intersect" in content)
        url = response.context["next_page"]
    assert "HX-Request" in response.headers["Vary"]
    assert triggers == [True, True, False, False, False]


def test_a_prompt_that_is_markup_stays_text(client, make):
    make(prompt='"><script>alert(1)</script>')
    make("text", "<img src=x onerror=alert(1)>", response="<script>alert(2)</script>")
    content = client.get("/").content.decode()
    assert "<script>alert" not in content
    assert "<img src=x" not in content


def test_the_welcome_goes_away_when_it_was_read(client, db):
    assert b'class="hero"' in client.get("/").content
    answer = client.post("/preferences", {"welcome": "read", "next": "/?kind=text"})
    assert answer.headers["Location"] == "/?kind=text"
    assert b'class="hero"' not in client.get("/").content


def test_shapes_narrow_to_pictures_of_that_shape(client, make):
    square, tall, flat = make(width=512, height=500), make(width=400, height=600), make(width=600, height=400)
    wide = make(width=1920, height=1080)
    make("text", "a question", response="an answer")
    assert shown(client.get("/?shape=square")) == [square.public_id]
    assert shown(client.get("/?shape=portrait")) == [tall.public_id]
    assert shown(client.get("/?shape=landscape")) == [wide.public_id, flat.public_id]
    assert shown(client.get("/?shape=wide")) == [wide.public_id]


def test_a_period_narrows_to_what_was_made_in_it(client, make):
    def made(days: int) -> str:
        return make(id=ids.first_of(timezone.now() - timedelta(days=days))).public_id

    old, month, week, today = made(400), made(20), made(3), make().public_id
    assert shown(client.get("/?period=day")) == [today]
    assert shown(client.get("/?period=week")) == [today, week]
    assert shown(client.get("/?period=month")) == [today, week, month]
    assert shown(client.get("/")) == [today, week, month, old]


def test_a_chosen_filter_is_a_chip_that_takes_it_away(client, make):
    make()
    chips = client.get("/?kind=image&model=flux&shape=square&sort=newest").context["chips"]
    assert [(str(words), url) for words, url in chips] == [
        ("flux", "/?kind=image&shape=square"),
        ("Square", "/?kind=image&model=flux"),
    ]


@pytest.mark.parametrize(
    "query",
    [
        "kind=%00",
        "model=%00",
        "shape=round",
        "period=century",
        "sort=best",
        "sort=random&seed=x",
        "page=" + "9" * 5000,
        "page=-1",
        "page=%D9%A3",
    ],
)
def test_filters_that_make_no_sense_do_no_harm(client, make, query):
    make()
    answer = client.get(f"/?{query}", follow=True)
    assert answer.status_code == 200


def test_a_random_order_has_everything_once_and_can_be_come_back_to(client, make, monkeypatch):
    monkeypatch.setattr(explore, "PAGE", 3)
    rows = {make().public_id for _ in range(10)}
    url = client.get("/?sort=random&kind=image").headers["Location"]
    assert "seed=" in url
    begin, seen = url, []
    while url:
        response = client.get(url)
        seen += shown(response)
        url = response.context["older_url"]
    assert sorted(seen) == sorted(rows)
    assert shown(client.get(begin)) == seen[:3]
    again = client.get(client.get(begin).context["shuffle_url"])
    assert again.status_code == 200


@pytest.mark.parametrize("after", ["nonsense", "3" + "a" * 22, "1", "2x", "1" + "é" * 22])
def test_a_damaged_place_in_a_random_order_begins_it_again(client, make, after):
    rows = [make().public_id for _ in range(2)]
    answer = client.get(f"/?sort=random&seed={'a' * 22}&after={after}")
    assert sorted(shown(answer)) == sorted(rows)


def test_it_is_told_how_many_have_come_since(client, make, monkeypatch):
    make()
    url = client.get("/?kind=image").context["news_url"]
    assert client.get(url).json()["count"] == 0
    make("text", "a question", response="an answer")
    make(visibility="private")
    for _ in range(2):
        make()
    assert client.get(url).json() == {"count": 2, "words": "2 new"}
    monkeypatch.setattr(explore, "MOST_NEW", 1)
    assert client.get(url).json()["words"] == "1+ new"
    assert client.get("/explore/new?since=nonsense").status_code == 400


def test_only_the_newest_page_is_told_what_is_new(client, make, monkeypatch):
    monkeypatch.setattr(explore, "PAGE", 1)
    for _ in range(3):
        make()
    assert 'data-news="' not in client.get(client.get("/").context["older_url"]).content.decode()


def test_how_the_gallery_is_shown_is_remembered_and_given_back(client, make, monkeypatch):
    monkeypatch.setattr(explore, "PAGE", 1)
    for _ in range(2):
        make()
    client.post("/preferences", {"density": "large", "next": "/"})
    client.post("/preferences", {"paging": "pages", "next": "/"})
    content = client.get("/").content.decode()
    assert 'data-density="large"' in content
    assert "hx-get" not in content
    client.post("/preferences", {"density": "usual", "next": "/"})
    client.post("/preferences", {"paging": "usual", "next": "/"})
    content = client.get("/").content.decode()
    assert "data-density" not in content
    assert "hx-get" in content
    client.cookies["pollweb_density"] = '"><script>'
    assert "<script>" not in client.get("/").content.decode()


def test_the_scripts_of_the_gallery_are_at_most_25_kilobytes(client, make):
    make()
    files = scripts_of(client.get("/").content.decode())
    assert {"htmx-4.0.1.min.js", "item-dialog.js", "keys.js", "announce.js"} <= {path.name for path in files}
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) <= 25_000


def test_filters_ask_the_database_as_often_as_none_do(client, make, django_assert_max_num_queries):
    for _ in range(3):
        make()
    assert Generation.objects.count() == 3
    for query in ("", "kind=image&shape=square&period=week", f"sort=random&seed={'a' * 22}"):
        with django_assert_max_num_queries(3):
            client.get(f"/?{query}")
