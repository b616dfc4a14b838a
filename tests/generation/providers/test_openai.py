"""The provider for servers of OpenAI's dialect."""

import io

import pytest
from PIL import Image

from generation.errors import ProviderError
from generation.providers import registry
from generation.providers.base import Provider
from generation.providers.openai_compatible import chat
from generation.requests import ChatRequest, EmbeddingRequest, ImageRequest, SpeechRequest, TranscriptionRequest
from generation.results import Delta, Result, Usage
from tests.fakes import jpeg
from tests.generation.providers.contract import WISHES, RemoteContract, failure, pieces, until
from tests.upstream import ScriptedUpstream, chunk, sound

TIMES = {"first_byte": 0.5, "whole_first_byte": 0.5, "idle": 0.5, "max_parallel": 4}


@pytest.fixture
def provider(upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.setenv("GPU_KEY", "the-key")
    options = {"kind": "openai", "base_url": f"{upstream.url}/v1", "api_key_env": "GPU_KEY", **TIMES}
    return registry.build("gpu", options)


class TestContract(RemoteContract):
    models = {"text": "m", "image": "m", "audio": "m"}


def words(heard: list) -> list[str]:
    return [piece.delta["content"] for piece in heard if isinstance(piece, Delta) and "content" in piece.delta]


async def ask(provider: Provider, **options) -> list:
    return await pieces(provider, ChatRequest(model="x", messages=WISHES["text"].messages, options=options))


async def test_it_streams_and_counts_the_tokens(provider, upstream):
    heard = await ask(provider)
    assert words(heard) == ["Hel", "lo ", "there"]
    assert heard[-1].message == {"role": "assistant", "content": "Hello there"}
    assert heard[-1].usage == Usage(5, 3)
    (call,) = upstream.calls
    assert call.headers["authorization"] == "Bearer the-key"
    assert call.headers["accept-encoding"] == "identity"
    assert call.body["stream_options"] == {"include_usage": True}


async def test_it_passes_on_options_it_does_not_know(provider, upstream):
    await ask(provider, temperature=0.5, reasoning_effort="low", extra={"min_p": 0.1})
    assert "extra" not in upstream.calls[0].body
    assert (upstream.calls[0].body["min_p"], upstream.calls[0].body["reasoning_effort"]) == (0.1, "low")


@pytest.mark.parametrize("refused", [{"stream_options"}, {"stream"}, {"stream", "stream_options"}])
async def test_it_asks_without_what_a_server_refuses_and_remembers(provider, upstream, refused):
    upstream.refuses = refused
    heard = await ask(provider)
    assert heard[-1].message["content"] == "Hello there"
    before = len(upstream.calls)
    await ask(provider)
    assert len(upstream.calls) == before + 1
    assert not refused & set(upstream.calls[-1].body)


async def test_a_whole_answer_is_one_piece_and_the_result(provider, upstream):
    upstream.refuses = {"stream"}
    heard = await ask(provider)
    assert words(heard) == ["Hello there"]
    assert heard[-1].usage == Usage(5, 3)


async def test_thoughts_and_tool_calls_are_kept(provider, upstream):
    def part(**delta):
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}

    def call(index, **function):
        return {"index": index, "function": function}

    upstream.chunks = [
        part(reasoning_content="Let me "),
        part(reasoning="see."),
        part(tool_calls=[{"id": "a", "type": "function", **call(0, name="weather", arguments="")}]),
        part(tool_calls=[call(0, arguments='{"city":')]),
        part(tool_calls=[call(0, arguments='"Oslo"}'), {"id": "b", **call(1, name="time", arguments="{}")}]),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
    ]
    *deltas, result = await ask(provider)
    assert [list(d.delta) for d in deltas] == [["reasoning_content"]] * 2 + [["tool_calls"]] * 3
    assert result.finish_reason == "tool_calls"
    assert result.message == {
        "role": "assistant",
        "content": None,
        "reasoning_content": "Let me see.",
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}},
            {"id": "b", "type": "function", "function": {"name": "time", "arguments": "{}"}},
        ],
    }


async def test_an_event_may_come_in_any_pieces_and_hold_any_character(provider, upstream):
    upstream.always = "torn"
    upstream.words = ["one\u2028two", "\u0085three", "\x0bfour", "五"]
    heard = await ask(provider)
    assert heard[-1].message["content"] == "one\u2028two\u0085three\x0bfour五"


