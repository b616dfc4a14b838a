"""Speech and transcription over the whole application, by the scripted provider."""

import asyncio
import base64
import json

import httpx
import pytest
from asgiref.sync import sync_to_async

from generation import handoff, store
from generation.errors import ProviderError
from generation.models import Artifact, Generation
from tests.generation.sounds import sound_file

SAY = {"model": "tts-1", "input": "Hello world.", "voice": "nova"}
SOUND = sound_file("wav")
SEGMENT = {"start": 0.0, "end": 1.5, "text": " Hel", "tokens": [1], "seek": 0}
SEGMENTS = [SEGMENT, {**SEGMENT, "start": 3661.25, "end": 3662.0, "text": " lo --> there"}]


def heard(data: bytes = SOUND, **more) -> dict:
    """A chat that carries a recording."""
    part = {"type": "input_audio", "input_audio": {"data": base64.b64encode(data).decode(), "format": "wav"}}
    content = [{"type": "text", "text": "Transcribe this:"}, part]
    return {"model": "openai-audio", "messages": [{"role": "user", "content": content}], **more}


def spoken(**more) -> dict:
    asked = {"modalities": ["text", "audio"], "audio": {"voice": "echo", "format": "wav"}}
    return {"model": "openai-audio", "messages": [{"role": "user", "content": "Hello world."}], **asked, **more}


def events(body: str) -> list:
    found = [part.removeprefix("data: ") for part in body.strip().split("\n\n")]
    return [part if part == "[DONE]" else json.loads(part) for part in found]


async def transcribe(client, data: bytes = SOUND, **fields) -> httpx.Response:
    return await client.post("/v1/audio/transcriptions", data=fields, files={"file": ("a.wav", data)})


# --- /v1/audio/speech -------------------------------------------------------------------------------------------------


async def test_speech_is_the_input_in_the_voice_and_format_asked_for(client, working):
    answer = await client.post("/v1/audio/speech", json={**SAY, "response_format": "opus", "speed": 1.5})
    assert (answer.status_code, answer.content) == (200, b"ID3sound")
    request = working.calls[0]
    assert (request.text, request.voice, request.format, request.speed) == ("Hello world.", "nova", "opus", 1.5)
    assert answer.headers["content-length"] == "8"


async def test_speech_is_private_and_given_again_to_the_same_caller(client):
    first = await client.post("/v1/audio/speech", json=SAY)
    assert (first.headers["x-visibility"], first.headers["x-cache"]) == ("private", "MISS")
    assert first.headers["cache-control"] == "private, no-store"
    assert (await client.post("/v1/audio/speech", json=SAY)).headers["x-cache"] == "HIT"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"input": ""}, "input"),
        ({"input": 7}, "input"),
        ({"input": "a" * 4097}, "4096"),
        ({"voice": "nobody"}, "alloy, echo, fable, onyx, nova, shimmer"),
        ({"voice": {"id": "x"}}, "voice"),
        ({"response_format": "midi"}, "mp3, opus, aac, flac, wav, pcm"),
        ({"speed": "fast"}, "speed"),
    ],
)
async def test_what_cannot_be_spoken_is_refused_in_openais_shape(client, change, says):
    answer = await client.post("/v1/audio/speech", json={**SAY, **change})
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]


async def test_an_unknown_speech_model_is_404(client):
    answer = await client.post("/v1/audio/speech", json={**SAY, "model": "flux"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("asked", [{"stream": True}, {"stream_format": "audio"}])
async def test_a_stream_is_the_pieces_as_they_are_made(client, working, asked):
    working.sounds = [b"ID3a", b"b" * 300_000, b"c"]  # the second takes two entries of the handoff
    answer = await client.post("/v1/audio/speech", json={**SAY, **asked})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/mpeg")
    assert answer.content == b"".join(working.sounds)
    again = await client.post("/v1/audio/speech", json={**SAY, **asked})
    assert (again.headers["x-cache"], again.content) == ("HIT", b"ID3sound")


async def test_the_first_sound_comes_before_the_last_is_made(client, working):
    """By the application's own messages: httpx's in-process transport gives an answer only when it is whole."""
    from pollweb.asgi import application

    working.sounds, working.held_after = [b"first", b"last"], 1
    body = json.dumps({**SAY, "stream": True}).encode()
    said: asyncio.Queue = asyncio.Queue()
    incoming: asyncio.Queue = asyncio.Queue()
    incoming.put_nowait({"type": "http.request", "body": body})
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/v1/audio/speech",
        "raw_path": b"/v1/audio/speech",
        "query_string": b"",
        "scheme": "http",
        "headers": [(b"host", b"localhost:8000"), (b"content-length", str(len(body)).encode())],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 8000),
    }
    answering = asyncio.ensure_future(application(scope, incoming.get, said.put))
    received = b""
    async with asyncio.timeout(10):
        while b"first" not in received:
            received += (await said.get()).get("body", b"")
        assert not answering.done()
        working.held_after = 0
        await answering
    while not said.empty():
        received += said.get_nowait().get("body", b"")
    assert received == b"firstlast"


