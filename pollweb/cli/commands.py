"""What the command line can do."""

import base64
import json
import mimetypes
import random
import re
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from pollweb.cli.client import Server, as_form
from pollweb.cli.errors import AWAY, USAGE, Failure
from pollweb.cli.terminal import Progress, clean, prompt_of, save

LONGEST_ADDRESS = 8000  # characters: proxies refuse longer ones
JSON = "application/json"


def _server(options: Namespace) -> tuple[Server, Progress]:
    progress = Progress(options.quiet)
    return (
        Server(options.base_url, options.token, max(0, options.retries), options.timeout, say=progress.say),
        progress,
    )


def _is_address(given: str) -> bool:
    return given.lower().startswith(("http://", "https://", "data:"))


def _file(given: str) -> tuple[str, bytes]:
    """The name and the bytes of a file, or of standard input."""
    try:
        return ("input", sys.stdin.buffer.read()) if given == "-" else (Path(given).name, Path(given).read_bytes())
    except OSError as exc:
        raise Failure(f"{given} cannot be read: {exc.strerror}.", USAGE) from exc


# --- pictures ---------------------------------------------------------------------------------------------------------


def image(options: Namespace) -> None:
    server, progress = _server(options)
    prompt = prompt_of(options.prompt)
    if options.number > 1 and options.output and options.output != "-" and not Path(options.output).is_dir():
        raise Failure("Several pictures need a folder: give --output one that exists, or leave it out.", USAGE)
    fields: dict[str, Any] = {
        "model": options.model,
        "width": options.width,
        "height": options.height,
        "negative_prompt": options.negative,
        **{name: True for name in ("enhance", "safe", "nologo", "transparent", "private") if getattr(options, name)},
    }
    if options.image and not options.model:
        fields["model"] = "kontext"
    fields |= {"image": ",".join(each for each in options.image if _is_address(each))}
    uploaded = [_file(each) for each in options.image if not _is_address(each)]
    first = options.seed
    if options.number > 1 and first in (None, -1):
        first = random.randrange(2**31)
    for number in range(max(1, options.number)):
        seed = None if first is None else first + number if options.number > 1 else first
        query = {**fields, "seed": seed}
        given = {
            name: str(value).lower() if value is True else str(value)
            for name, value in query.items()
            if value or value == 0
        }
        url = f"{server.image}/prompt/{quote(prompt, safe='')}?{urlencode(given)}"
        with progress.of("Painting" if options.number < 2 else f"Painting {number + 1} of {options.number}"):
            if uploaded or len(url) > LONGEST_ADDRESS:
                body, content_type = as_form({**given, "prompt": prompt}, {"image": uploaded})
                data, media_type = server.get(f"{server.image}/prompt/", body=body, content_type=content_type)
            else:
                data, media_type = server.get(url)
        _expect(media_type, "image/", data)
        save(data, media_type, prompt, options.output, force=options.force)


def _expect(media_type: str, kind: str, data: bytes) -> None:
    if not media_type.startswith(kind):
        told = clean(data[:200].decode("utf-8", "replace")).strip()
        raise Failure(f"The server sent {media_type} in place of {kind}…: {told}", AWAY)


# --- text -------------------------------------------------------------------------------------------------------------


def text(options: Namespace) -> None:
    server, progress = _server(options)
    prompt = prompt_of(options.prompt)
    content: Any = prompt
    if options.image:
        parts = [{"type": "image_url", "image_url": {"url": _picture(each)}} for each in options.image]
        content = [{"type": "text", "text": prompt}, *parts]
    messages = [{"role": "user", "content": content}]
    if options.system:
        messages.insert(0, {"role": "system", "content": options.system})
    body: dict[str, Any] = {"model": options.model, "messages": messages, "stream": True}
    for name in ("seed", "temperature", "max_tokens"):
        if getattr(options, name) is not None:
            body[name] = getattr(options, name)
    if options.json:
        body["response_format"] = {"type": "json_object"}
    if options.private:
        body["private"] = True
    show = clean if sys.stdout.isatty() else str
    with progress.of("Thinking"):
        answer = server.open(
            f"{server.text}/openai", body=json.dumps(body).encode(), content_type=JSON, headers={"Accept": "*/*"}
        )
        pieces = _words(server, answer)
        first = next(pieces, "")
    last = first
    with answer:
        sys.stdout.write(show(first))
        sys.stdout.flush()
        for piece in pieces:
            sys.stdout.write(show(piece))
            sys.stdout.flush()
            last = piece or last
    if not last.endswith("\n"):
        print()


def _picture(given: str) -> str:
    if _is_address(given):
        return given
    name, data = _file(given)
    kind = mimetypes.guess_type(name)[0] or "image/png"
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _words(server: Server, answer: Any) -> Any:
    """The answer piece by piece, from a stream or, of a server that does not stream, from a completion."""
    if answer.headers.get_content_type() != "text/event-stream":
        told = server.read(answer)
        try:
            yield str(json.loads(told)["choices"][0]["message"]["content"] or "")
        except (ValueError, LookupError, TypeError):
            yield told.decode("utf-8", "replace")
        return
    for _, data in server.events(answer):
        if data == "[DONE]":
            return
        try:
            chunk = json.loads(data)
        except ValueError:
            continue
        if error := chunk.get("error"):
            raise Failure(str(error.get("message") if isinstance(error, dict) else error), AWAY)
        for choice in chunk.get("choices") or ():
            if words := (choice.get("delta") or {}).get("content"):
                yield str(words)
    raise Failure("The answer broke off before its end.", AWAY)


