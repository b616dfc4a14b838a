"""Tools for sound: a spoken answer, a text read aloud, a recording written down."""

from generation import audio, catalogue, inputs
from generation.errors import InvalidParameter, InvalidRequest
from generation.mcp_server.arguments import Argument
from generation.mcp_server.call import Call, bytes_of
from generation.mcp_server.tools import texts
from generation.mcp_server.tools.base import ABOUT, Made, Tool, about, as_json, card, said, sound
from generation.wire import openai, speech, transcripts

WRITTEN = ("text", "srt", "vtt", "json")


async def respond(
    call: Call, prompt: str, voice: str, format: str, voice_instructions: str | None, seed: int | None
) -> Made:
    words = await texts.reply(call, prompt, voice_instructions or "", seed)
    if not words.strip():
        raise InvalidRequest("The model had nothing to say. Ask in other words.", code="empty_answer")
    return await _spoken(call, words[: speech.LONGEST_INPUT], voice, format, prompt)


async def say(call: Call, text: str, voice: str, format: str, voice_instructions: str | None, seed: int | None) -> Made:
    made = await _spoken(call, text, voice, format, text)
    if voice_instructions:
        unheard = said("voiceInstructions were not used: the voices here read a text in one way only.")
        return Made([*made.parts, unheard], made.values)
    return made


async def _spoken(call: Call, words: str, voice: str, format: str, prompt: str) -> Made:
    body = {"input": words, "voice": voice, "response_format": format}
    wanted = speech.request(body, catalogue.default("audio"))
    answer = await call.make(wanted)
    media_type = audio.FORMATS[wanted.format].media_type
    told = {"prompt": prompt, "voice": wanted.voice, "format": wanted.format, "transcript": words}
    shown = told if prompt != words else {name: told[name] for name in ("prompt", "voice", "format")}
    text = f'Generated audio for text: "{prompt}"\n\nAudio metadata: {as_json(shown)}'
    parts = [sound(await bytes_of(answer), media_type), said(text)]
    return Made(parts, {**told, **about(answer), "mimeType": media_type, "duration": answer.row.duration})


async def transcribe(
    call: Call, audio: str, language: str | None, hint: str | None, format: str, model: str | None
) -> Made:
    chosen = card("transcription", model or "")
    chosen.admit(call.principal.tier)
    recording = await _recording(audio.strip())
    answer = await call.make(transcripts.request(recording, chosen, language=language or "", hint=hint or ""))
    row = answer.row
    match format:
        case "srt":
            words = transcripts.srt(row)
        case "vtt":
            words = transcripts.vtt(row)
        case "json":
            words = as_json(transcripts.verbose(row))
        case _:
            words = transcripts.text(row)
    values = {
        "text": transcripts.text(row),
        "language": str(row.notes.get("language") or ""),
        "duration": row.duration,
        **about(answer),
    }
    return Made([said(words)], values)


async def _recording(given: str) -> bytes:
    """The bytes of a recording, by public address, data: address or in base64."""
    if given[:8].lower().startswith(("http://", "https://")):
        return await inputs.recording(given)
    if "://" in given[:20]:
        raise InvalidParameter("audio must be a public http(s) address, a data: address, or base64.")
    part = {"type": "input_audio", "input_audio": {"data": given}}
    data = transcripts.recording_in(openai.messages([{"role": "user", "content": [part]}]))
    assert data is not None  # there is one part, and it is a recording
    return data


VOICE = (
    Argument(name="voice", about="The voice, as listAudioVoices names it.", default="alloy"),
    Argument(name="format", about="The file's format.", default="mp3", choices=(*audio.FORMATS, "pcm16")),
    Argument(name="voiceInstructions", about="How it is to be said.", also=("instructions",)),
    Argument(name="seed", kind="integer", about="The same seed gives the same answer again."),
)
SPOKEN = {
    "prompt": "string",
    "voice": "string",
    "format": "string",
    "transcript": "string",
    "mimeType": "string",
    "duration": "number",
    **ABOUT,
}

TOOLS = (
    Tool(
        name="respondAudio",
        title="Spoken answer",
        about="Answers a prompt with a voice: a text model answers, and the answer is read aloud.",
        doing="generating audio",
        run=respond,
        arguments=(
            Argument(name="prompt", about="What is asked.", required=True, also=("text", "question")),
            *VOICE,
        ),
        gives=SPOKEN,
        makes=True,
    ),
    Tool(
        name="sayText",
        title="Read a text aloud",
        about="Reads a text aloud, word for word. Up to 4,096 characters.",
        doing="generating audio",
        run=say,
        arguments=(
            Argument(name="text", about="What is read.", required=True, also=("prompt", "input")),
            *VOICE,
        ),
        gives=SPOKEN,
        makes=True,
    ),
    Tool(
        name="transcribeAudio",
        title="Write a recording down",
        about="Writes down what is said in a recording, with times if wanted.",
        doing="transcribing audio",
        run=transcribe,
        arguments=(
            Argument(
                name="audio",
                about="The recording: a public http(s) address, a data: address, or its bytes in base64 (up to 3 MB).",
                required=True,
                also=("audioUrl", "url", "file", "audioData"),
            ),
            Argument(name="language", about="Its language, such as en or zh; found out if left out."),
            Argument(name="hint", about="Text whose spelling is followed, such as names.", also=("prompt",)),
            Argument(name="format", about="The form of the answer.", default="text", choices=WRITTEN),
            Argument(name="model", about="The model that listens; the usual one if left out."),
        ),
        gives={"text": "string", "language": "string", "duration": "number", **ABOUT},
        makes=True,
    ),
)
