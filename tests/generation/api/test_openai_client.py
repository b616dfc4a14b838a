"""OpenAI's own Python client speaks and listens through the application, unchanged but for its address."""

import base64

import httpx
import openai
import pytest

from tests.generation.sounds import sound_file

SEGMENT = {"start": 0.0, "end": 1.5, "text": "Hello", "tokens": [1], "seek": 0, "temperature": 0.0}
SEGMENT |= {"avg_logprob": -0.1, "compression_ratio": 1.0, "no_speech_prob": 0.0}


@pytest.fixture
async def openai_client(client: httpx.AsyncClient):
    async with openai.AsyncOpenAI(
        base_url="http://localhost:8000/v1", api_key="none", http_client=client, max_retries=0
    ) as opened:
        yield opened


async def test_it_has_speech_made(openai_client, working, tmp_path):
    speech = await openai_client.audio.speech.create(model="tts-1", voice="shimmer", input="Hello.")
    assert speech.content == b"ID3sound"
    assert speech.response.headers["content-type"] == "audio/mpeg"
    assert working.calls[0].voice == "shimmer"


async def test_it_streams_speech(openai_client, working):
    working.sounds = [b"ab", b"cd"]
    asked = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "Hello.", "response_format": "pcm"}
    async with openai_client.audio.speech.with_streaming_response.create(**asked, stream_format="audio") as speech:
        assert b"".join([piece async for piece in speech.iter_bytes()]) == b"abcd"


async def test_its_errors_are_its_own_exceptions(openai_client):
    with pytest.raises(openai.BadRequestError, match="alloy, echo") as caught:
        await openai_client.audio.speech.create(model="tts-1", voice="nobody", input="Hello.")
    assert caught.value.code == "invalid_parameter"
    with pytest.raises(openai.NotFoundError):
        await openai_client.audio.speech.create(model="no-such-model", voice="alloy", input="Hello.")


async def test_it_has_a_recording_written_down(openai_client, working):
    transcript = await openai_client.audio.transcriptions.create(
        model="whisper-1", file=("hello.mp3", sound_file("mp3")), language="en"
    )
    assert transcript.text == "Hello"
    assert working.calls[0].data == sound_file("mp3")


async def test_it_reads_a_verbose_transcript(openai_client, working):
    working.segments = [SEGMENT]
    transcript = await openai_client.audio.transcriptions.create(
        model="whisper-1",
        file=("hello.wav", sound_file("wav")),
        response_format="verbose_json",
        timestamp_granularities=["segment"],
    )
    assert (transcript.language, transcript.duration) == ("english", 2.0)
    assert [(segment.id, segment.text, segment.end) for segment in transcript.segments] == [(0, "Hello", 1.5)]


@pytest.mark.parametrize(("format", "begins"), [("text", "Hello"), ("srt", "1\n00:00"), ("vtt", "WEBVTT")])
async def test_it_reads_transcripts_as_text(openai_client, format, begins):
    given = await openai_client.audio.transcriptions.create(
        model="whisper-1", file=("hello.wav", sound_file("wav")), response_format=format
    )
    assert given.startswith(begins)


async def test_it_streams_a_transcript(openai_client):
    stream = await openai_client.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=("hello.wav", sound_file("wav")), stream=True
    )
    told = [event async for event in stream]
    assert [event.type for event in told] == ["transcript.text.delta"] * 2 + ["transcript.text.done"]
    assert told[-1].text == "Hello"


async def test_it_hears_a_voice_in_a_chat(openai_client):
    completion = await openai_client.chat.completions.create(
        model="openai-audio",
        modalities=["text", "audio"],
        audio={"voice": "nova", "format": "wav"},
        messages=[{"role": "user", "content": "Hello."}],
    )
    audio = completion.choices[0].message.audio
    assert (base64.b64decode(audio.data), audio.transcript) == (b"ID3sound", "Hello.")


async def test_it_hears_a_voice_in_a_streamed_chat(openai_client, working):
    working.sounds = [b"ab", b"cd"]
    stream = await openai_client.chat.completions.create(
        model="openai-audio",
        modalities=["text", "audio"],
        audio={"voice": "nova", "format": "pcm16"},
        messages=[{"role": "user", "content": "Hello."}],
        stream=True,
    )
    # By its fields, not by its types: older releases of the client have none for a delta's sound.
    deltas = [chunk.choices[0].delta.to_dict().get("audio") or {} async for chunk in stream if chunk.choices]
    assert b"".join(base64.b64decode(delta.get("data", "")) for delta in deltas) == b"abcd"
    assert deltas[0]["transcript"] == "Hello."


async def test_it_sends_a_recording_in_a_chat(openai_client):
    data = base64.b64encode(sound_file("mp3")).decode()
    completion = await openai_client.chat.completions.create(
        model="openai-audio",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Transcribe this:"},
                    {"type": "input_audio", "input_audio": {"data": data, "format": "mp3"}},
                ],
            }
        ],
    )
    assert completion.choices[0].message.content == "Hello"