# --- sound ------------------------------------------------------------------------------------------------------------


def say(options: Namespace) -> None:
    server, progress = _server(options)
    words = prompt_of(options.prompt)
    given = {"model": options.model, "voice": options.voice, "format": options.format, "speed": options.speed}
    told = {name: str(value) for name, value in given.items() if value is not None}
    if options.private:
        told["private"] = "true"
    url = f"{server.text}/{quote(words, safe='')}?{urlencode(told)}"
    with progress.of("Speaking"):
        if len(url) > LONGEST_ADDRESS and not server.is_public:
            body = {**given, "input": words, "response_format": options.format}
            sent = json.dumps({name: value for name, value in body.items() if value is not None}).encode()
            data, media_type = server.get(f"{server.v1}/audio/speech", body=sent, content_type=JSON)
        else:
            data, media_type = server.get(url)
    _expect(media_type, "audio/", data)
    save(data, media_type, words, options.output, force=options.force)


def transcribe(options: Namespace) -> None:
    server, progress = _server(options)
    name, recording = _file(options.file)
    if not recording:
        raise Failure(f"{options.file} is empty.", USAGE)
    with progress.of("Listening"):
        if server.is_public:
            written = _heard(server, name, recording, options)
        else:
            fields = {
                "response_format": "verbose_json" if options.format == "json" else options.format,
                "language": options.language,
                "model": options.model,
            }
            body, content_type = as_form(
                {key: value for key, value in fields.items() if value}, {"file": [(name, recording)]}
            )
            data, _ = server.get(f"{server.v1}/audio/transcriptions", body=body, content_type=content_type)
            written = data.decode("utf-8", "replace")
    sys.stdout.write(clean(written) if sys.stdout.isatty() else written)
    if not written.endswith("\n"):
        print()


def _heard(server: Server, name: str, recording: bytes, options: Namespace) -> str:
    """By a chat, which is how the public service hears."""
    if options.format != "text":
        raise Failure(f"The public service writes text only, no {options.format}.", USAGE)
    sound = {"data": base64.b64encode(recording).decode(), "format": "mp3" if name.endswith(".mp3") else "wav"}
    asked = [{"type": "text", "text": "Transcribe this:"}, {"type": "input_audio", "input_audio": sound}]
    body = {"model": options.model or "openai-audio", "messages": [{"role": "user", "content": asked}]}
    data, _ = server.get(f"{server.text}/openai", body=json.dumps(body).encode(), content_type=JSON)
    try:
        return str(json.loads(data)["choices"][0]["message"]["content"])
    except (ValueError, LookupError, TypeError) as exc:
        raise Failure("The server sent no transcript.", AWAY) from exc


# --- the feed ---------------------------------------------------------------------------------------------------------


def feed(options: Namespace) -> None:
    """Until interrupted, or --number is reached; a connection that ends is opened again where it ended."""
    server, _ = _server(options)
    url = f"{server.image if options.kind == 'image' else server.text}/feed"
    seen, last, pause = 0, "", 1.0
    while True:
        try:
            with server.open(
                url, headers={"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
            ) as answer:
                for name, data in server.events(answer):
                    last = name or last
                    pause = 1.0
                    line = _line(data, options)
                    if not line:
                        continue
                    print(line, flush=True)
                    seen += 1
                    if options.number and seen >= options.number:
                        return
        except Failure as failure:
            if failure.code != AWAY or not seen:
                raise
            if not options.quiet:
                print(f"pollweb: {failure} Again in {pause:.0f} s.", file=sys.stderr)
        time.sleep(pause)
        pause = min(pause * 2, 30.0)


def _line(data: str, options: Namespace) -> str:
    """One event on one line; "" for what is none."""
    try:
        event = json.loads(data)
    except ValueError:
        return ""
    if not isinstance(event, dict):
        return ""
    if options.json:
        told = json.dumps(event, ensure_ascii=not sys.stdout.encoding.lower().startswith("utf"))
        return clean(told) if sys.stdout.isatty() else told
    parameters = event.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    model = event.get("model") or parameters.get("model") or ""
    if options.kind == "image":
        return _one_line(f"{model}  {event.get('prompt', '')}  {event.get('imageURL', '')}")
    messages = event.get("messages") or parameters.get("messages") or []
    asked = next((m.get("content") for m in messages if isinstance(m, dict) and m.get("role") == "user"), "")
    return _one_line(f"{model}  {asked}  → {event.get('response', '')}")


def _one_line(words: str) -> str:
    return clean(re.sub(r"[\r\n\t]+", " ", words))


COMMANDS: dict[str, Callable[[Namespace], None]] = {
    "image": image,
    "text": text,
    "say": say,
    "transcribe": transcribe,
    "feed": feed,
}
