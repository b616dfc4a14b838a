import html
import re

import pytest
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from generation import intake
from generation.models import Generation, State
from generation.web import brought
from generation.web.forms import fitted
from pollweb.accounts.errors import LineFull
from tests.fakes import jpeg

PICTURE = {"mode": "image", "prompt": "three red boats", "model": "flux", "shape": "16:9", "public": "on"}


@pytest.mark.parametrize("mode", ["image", "text", "speech", "transcribe"])
def test_every_form_is_a_plain_page_with_code(client, db, mode):
    response = client.get(f"/create?mode={mode}")
    assert response.status_code == 200
    assert b'action="/create" method="post"' in response.content
    assert response.context["samples"]


def test_it_queues_a_picture_and_leads_to_its_job(client, db):
    response = client.post("/create", PICTURE)
    job = Generation.objects.get()
    assert response.headers["Location"] == f"/jobs/{job.public_id}"
    assert (job.kind, job.state, job.visibility, job.keep) == ("image", State.QUEUED, "public", True)
    assert (job.request().width, job.request().height) == (1280, 720)


def test_a_result_is_public_only_when_the_box_is_ticked(client, db):
    client.post("/create", {key: value for key, value in PICTURE.items() if key != "public"})
    assert Generation.objects.get().visibility == "private"


def test_an_exact_size_and_seed_are_taken_as_they_are(client, db):
    client.post("/create", {**PICTURE, "shape": "exact", "width": "640", "height": "200", "seed": "5"})
    request = Generation.objects.get().request()
    assert (request.width, request.height, request.seed) == (640, 200, 5)


def test_without_a_seed_two_pictures_differ(client, db):
    client.post("/create", PICTURE)
    client.post("/create", PICTURE)
    first, second = Generation.objects.all()
    assert first.request().seed != second.request().seed


def test_it_asks_a_question_with_a_system_message(client, db):
    asked = {"mode": "text", "prompt": "Hello?", "model": "openai", "temperature": "0.5"}
    client.post("/create", {**asked, "role": "system", "said": "Be brief."})
    request = Generation.objects.get().request()
    assert request.messages == (
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello?"},
    )
    assert request.options["temperature"] == 0.5


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"prompt": "  "}, "Say what you would like to have."),
        ({"shape": "exact", "width": "0", "height": "64"}, "64"),
        ({"shape": "exact", "width": "99999", "height": "64"}, "At most 2048 pixels"),
        ({"shape": "exact", "width": "abc", "height": ""}, "number"),
        ({"seed": "-1"}, "0"),
        ({"model": "nonsense"}, "nonsense"),
        ({"prompt": "x" * 4001}, "4000"),
    ],
    ids=["empty", "too small", "too large", "no number", "negative", "unknown model", "too long"],
)
def test_a_mistake_is_answered_422_and_nothing_typed_is_lost(client, db, change, sentence):
    response = client.post("/create", {"seed": "77", **PICTURE, **change})
    content = response.content.decode()
    assert response.status_code == 422
    assert sentence in content
    assert 'name="prompt"' in content
    assert change.get("prompt", "three red boats").strip() in content
    assert not Generation.objects.exists()


def test_a_model_of_a_higher_tier_is_refused_in_the_form(client, db):
    response = client.post("/create", {**PICTURE, "model": "rare"})
    assert response.status_code == 422
    assert b"tier: flower" in response.content
    assert b"three red boats" in response.content


def test_a_shape_is_made_smaller_for_a_model_that_takes_less():
    assert fitted((1280, 720), 1024) == (1024, 576)
    assert fitted((720, 1280), 2048) == (720, 1280)


def test_make_one_like_it_fills_the_form(client, make):
    row = make(prompt="a red fox", asked={"seed": 7, "width": 1280, "height": 720})
    content = client.get(f"/create?from={row.public_id}").content.decode()
    assert ">a red fox</textarea>" in content
    assert 'value="7"' in content
    assert 'value="16:9" data-width="1280" data-height="720" checked' in content


def test_somebody_elses_private_item_fills_nothing(client, make):
    row = make(prompt="a secret", visibility="private")
    assert b"a secret" not in client.get(f"/create?from={row.public_id}").content


def test_the_code_follows_the_form(client, db):
    response = client.post("/create/code", {**PICTURE, "prompt": "blue boats", "seed": "9"})
    assert b"blue%20boats" in response.content
    assert b"<html" not in response.content
    assert not Generation.objects.exists()


def test_what_one_made_lately_is_shown_again(client, make):
    client.post("/create", PICTURE)
    assert b"What you made lately" in client.get("/create").content