async def test_a_stream_of_events_holds_the_sound_and_an_end(client, working):
    working.sounds = [b"ab", b"cd"]
    answer = await client.post("/v1/audio/speech", json={**SAY, "stream_format": "sse"})
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    *deltas, done = events(answer.text)
    assert [base64.b64decode(delta["audio"]) for delta in deltas] == [b"ab", b"cd"]
    assert {delta["type"] for delta in deltas} == {"speech.audio.delta"}
    assert done["type"] == "speech.audio.done"


async def test_an_error_before_the_first_sound_has_its_status(client, working):
    working.failures = 99
    answer = await client.post("/v1/audio/speech", json={**SAY, "stream": True})
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_failed")


async def test_a_sound_with_a_hole_is_an_error_and_no_sound(client, working, monkeypatch):
    working.sounds = [b"ab", b"cd", b"ef"]
    send = handoff.Sender.send

    async def forgetful(self, piece):
        if piece.get("data") != b"cd":
            await send(self, piece)

    monkeypatch.setattr(handoff.Sender, "send", forgetful)
    answer = await client.post("/v1/audio/speech", json={**SAY, "stream_format": "sse"})
    assert events(answer.text)[-1]["error"]["code"] == "sound_lost"


async def test_a_client_that_leaves_in_the_middle_stops_the_work(client, working):
    working.sounds, working.held_after = [b"first", b"last"], 1
    asking = asyncio.ensure_future(client.post("/v1/audio/speech", json={**SAY, "stream": True}))
    async with asyncio.timeout(10):
        while not working.calls:
            await asyncio.sleep(0.01)
        asking.cancel()
        while not working.stopped:
            await asyncio.sleep(0.01)


# --- chats that speak -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/openai", "/v1/chat/completions"])
async def test_a_chat_is_answered_by_the_users_words_as_sound(client, working, path):
    body = (await client.post(path, json=spoken())).json()
    message = body["choices"][0]["message"]
    assert (message["role"], message["content"]) == ("assistant", None)
    assert base64.b64decode(message["audio"]["data"]) == b"ID3sound"
    assert message["audio"]["transcript"] == "Hello world."
    assert isinstance(message["audio"]["expires_at"], int)
    assert message["audio"]["id"].startswith("audio_")
    request = working.calls[0]
    assert (request.text, request.voice, request.format) == ("Hello world.", "echo", "wav")


async def test_the_last_words_of_the_user_are_spoken_not_the_systems(client, working):
    messages = [
        {"role": "system", "content": "Be a pirate."},
        {"role": "user", "content": "One."},
        {"role": "assistant", "content": "Two."},
        {"role": "user", "content": [{"type": "text", "text": "Three."}]},
    ]
    await client.post("/openai", json=spoken(messages=messages))
    assert working.calls[0].text == "Three."


async def test_a_spoken_chat_streams_chunks_of_sound(client, working):
    working.sounds = [b"ab", b"cd"]
    body = spoken(stream=True, stream_options={"include_usage": True})
    body["audio"] = {"voice": "alloy", "format": "pcm16"}
    answer = await client.post("/openai", json=body)
    first, one, two, expiry, finish, usage, done = events(answer.text)
    assert first["choices"][0]["delta"]["audio"]["transcript"] == "Hello world."
    assert [base64.b64decode(c["choices"][0]["delta"]["audio"]["data"]) for c in (one, two)] == [b"ab", b"cd"]
    assert "expires_at" in expiry["choices"][0]["delta"]["audio"]
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"] == []
    assert done == "[DONE]"
    assert working.calls[0].format == "pcm"


async def test_a_stream_of_the_guides_own_doors_is_sound_too(client, working):
    working.sounds = [b"ab"]
    body = {"model": "openai-audio", "messages": [{"role": "user", "content": "Hello."}], "stream": True}
    for answer in (
        await client.get("/text/Hello.?model=openai-audio&stream=true"),
        await client.post("/text/", json=body),
    ):
        chunks = events(answer.text)
        assert base64.b64decode(chunks[1]["choices"][0]["delta"]["audio"]["data"]) == b"ab"
    assert {call.format for call in working.calls} <= {"pcm", "mp3"}


