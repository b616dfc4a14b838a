import html
import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.utils import timezone

UNKNOWN = "x" * 22


def test_it_shows_a_picture_with_its_prompt_and_settings(client, make):
    row = make(prompt="a red fox", asked={"seed": 7, "width": 64, "height": 64})
    content = client.get(f"/p/{row.public_id}").content.decode()
    assert f'src="/media/{row.public_id}/original"' in content
    assert 'alt="Generated image: a red fox"' in content
    for words in ("a red fox", "flux", "embedded/test", "64 × 64"):
        assert words in content


def test_its_address_makes_exactly_this_picture_again(client, make, settings):
    asked = {"seed": 7, "width": 512, "height": 256, "negative_prompt": "rain", "nologo": True}
    row = make(prompt="rain & 雨/fog?", asked=asked)
    samples = {sample.name: sample.code for sample in client.get(f"/p/{row.public_id}").context["samples"]}
    url = urlsplit(samples["URL"])
    assert samples["URL"].startswith(f"{settings.IMAGE_URL}/prompt/")
    assert unquote(url.path.rpartition("/prompt/")[2]) == "rain & 雨/fog?"
    assert "/" not in url.path.rpartition("/prompt/")[2]
    assert parse_qs(url.query) == {
        "model": ["flux"],
        "seed": ["7"],
        "width": ["512"],
        "height": ["256"],
        "negative_prompt": ["rain"],
        "nologo": ["true"],
    }
    assert samples["URL"] in samples["Python"]
    assert samples["URL"] in samples["JavaScript"]


def test_a_picture_is_marked_as_made_by_a_machine(client, make):
    assert b"made by a machine" in client.get(f"/p/{make().public_id}").content


def test_an_answer_is_rendered_without_anything_that_runs_or_loads(client, make):
    answer = "# Title\n\n**bold** <script>alert(1)</script> ![x](https://a.example/x.png) [l](javascript:alert(1))"
    row = make("text", "ask", response=answer)
    shown = client.get(f"/p/{row.public_id}").context["answer_html"]
    assert "<h2>Title</h2>" in shown
    assert "<strong>bold</strong>" in shown
    assert "<script" not in shown
    assert "<img" not in shown
    assert "javascript:alert" not in re.sub(r"\[l\]\(javascript:alert\(1\)\)", "", html.unescape(shown))


def test_speech_has_a_player_and_its_text(client, make):
    row = make("audio", "Hello world")
    content = client.get(f"/p/{row.public_id}").content.decode()
    assert "<audio controls" in content
    assert "Hello world" in content
    assert "voice=alloy" in content


@pytest.mark.parametrize("tail", ["", ".json", "/download"])
def test_unknown_and_private_items_are_the_same_404(client, make, tail):
    private = make(visibility="private", prompt="a secret")
    unknown = client.get(f"/p/{UNKNOWN}{tail}")
    answer = client.get(f"/p/{private.public_id}{tail}")
    assert unknown.status_code == answer.status_code == 404
    assert b"a secret" not in answer.content


def test_an_item_that_was_taken_down_is_gone(client, make):
    row = make(hidden_at=timezone.now(), prompt="taken down")
    answer = client.get(f"/p/{row.public_id}")
    assert answer.status_code == 410
    assert b"taken down" not in answer.content


def test_a_hidden_private_item_does_not_show_that_it_was_there(client, make):
    row = make(hidden_at=timezone.now(), visibility="private")
    assert client.get(f"/p/{row.public_id}").status_code == 404


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/p/a%20red%20fox?width=512&seed=1", "/prompt/a%20red%20fox?width=512&seed=1"),
        ("/p/one/two", "/prompt/one/two"),
        ("/p/fox", "/prompt/fox"),
        ("/p/%E9%9B%A8", "/prompt/%E9%9B%A8"),
    ],
)
def test_anything_else_below_p_goes_to_the_image_api_query_kept(client, settings, path, target):
    answer = client.get(path)
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"{settings.IMAGE_URL}{target}"