@pytest.mark.parametrize("fault", ["early", "cut", "error_later", "garbage_later", "stall_later"])
async def test_a_stream_that_breaks_off_is_an_error_after_the_pieces_it_gave(provider, upstream, fault):
    upstream.always = fault
    heard: list = []

    async def listen() -> None:
        async for piece in provider.generate(WISHES["text"], model="m", deadline=float("inf")):
            heard.append(piece)

    with pytest.raises(ProviderError) as caught:
        await listen()
    assert words(heard) == ["Hel"]
    assert not isinstance(heard[-1], Result)
    assert "secret12345678" not in f"{caught.value.message} {caught.value.details}"


@pytest.mark.parametrize("fault", ["no_done", "linger"])
async def test_what_has_a_finish_reason_is_whole_whatever_follows(provider, upstream, fault, monkeypatch):
    monkeypatch.setattr("generation.providers.openai_compatible.chat.EPILOGUE_SECONDS", 0.1)
    upstream.always = fault
    assert (await ask(provider))[-1].message["content"] == "Hello there"


@pytest.mark.parametrize(("code", "status"), [(500, 502), (429, 503), (400, 400), (401, 502)])
async def test_an_error_in_the_first_frame_is_a_status(provider, upstream, code, status):
    upstream.always = f"error_frame={code}"
    error = await failure(provider, WISHES["text"])
    assert error.status == status
    assert "secret12345678" not in f"{error.message} {error.details}"


async def test_bytes_that_are_not_utf8_are_an_error(provider, upstream):
    upstream.always = "latin1"
    assert (await failure(provider, WISHES["text"])).code == "provider_garbled"


async def test_one_event_has_a_largest_size(provider, upstream):
    upstream.chunks = [chunk("x" * (2**20 + 10))]
    assert (await failure(provider, WISHES["text"])).code == "provider_garbled"


async def test_a_long_answer_is_whole_however_much_stands_around_its_words(provider, upstream, monkeypatch):
    monkeypatch.setattr(chat, "TEXT_BYTES", 4000)
    upstream.chunks = [chunk("word ") for _ in range(500)] + [chunk("", finish="stop")]
    heard = await ask(provider)
    assert heard[-1].message["content"] == "word " * 500
    assert sum(len(piece.event) for piece in heard if isinstance(piece, Delta)) > 10 * 4000


@pytest.mark.parametrize("delta", [{"content": "word " * 10}, {"audio": {"data": ""}}])
async def test_what_is_kept_of_a_stream_has_a_largest_size(provider, upstream, monkeypatch, delta):
    """Words by their length; of anything else the whole event counts."""
    monkeypatch.setattr(chat, "TEXT_BYTES", 4000)
    said = chunk("")
    said["choices"][0]["delta"] = delta
    upstream.chunks = [said] * 100 + [chunk("", finish="stop")]
    assert (await failure(provider, WISHES["text"])).code == "provider_garbled"


async def test_a_connection_is_used_again_after_a_whole_stream(provider, upstream):
    for _ in range(3):
        await ask(provider)
    assert upstream.open == 1


async def test_it_keeps_no_cookies_between_callers(provider, upstream):
    await ask(provider)
    await ask(provider)
    assert not any("cookie" in call.headers for call in upstream.calls)
    await until(lambda: upstream.open == 1)


async def picture(provider: Provider, **values) -> Result:
    (result,) = await pieces(provider, ImageRequest(model="x", text="a fox", **({"width": 64, "height": 48} | values)))
    return result


async def test_a_picture_is_asked_for_in_its_size_and_seed(provider, upstream):
    await picture(provider, seed=11, quality="high")
    (call,) = upstream.calls
    assert (call.body["size"], call.body["seed"], call.body["quality"], call.body["n"]) == ("64x48", 11, "high", 1)


async def test_fields_that_a_server_does_not_know_are_left_out_and_the_size_is_right_all_the_same(provider, upstream):
    upstream.refuses = {"seed", "response_format", "size"}
    result = await picture(provider)
    assert (result.width, result.height) == (64, 48)
    asked = [sorted(call.body) for call in upstream.calls if call.method == "POST"]
    assert asked[-1] == ["model", "n", "prompt"]


async def test_a_picture_by_address_is_fetched_from_the_same_server_only(provider, upstream):
    upstream.refuses = {"response_format"}
    assert (await picture(provider)).width == 64
    assert upstream.calls[-1].path == "/files/64x48.jpg"
    upstream.elsewhere = "http://127.0.0.2:80"
    error = await failure(provider, WISHES["image"])
    assert error.code == "provider_refused"


