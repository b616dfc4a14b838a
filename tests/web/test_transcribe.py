"""A recording is sent by a form and comes back as text and subtitles."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from generation import store
from generation.models import Generation, State
from generation.requests import TranscriptionRequest

SEGMENTS = [{"start": 0.0, "end": 1.5, "text": " Hello"}, {"start": 1.5, "end": 2.0, "text": " <b>world</b> --> you"}]


def asked(**more):
    recording = SimpleUploadedFile("a.mp3", b"ID3 a recording", "audio/mpeg")
    return {"mode": "transcribe", "model": "whisper-1", "recording": recording, **more}


@pytest.fixture
def job(client, db) -> Generation:
    """A recording that was written down for this client."""
    client.post("/create", asked())
    words = "Hello <b>world</b> --> you"
    Generation.objects.update(
        state=State.SUCCEEDED,
        response=words,
        message={"role": "assistant", "content": words},
        notes={"language": "en", "segments": SEGMENTS},
        duration=2.0,
        finished_at=timezone.now(),
    )
    return Generation.objects.get()


def test_a_recording_is_queued_and_private(client, db):
    response = client.post("/create", asked(language="en", prompt="pollweb"))
    job = Generation.objects.get()
    request = job.request()
    assert response.headers["Location"] == f"/jobs/{job.public_id}"
    assert isinstance(request, TranscriptionRequest)
    assert (request.language, request.hint, job.visibility) == ("en", "pollweb", "private")
    assert store.read(request.recording) == b"ID3 a recording"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"recording": ""}, "Choose a recording, or make one."),
        ({"recording": SimpleUploadedFile("a.mp3", b"")}, "empty"),
        ({"language": "<script>"}, "A code such as en or zh is needed."),
        ({"prompt": "x" * 2001}, "2000"),
    ],
    ids=["none", "empty", "language", "hint"],
)
def test_a_mistake_is_said_and_nothing_is_started(client, db, change, sentence):
    response = client.post("/create", asked(**change))
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not Generation.objects.exists()


def test_the_words_are_shown_and_run_nothing(client, job):
    content = client.get(f"/jobs/{job.public_id}").content.decode()
    assert "Hello &lt;b&gt;world&lt;/b&gt;" in content
    assert f"/jobs/{job.public_id}/transcript.srt" in content


@pytest.mark.parametrize(
    ("format", "media_type", "begins"),
    [
        ("txt", "text/plain", "Hello <b>"),
        ("srt", "application/x-subrip", "1\n00:00:00,000 --> 00:00:01,500\nHello\n"),
        ("vtt", "text/vtt", "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHello\n"),
    ],
)
def test_it_is_downloaded_as_text_and_as_subtitles(client, job, format, media_type, begins):
    response = client.get(f"/jobs/{job.public_id}/transcript.{format}")
    assert response.headers["Content-Type"].startswith(media_type)
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.content.decode().startswith(begins)


def test_nobody_else_can_read_it(job):
    assert Client().get(f"/jobs/{job.public_id}/transcript.txt").status_code == 404


def test_what_is_no_recording_has_no_transcript(client, make):
    row = make("text", response="Paris")
    assert client.get(f"/jobs/{row.public_id}/transcript.txt").status_code == 404


def test_the_form_is_filled_again_without_the_recording(client, job):
    page = client.get(f"/create?from={job.public_id}")
    assert page.context["form"].mode == "transcribe"


def test_the_code_sends_a_file(client, db):
    response = client.post("/create/code", {"mode": "transcribe", "model": "whisper-1", "language": "zh"})
    assert "--form file=@recording.mp3" in response.context["samples"][0].code
    assert "language=zh" in response.context["samples"][0].code