async def test_an_encoded_slash_and_question_mark_survive_the_redirect(async_client, settings):
    from pollweb.gallery import item

    request = (await async_client.get("/p/a%2Fb%3Fc?x=%20y")).asgi_request
    request.scope["raw_path"] = b"/p/a%2Fb%3Fc"
    answer = item.to_image_api(request, "a/b?c")
    assert answer.headers["Location"] == f"{settings.IMAGE_URL}/prompt/a%2Fb%3Fc?x=%20y"


def test_the_file_has_a_name_that_says_what_it_is(client, make):
    row = make(prompt="Red fox, 雨夜!", seed=7)
    answer = client.get(f"/p/{row.public_id}/download")
    date = row.created_at.strftime("%Y-%m-%d")
    name = unquote(answer.headers["Content-Disposition"])
    assert f"{date}-red-fox-雨夜-7.jpg" in name
    assert name.startswith("attachment")
    assert answer.content.startswith(b"\xff\xd8")


def test_an_answer_is_downloaded_as_markdown(client, make):
    row = make("text", "ask", response="# Yes")
    answer = client.get(f"/p/{row.public_id}/download")
    assert answer.content == b"# Yes"
    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"


def test_its_data_is_there_for_programs(client, make, settings):
    row = make(seed=7)
    answer = client.get(f"/p/{row.public_id}.json")
    data = answer.json()
    assert data["url"] == f"{settings.SITE_URL}/p/{row.public_id}"
    assert data["media"]["url"] == f"{settings.SITE_URL}/media/{row.public_id}/original"
    assert (data["kind"], data["prompt"], data["seed"]) == ("image", "a red fox", 7)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_other_sites_are_told_what_to_show_in_a_preview(client, make, settings):
    row = make(prompt='a "quoted" fox')
    content = client.get(f"/p/{row.public_id}").content.decode()
    assert f'<meta property="og:image" content="{settings.SITE_URL}/media/{row.public_id}/original">' in content
    assert '<meta property="og:title" content="a &quot;quoted&quot; fox">' in content


def test_an_item_costs_four_queries(client, make, django_assert_max_num_queries):
    row = make()
    client.get("/about")  # what every page reads, once
    with django_assert_max_num_queries(4):  # itself, two neighbours, what it is like
        client.get(f"/p/{row.public_id}")


def test_it_leads_to_the_public_items_before_and_after_it(client, make):
    older = make()
    make(visibility="private")
    row = make()
    make(is_mature=True)
    newer = make("text", "ask", response="yes")
    content = client.get(f"/p/{row.public_id}").content.decode()
    assert re.search(rf'rel="prev" href="/p/{newer.public_id}"', content)
    assert re.search(rf'rel="next" href="/p/{older.public_id}"', content)
    assert 'rel="next"' not in client.get(f"/p/{older.public_id}").content.decode()


def test_a_dialog_is_given_what_stands_in_the_page_and_nothing_around_it(client, make):
    row = make()
    answer = client.get(f"/p/{row.public_id}", headers={"HX-Request": "true"})
    assert "HX-Request" in answer.headers["Vary"]
    content = answer.content.decode()
    assert 'class="result"' in content
    assert "<html" not in content
    assert 'rel="prev"' not in content


def test_a_picture_can_be_remixed_varied_and_used_as_it_is(client, make):
    row = make(prompt="a red fox", asked={"seed": 7})
    content = html.unescape(client.get(f"/p/{row.public_id}").content.decode())
    assert f"/create?from={row.public_id}&vary=1" in content
    again = client.get(f"/create?from={row.public_id}").context["form"]
    varied = client.get(f"/create?from={row.public_id}&vary=1").context["form"]
    assert (again.value("prompt"), again.value("seed")) == ("a red fox", 7)
    assert (varied.value("prompt"), varied.value("seed")) == ("a red fox", None)