@pytest.mark.parametrize("fault", ["truncated_jpeg", "html"])
async def test_what_is_no_whole_picture_is_an_error_that_may_be_tried_again(provider, upstream, fault):
    upstream.always = fault
    error = await failure(provider, WISHES["image"])
    assert isinstance(error, ProviderError)
    assert (error.code, error.again) == ("provider_garbled", True)


async def test_a_picture_comes_without_the_metadata_it_had(provider, upstream):
    data = (await picture(provider)).data
    with Image.open(io.BytesIO(data)) as opened:
        assert (opened.format, opened.size, dict(opened.getexif())) == ("JPEG", (64, 48), {})


async def test_speech_names_voice_format_and_speed(provider, upstream):
    (result,) = await pieces(provider, SpeechRequest(model="x", text="Hello", voice="nova", format="wav", speed=1.5))
    assert result.data[:4] == b"RIFF"
    body = upstream.calls[0].body
    assert (body["input"], body["voice"], body["response_format"], body["speed"]) == ("Hello", "nova", "wav", 1.5)


async def test_bare_samples_are_speech_where_they_were_asked_for(provider, upstream):
    (result,) = await pieces(provider, SpeechRequest(model="x", text="Hello", format="pcm"))
    assert result.duration == pytest.approx(0.2)


async def test_given_pictures_are_sent_along_to_be_edited(provider, upstream):
    given = jpeg()
    wish = ImageRequest(model="x", text="a hat on it", width=64, height=48, images=("digest",), pictures=(given,))
    (result,) = await pieces(provider, wish)
    assert (result.width, result.height) == (64, 48)
    (call,) = upstream.calls
    assert (call.path, call.body["prompt"], call.body["size"]) == ("/v1/images/edits", "a hat on it", "64x48")
    assert call.body["image"] == ("0.jpeg", given)


async def test_a_recording_is_written_down(provider, upstream):
    wish = TranscriptionRequest(model="x", recording="digest", data=sound("wav"), language="en", words=True)
    delta, result = await pieces(provider, wish, "whisper-1")
    assert delta.delta["content"] == result.message["content"] == "Good morning."
    assert (result.duration, result.notes["language"]) == (1.5, "english")
    (call,) = upstream.calls
    assert (call.body["model"], call.body["language"], call.body["response_format"]) == (
        "whisper-1",
        "en",
        "verbose_json",
    )
    assert call.body["file"][0] == "recording.wav"


async def test_texts_become_vectors_in_their_order(provider, upstream):
    (result,) = await pieces(provider, EmbeddingRequest(model="x", texts=("a", "b"), query=True, dimensions=3), "e5")
    assert [vector.tolist() for vector in result.vectors] == [[0.0, 0.5, -1.0], [1.0, 0.5, -1.0]]
    assert (result.usage.prompt_tokens, result.made_by) == (4, "gpu/e5")
    (call,) = upstream.calls
    assert call.body == {
        "model": "e5",
        "input": ["a", "b"],
        "encoding_format": "float",
        "dimensions": 3,
        "input_type": "query",
    }


async def test_a_server_that_knows_no_input_type_is_asked_without_it(provider, upstream):
    upstream.refuses = {"input_type"}
    (result,) = await pieces(provider, EmbeddingRequest(model="x", texts=("a",), query=True), "e5")
    assert len(result.vectors) == 1
    assert "input_type" not in upstream.calls[-1].body


@pytest.mark.parametrize(
    "vectors",
    [
        [{"index": 0, "embedding": [1.0]}],
        [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}],
        [{"index": 0, "embedding": "AAAA"}, {"index": 1, "embedding": "AAAA"}],
        [{"index": 0, "embedding": [[1.0]]}, {"index": 1, "embedding": [[1.0]]}],
        [{"index": 0, "embedding": []}, {"index": 1, "embedding": []}],
        ["x", "y"],
    ],
)
async def test_vectors_that_are_none_are_an_error(provider, upstream, vectors):
    upstream.vectors = vectors
    assert (await failure(provider, EmbeddingRequest(model="x", texts=("a", "b")))).code == "provider_garbled"


@pytest.mark.parametrize("fault", ["garbage", "html", "empty", "reset", "status=500", "flood"])
async def test_a_failing_server_of_vectors_is_an_error(provider, upstream, fault):
    upstream.faults = [fault]
    assert (await failure(provider, EmbeddingRequest(model="x", texts=("a",)))).status in (502, 503)
