"""A recording is sent by a form, or fetched from its address, and comes back as text and subtitles."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from generation import store
from generation.models import Generation, State
from generation.requests import TranscriptionRequest
from pollweb.lib.fetch import MOST_BYTES

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
        ({"recording": ""}, "Choose a recording, make one, or give its address."),
        ({"address": "https://example.org/a.mp3"}, "Choose a recording or give its address, not both."),
        ({"recording": "", "address": "http://127.0.0.1/a.mp3"}, "This address is not fetched."),
        ({"recording": "", "address": "file:///etc/passwd"}, "This address is not fetched."),
        ({"recording": SimpleUploadedFile("a.mp3", b"")}, "empty"),
        ({"language": "<script>"}, "A code such as en or zh is needed."),
        ({"prompt": "x" * 2001}, "2000"),
    ],
    ids=["none", "both", "own network", "no web address", "empty", "language", "hint"],
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


# --- by its address ---------------------------------------------------------------------------------------------------

PAGES = {
    "/a.mp3": (200, "audio/mpeg", b"ID3 a recording"),
    "/empty.mp3": (200, "audio/mpeg", b""),
    "/page.html": (200, "text/html", b"<p>"),
    "/huge.mp3": (200, "audio/mpeg", b"x" * (MOST_BYTES + 1)),
}


class Shelf(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, media_type, body = PAGES.get(self.path, (404, "text/plain", b""))
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:1000])

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def shelf(settings) -> Iterator[ThreadingHTTPServer]:
    """Recordings by address; the operator allows this one server of the machine. `asked` holds what was asked for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    server.asked = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    settings.FETCH_ALLOW = [f"127.0.0.1:{server.server_port}"]
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_recording_is_fetched_from_its_address_once(client, db, shelf):
    response = client.post("/create", asked(recording="", address=f" {shelf.url}/a.mp3 ", language="en"))
    job = Generation.objects.get()
    assert response.headers["Location"] == f"/jobs/{job.public_id}"
    assert store.read(job.request().recording) == b"ID3 a recording"
    assert job.visibility == "private"
    assert shelf.asked == ["/a.mp3"]


@pytest.mark.parametrize(
    ("path", "english", "chinese"),
    [
        ("/none.mp3", "its server answered with status 404", "服务器返回了状态 404"),
        ("/page.html", "needed is audio/…, video/….", "需要的是 audio/…, video/…"),
        ("/huge.mp3", "The file is larger than 16 MiB.", "文件超过 16 MiB"),
        ("/empty.mp3", "The file at this address is empty.", "此地址上的文件是空的"),
    ],
)
def test_an_address_without_a_recording_is_a_mistake_told_in_the_readers_language(
    client, db, shelf, path, english, chinese
):
    wish = asked(recording="", address=shelf.url + path)
    for sentence, headers in ((english, {}), (chinese, {"Accept-Language": "zh-hans"})):
        page = client.post("/create", wish, headers=headers)
        assert page.status_code == 422
        assert sentence in page.content.decode()
        assert shelf.url + path in page.content.decode()  # nothing typed is lost
    assert not Generation.objects.exists()


def test_nothing_is_fetched_for_a_form_with_another_mistake(client, db, shelf):
    page = client.post("/create", asked(recording="", address=f"{shelf.url}/a.mp3", language="<script>"))
    assert page.status_code == 422
    assert shelf.asked == []


def test_the_code_is_the_same_where_an_address_is_given(client, db, shelf):
    wish = {"mode": "transcribe", "model": "whisper-1", "address": f"{shelf.url}/a.mp3"}
    response = client.post("/create/code", wish)
    assert "--form file=@recording.mp3" in response.context["samples"][0].code
    assert shelf.asked == []