def picture(colour: str = "tomato") -> SimpleUploadedFile:
    return SimpleUploadedFile("picture.jpg", jpeg(48, 32, colour), "image/jpeg")


EDIT = {**PICTURE, "model": "kontext", "shape": "own"}


def test_every_setting_of_the_api_is_taken(client, db):
    more = {"negative_prompt": "rain", "quality": "hd", "guidance_scale": "7.5"}
    flags = ("enhance", "safe", "transparent", "nologo")
    client.post("/create", {**PICTURE, **more, **dict.fromkeys(flags, "on")})
    request = Generation.objects.get().request()
    assert (request.negative_prompt, request.quality, request.guidance_scale) == ("rain", "hd", 7.5)
    assert all((request.enhance, request.safe, request.transparent))


def test_several_pictures_are_queued_with_seeds_that_follow_each_other(client, db):
    response = client.post("/create", {**PICTURE, "count": "3", "seed": "7"})
    jobs = Generation.objects.order_by("pk")
    assert [job.request().seed for job in jobs] == [7, 8, 9]
    page = client.get(response.headers["Location"])
    assert [tile.generation.public_id for tile in page.context["tiles"]] == [job.public_id for job in reversed(jobs)]


def test_what_finds_no_place_in_line_is_said_and_the_rest_is_made(client, db, monkeypatch):
    queue = intake.enqueue
    places = iter((True, True, False))

    def enqueue(*args):
        if not next(places):
            raise LineFull("Queue full.")
        return queue(*args)

    monkeypatch.setattr(intake, "enqueue", enqueue)
    response = client.post("/create", {**PICTURE, "count": "4"}, follow=True)
    assert Generation.objects.count() == 2
    assert "2 of 4 were started. Queue full." in response.content.decode()


def test_a_picture_that_is_brought_along_is_worked_on(client, db):
    client.post("/create", {**EDIT, "pictures": picture()})
    job = Generation.objects.get()
    assert len(job.request().images) == 1
    assert (job.request().width, job.request().height) == (0, 0)
    assert job.visibility == "private"


def test_a_picture_survives_a_mistake_and_is_sent_by_its_words(client, db):
    content = client.post("/create", {**EDIT, "prompt": "", "pictures": picture()}).content.decode()
    words = re.search(r'name="kept" value="([^"]+)" checked', content)[1]
    client.post("/create", {**EDIT, "kept": words})
    assert Generation.objects.get().request().images == (signing.loads(words, salt=brought.SALT),)


def test_a_picture_is_seen_by_the_page_that_names_it(client, db):
    picture = brought.take(jpeg())
    response = client.get(picture.href)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/jpeg")
    assert response.headers["Cache-Control"].startswith("private")
    assert client.get(f"/create/brought/{picture.digest}").status_code == 404
    assert client.get(f"{picture.href}x").status_code == 404


def test_words_that_are_not_ours_name_no_picture(client, db):
    digest = brought.take(jpeg()).digest
    response = client.post("/create", {**EDIT, "kept": [digest, signing.dumps(digest, salt="another")]})
    assert response.status_code == 422
    assert b"Give a picture, or choose a shape." in response.content


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": "flux"}, "flux paints from words only. These models change a picture: kontext."),
        ({"pictures": SimpleUploadedFile("x.png", b"<svg onload=alert(1)>")}, "cannot be read"),
        ({"pictures": [picture() for _ in range(9)]}, "Up to 8 pictures can be given."),
        ({"addresses": "http://127.0.0.1/x.png"}, "address"),
        ({"addresses": "data:text/html,hello"}, "data:"),
        ({"count": "5"}, "4"),
    ],
    ids=["model", "no picture", "too many", "own network", "no data", "count"],
)
def test_a_wrong_picture_is_a_mistake_in_the_form(client, db, change, sentence):
    response = client.post("/create", {**EDIT, "pictures": picture(), **change})
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not Generation.objects.exists()


def test_a_result_can_be_begun_from(client, make):
    row = make(prompt="a red fox")
    page = client.get(f"/create?from={row.public_id}&edit")
    assert page.context["form"].value("model") == "kontext"
    assert [picture.digest for picture in page.context["form"].brought] == [row.artifact_id]


def test_a_private_result_of_somebody_else_cannot_be_begun_from(client, make):
    row = make(visibility="private")
    assert client.get(f"/create?from={row.public_id}&edit").context["form"].brought == []


def test_the_code_sends_a_picture_as_the_form_does(client, db):
    asked = {**EDIT, "addresses": "https://example.org/a.png", "files": "0"}
    assert b"image=https%3A%2F%2Fexample.org%2Fa.png" in client.post("/create/code", asked).content
    response = client.post("/create/code", {**asked, "files": "2"})
    curl = response.context["samples"][0].code
    assert "--form image=@input-1.png" in curl
    assert "--form image=@input-2.png" in curl
    assert "width=" not in curl