@pytest.mark.parametrize(
    "change",
    [
        {"modalities": ["text"]},
        {"messages": [{"role": "user", "content": " "}]},
        {"messages": []},
        {"audio": {"voice": "nobody"}},
        {"audio": {"voice": ["alloy"]}},
        {"audio": {"voice": "alloy", "format": "midi"}},
    ],
)
async def test_a_chat_that_cannot_be_spoken_is_refused(client, change):
    answer = await client.post("/openai", json=spoken(**change))
    assert answer.status_code == 400


# --- chats that hear --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/openai", "/v1/chat/completions"])
async def test_a_recording_in_a_chat_is_answered_by_what_was_said(client, working, path):
    answer = await client.post(path, json=heard())
    assert answer.json()["choices"][0]["message"] == {"role": "assistant", "content": "Hello"}
    assert answer.headers["x-visibility"] == "private"
    assert working.calls[0].data == SOUND
    row = await sync_to_async(Generation.objects.get)()
    assert row.params["recording"] == store.digest_of(SOUND)
    assert "data" not in row.params


async def test_the_same_recording_is_not_written_down_twice(client, working):
    await client.post("/openai", json=heard())
    again = await transcribe(client)
    assert again.headers["x-cache"] == "HIT"
    other = await transcribe(client, sound_file("mp3"))
    assert other.headers["x-cache"] == "MISS"
    assert len(working.calls) == 2


async def test_a_heard_chat_streams_words(client):
    answer = await client.post("/openai", json=heard(stream=True))
    chunks = events(answer.text)
    assert [c["choices"][0]["delta"].get("content") for c in chunks[:-2]] == ["Hel", "lo"]
    assert chunks[-1] == "[DONE]"


@pytest.mark.parametrize("prefix", ["data:audio/wav;base64,", "data:;base64,", "\n"])
async def test_base64_is_taken_as_clients_write_it(client, working, prefix):
    body = heard()
    given = body["messages"][0]["content"][1]["input_audio"]
    given["data"] = prefix + given["data"][:100] + "\n" + given["data"][100:].rstrip("=")
    assert (await client.post("/openai", json=body)).status_code == 200
    assert working.calls[0].data == SOUND


