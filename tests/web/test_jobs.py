import pytest
from django.test import Client
from django.utils import timezone

from generation.models import Generation, State
from tests.web.test_create import PICTURE


@pytest.fixture
def job(client, db) -> Generation:
    """A private picture that this client asked for."""
    client.post("/create", {key: value for key, value in PICTURE.items() if key != "public"})
    return Generation.objects.get()


def finish(job: Generation, make, **columns) -> None:
    result = make(prompt="the result")
    values = {"state": State.SUCCEEDED, "artifact": result.artifact, "width": 64, "height": 64, **columns}
    Generation.objects.filter(pk=job.pk).update(finished_at=timezone.now(), **values)


def test_a_waiting_job_refreshes_itself_without_scripts(client, job):
    content = client.get(f"/jobs/{job.public_id}").content
    assert b'<noscript><meta http-equiv="refresh" content="3"></noscript>' in content
    assert b"You are next." in content


def test_it_says_how_many_are_before(client, job):
    client.post("/create", PICTURE)
    later = Generation.objects.order_by("-pk").first()
    assert client.get(f"/jobs/{later.public_id}/state.json").json()["detail"] == "1 job is before yours."


@pytest.mark.parametrize("tail", ["", "/state.json", "/media"])
def test_somebody_elses_job_is_not_there(job, make, tail):
    finish(job, make)
    assert Client().get(f"/jobs/{job.public_id}{tail}").status_code == 404


def test_a_private_result_is_shown_to_its_maker_on_the_job_page(client, job, make):
    finish(job, make)
    content = client.get(f"/jobs/{job.public_id}").content.decode()
    assert f'src="/jobs/{job.public_id}/media"' in content
    assert "Only this browser can open this page" in content
    assert client.get(f"/p/{job.public_id}").status_code == 404
    media = client.get(f"/jobs/{job.public_id}/media")
    assert (media.status_code, media.headers["Content-Type"]) == (200, "image/jpeg")
    assert media.headers["Cache-Control"].startswith("max-age=0")


def test_a_public_result_leads_to_its_item(client, job, make):
    finish(job, make, visibility="public")
    assert client.get(f"/jobs/{job.public_id}").headers["Location"] == f"/p/{job.public_id}"
    state = client.get(f"/jobs/{job.public_id}/state.json").json()
    assert (state["is_final"], state["url"]) == (True, f"/p/{job.public_id}")


def test_a_failure_says_why_and_keeps_the_prompt(client, job):
    Generation.objects.filter(pk=job.pk).update(state=State.FAILED, error_message="The engine is on strike.")
    content = client.get(f"/jobs/{job.public_id}").content.decode()
    assert "The engine is on strike." in content
    assert f"/create?from={job.public_id}" in content
    assert b">three red boats</textarea>" in client.get(f"/create?from={job.public_id}").content


def test_its_maker_can_cancel_it(client, job):
    client.post(f"/jobs/{job.public_id}/cancel")
    job.refresh_from_db()
    assert job.state == State.CANCELLED
    assert b"You stopped this job" in client.get(f"/jobs/{job.public_id}").content


def test_nobody_else_can_cancel_it(job):
    assert Client().post(f"/jobs/{job.public_id}/cancel").status_code == 404
    job.refresh_from_db()
    assert job.state == State.QUEUED


def test_cancelling_needs_a_form_of_ours(job, client):
    stranger = Client(enforce_csrf_checks=True)
    stranger.cookies = client.cookies
    response = stranger.post(f"/jobs/{job.public_id}/cancel")
    assert response.status_code == 403
    assert b"The form had expired." in response.content
