import pytest

from generation.models import Generation, State
from generation.web.forms import fitted

PICTURE = {"mode": "image", "prompt": "three red boats", "model": "flux", "shape": "16:9", "public": "on"}


@pytest.mark.parametrize("mode", ["image", "text", "speech"])
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
    asked = {"mode": "text", "prompt": "Hello?", "system": "Be brief.", "model": "openai", "temperature": "0.5"}
    client.post("/create", asked)
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