@pytest.mark.parametrize(
    "given",
    [{"data": "%%%"}, {"data": ""}, {"data": 7}, {}, "abc", None, {"data": "data:audio/wav,abc"}, {"data": "ü"}],
)
async def test_a_recording_that_is_none_is_refused(client, given):
    body = heard()
    body["messages"][0]["content"][1]["input_audio"] = given
    answer = await client.post("/openai", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_audio")


async def test_a_chat_model_that_does_not_hear_says_so(client, settings, monkeypatch):
    monkeypatch.setattr("generation.intake.registry.is_local", lambda name: True)
    answer = await client.post("/v1/chat/completions", json={**heard(), "model": "openai"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "audio_not_supported")


async def test_a_transcription_model_needs_a_recording(client):
    body = {"model": "whisper-1", "messages": [{"role": "user", "content": "Hello."}]}
    assert (await client.post("/v1/chat/completions", json=body)).status_code == 400


async def test_post_answers_a_recording_with_its_words(client):
    answer = await client.post("/text/", json=heard())
    assert (answer.text, answer.headers["content-type"]) == ("Hello", "text/plain; charset=utf-8")


# --- /v1/audio/transcriptions -----------------------------------------------------------------------------------------


async def test_a_recording_is_written_down(client, working):
    answer = await transcribe(client, model="whisper-1", language="en-GB", prompt="Mr Smith", temperature="0.5")
    assert answer.json() == {"text": "Hello", "usage": {"type": "duration", "seconds": 2}}
    request = working.calls[0]
    assert (request.data, request.language, request.hint, request.temperature) == (SOUND, "en", "Mr Smith", 0.5)
    assert answer.headers["x-visibility"] == "private"


@pytest.mark.parametrize(
    ("format", "type", "body"),
    [
        ("text", "text/plain; charset=utf-8", "Hello\n"),
        (
            "srt",
            "text/plain; charset=utf-8",
            "1\n00:00:00,000 --> 00:00:01,500\nHel\n\n2\n01:01:01,250 --> 01:01:02,000\nlo → there\n\n",
        ),
        (
            "vtt",
            "text/vtt; charset=utf-8",
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHel\n\n01:01:01.250 --> 01:01:02.000\nlo → there\n\n",
        ),
    ],
)
async def test_transcripts_come_in_each_format(client, working, format, type, body):
    working.segments = SEGMENTS
    answer = await transcribe(client, response_format=format)
    assert (answer.headers["content-type"], answer.text) == (type, body)


async def test_a_verbose_transcript_tells_language_length_and_segments(client, working):
    working.segments = SEGMENTS
    body = (await transcribe(client, response_format="verbose_json")).json()
    assert (body["task"], body["language"], body["duration"], body["text"]) == ("transcribe", "english", 2.0, "Hello")
    assert [segment["id"] for segment in body["segments"]] == [0, 1]
    assert body["segments"][1]["start"] == 3661.25


async def test_words_are_asked_for_only_where_they_are_wanted(client, working):
    await transcribe(client, **{"timestamp_granularities[]": "word", "response_format": "verbose_json"})
    await transcribe(client, **{"timestamp_granularities[]": "segment", "response_format": "verbose_json"})
    assert [call.words for call in working.calls] == [True, False]


async def test_a_transcript_streams_as_events(client):
    answer = await transcribe(client, stream="true")
    assert events(answer.text) == [
        {"type": "transcript.text.delta", "delta": "Hel"},
        {"type": "transcript.text.delta", "delta": "lo"},
        {"type": "transcript.text.done", "text": "Hello"},
    ]
    again = await transcribe(client, stream="true")
    assert events(again.text)[0]["delta"] == "Hello"


@pytest.mark.parametrize(
    "fields",
    [
        {"response_format": "docx"},
        {"language": "English please"},
        {"temperature": "warm"},
        {"timestamp_granularities[]": "letter"},
        {"prompt": "a" * 2001},
        {"prompt": "a\0b"},
    ],
)
async def test_a_field_that_cannot_be_is_refused(client, fields):
    answer = await transcribe(client, **fields)
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


async def test_an_empty_file_is_refused(client):
    answer = await transcribe(client, b"")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_audio")


@pytest.mark.parametrize(
    ("type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"nothing like a form"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nno file\r\n--x--',
        ),
        ("multipart/form-data; boundary=" + "x" * 300, b"--x--"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n\r\n' * 2000),
    ],
)
async def test_a_form_that_is_none_is_refused(client, type, body):
    answer = await client.post("/v1/audio/transcriptions", content=body, headers={"content-type": type})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("invalid_form", "invalid_parameter")


async def test_a_recording_that_is_refused_leaves_nothing_behind(client):
    answer = await transcribe(client, model="nonsense")
    assert answer.status_code == 404
    assert not await sync_to_async(Artifact.objects.exists)()


async def test_a_recording_has_no_address(client):
    await transcribe(client)
    row = await sync_to_async(Generation.objects.get)()
    assert (await client.get(f"/media/{row.public_id}/original")).status_code == 404
    assert row.artifact_id is None


async def test_a_provider_that_cannot_read_it_is_no_failure_of_the_server(client, working):
    from generation.errors import InvalidRequest

    working.error = InvalidRequest("The audio file is damaged.", code="invalid_audio")
    answer = await transcribe(client)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_audio")
    working.error = ProviderError("It broke.")
    assert (await transcribe(client, sound_file("mp3"))).status_code == 502


async def test_there_are_no_translations(client):
    answer = await client.post("/v1/audio/translations", files={"file": ("a.wav", SOUND)})
    assert answer.status_code == 404


async def test_lists_say_what_speaks_and_what_hears(client):
    models = {model["name"]: model for model in (await client.get("/text/models")).json()}
    audio = models["openai-audio"]
    assert (audio["input_modalities"], audio["output_modalities"]) == (["text", "audio"], ["audio", "text"])
    assert models["openai"]["output_modalities"] == ["text"]
    assert "whisper-1" in [model["id"] for model in (await client.get("/v1/models")).json()["data"]]


async def test_a_job_keeps_a_transcription(client):
    answer = await client.post(
        "/v1/audio/transcriptions", files={"file": ("a.wav", SOUND)}, headers={"prefer": "respond-async"}
    )
    assert answer.status_code == 202
    url = answer.json()["url"]
    async with asyncio.timeout(10):
        while (job := (await client.get(url)).json())["status"] not in ("succeeded", "failed"):
            await asyncio.sleep(0.02)
    assert job["status"] == "succeeded"
    result = await client.get(job["result_url"])
    assert result.json()["choices"][0]["message"]["content"] == "Hello"