@pytest.mark.parametrize("files", ["", "-1", "nine", "999999999999999999999"])
def test_a_nonsensical_number_of_files_breaks_no_code(client, db, files):
    assert client.post("/create/code", {**EDIT, "files": files}).status_code == 200


def test_limits_are_told_before_they_bite(client, db, settings):
    slow = settings.DESIGN.tiers["anonymous"].model_copy(update={"interval": 15})
    settings.DESIGN = settings.DESIGN.model_copy(update={"tiers": {**settings.DESIGN.tiers, "anonymous": slow}})
    assert b"one start every 15 s" in client.get("/create").content
    client.post("/create", PICTURE)
    content = client.get("/create").content.decode()
    assert re.search(r'data-wait="1[0-5]"', content)
    assert "places in your line, 1 are taken" in content


def test_a_model_of_a_higher_tier_is_shown_with_the_tier_that_opens_it(client, db):
    assert "rare — from tier flower" in client.get("/create").content.decode()


def test_another_browser_has_made_nothing(client, db):
    client.post("/create", PICTURE)
    job = Generation.objects.get()
    assert client.get("/jobs").context["tiles"]
    assert not Client().get(f"/jobs?id={job.public_id}").context["tiles"]


def test_the_list_alone_is_fetched_again_while_something_is_being_made(client, db):
    client.post("/create", PICTURE)
    page = client.get("/jobs").content.decode()
    part = client.get(html.unescape(re.search(r'data-part="([^"]+)"', page)[1])).content
    assert b"In line" in part
    assert b"<html" not in part


ASKED = {"mode": "text", "prompt": "What is this?", "model": "openai"}


def test_every_setting_of_an_answer_is_taken(client, db):
    options = {"temperature": "0.5", "top_p": "0.9", "presence_penalty": "-1", "frequency_penalty": "1"}
    client.post("/create", {**ASKED, **options, "max_tokens": "50", "seed": "7", "json": "on"})
    said = Generation.objects.get().request().options
    assert said == {
        "temperature": 0.5,
        "top_p": 0.9,
        "presence_penalty": -1.0,
        "frequency_penalty": 1.0,
        "max_tokens": 50,
        "seed": 7,
        "response_format": {"type": "json_object"},
    }


def test_a_question_about_a_picture_is_private_and_can_be_asked_again(client, db):
    client.post("/create", {**ASKED, "public": "on", "pictures": picture()})
    job = Generation.objects.get()
    assert (job.visibility, job.prompt) == ("private", "What is this?\n[image]")
    form = client.get(f"/create?from={job.public_id}").context["form"]
    assert form.value("prompt") == "What is this?"
    assert len(form.brought) == 1


def test_a_model_that_does_not_see_says_so_in_the_form(client, db):
    response = client.post("/create", {**ASKED, "model": "mistral", "pictures": picture()})
    assert response.status_code == 422
    assert b"mistral does not see pictures. These models do: openai, " in response.content


def test_code_about_a_picture_tells_no_digest(client, db):
    digest = brought.take(jpeg())
    response = client.post("/create/code", {**ASKED, "kept": digest.words})
    shown = "".join(sample.code for sample in response.context["samples"])
    assert "data:image/png;base64," in shown
    assert digest.digest not in shown


def test_speech_is_made_in_the_format_that_was_chosen(client, db):
    client.post("/create", {"mode": "speech", "prompt": "Hello", "model": "openai-audio", "voice": "nova"})
    client.post(
        "/create", {"mode": "speech", "prompt": "Hi", "model": "openai-audio", "voice": "nova", "format": "wav"}
    )
    assert [job.request().format for job in Generation.objects.order_by("pk")] == ["mp3", "wav"]


@pytest.mark.parametrize("page", ["/create", "/create?mode=text", "/jobs", "/chat"])
def test_a_page_asks_the_database_as_often_for_one_result_as_for_many(
    client, make, page, django_assert_max_num_queries
):
    made = [make(prompt=f"fox {n}").public_id for n in range(12)]
    session = client.session
    session["jobs"] = made
    session.save()
    with django_assert_max_num_queries(4):
        assert client.get(page).status_code == 200


def test_the_code_is_shown_without_scripts_too(client, db):
    response = client.post("/create", {**EDIT, "prompt": "blue boats", "pictures": picture(), "code": "show"})
    assert response.status_code == 200
    assert "blue%20boats" in response.context["samples"][0].code
    assert len(response.context["form"].brought) == 1
    assert not Generation.objects.exists()
