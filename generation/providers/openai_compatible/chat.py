"""Chat completions of OpenAI's dialect, read: whole answers and streams become pieces and one Result.

Each event is parsed once, since every line we send is to be JSON and we count and keep what is said; beside its meaning
goes the event as it came, so that a door of the same dialect need not write it anew.

Shapes after OpenAI's API reference (chat/object, chat-streaming). `reasoning_content` is what DeepSeek, vLLM and
llama.cpp call the thoughts before an answer; newer vLLM and OpenRouter call them `reasoning`.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import orjson

from generation.errors import ProviderError
from generation.providers.upstream import Answer, Upstream, garbled
from generation.providers.upstream.answer import STREAM_BYTES, Events
from generation.providers.upstream.faults import refusal_of
from generation.requests import ChatRequest
from generation.results import WORDS, Delta, Piece, Result, Usage

TEXT_BYTES = 8 * 2**20  # of a whole answer, and of what a stream says
MOST_TOOL_CALLS = 128
# After the finish reason only the usage can follow. Nobody shall wait long for that.
EPILOGUE_SECONDS = 2.0
OPTIONAL = frozenset({"stream_options", "stream"})


def body_of(request: ChatRequest, model: str, *, streamed: bool) -> dict[str, Any]:
    """What is sent; fields that we do not know are passed on."""
    return {
        **request.options.get("extra", {}),
        **request.own_options,
        "model": model,
        "messages": list(request.messages),
        **({"stream": True, "stream_options": {"include_usage": True}} if streamed else {}),
    }


async def complete(
    upstream: Upstream, path: str, body: Mapping[str, Any], *, made_by: str, deadline: float
) -> AsyncGenerator[Piece]:
    """Ask for one completion. A server that does not stream answers whole: one piece, then the Result."""
    call = upstream.call("POST", path, json=body, deadline=deadline, streamed=True, optional=OPTIONAL)
    async with call as answer:
        if answer.media_type != "text/event-stream":
            result = whole(upstream.name, await answer.whole(TEXT_BYTES), made_by)
            assert result.message is not None
            if delta := _as_delta(result.message):
                yield Delta(delta)
            yield result
            return
        draft, events, done = Draft(upstream.name), Events(upstream.name), False
        while not done:
            try:
                found = events.feed(data) if (data := await answer.read(STREAM_BYTES)) else None
            except ProviderError:
                if draft.finish_reason:
                    break  # all has been said
                raise
            if found is None:
                break
            for event in found:
                if event.strip() == b"[DONE]":
                    done = True
                    break
                if delta := draft.take(_read(upstream.name, event)):
                    draft.weigh(delta, event)
                    yield Delta(delta, b"" if draft.altered or b"\n" in event else event)
            if draft.finish_reason:
                answer.hurry(EPILOGUE_SECONDS)
        if done:
            await _drain(answer)
        yield draft.ended(done).result(made_by)


def whole(provider: str, body: bytes, made_by: str) -> Result:
    """A `chat.completion` object as a Result; ProviderError when it is none."""
    said = _read(provider, body)
    if isinstance(said, dict) and said.get("error"):
        raise refusal_of(provider, said["error"]).error()
    choice = _choice(said)
    message = choice.get("message") if choice else None
    if not choice or not isinstance(message, dict):
        raise garbled(provider, "it holds no message", body[:2000].decode("utf-8", "replace"))
    draft = Draft(provider)
    delta = {**message, "tool_calls": _indexed(message.get("tool_calls"))}
    draft.finish_reason = str(choice.get("finish_reason") or "stop")[:20]
    draft.take({"choices": [{"delta": delta}], "usage": said.get("usage")})
    as_it_is = bool(choice.get("finish_reason")) and not draft.altered and len(said["choices"]) == 1
    return draft.result(made_by, body if as_it_is else b"")


def _read(provider: str, data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        raise garbled(provider, "it is not JSON", data[:2000].decode("utf-8", "replace")) from None


async def _drain(answer: Answer) -> None:
    """Read the end of the body, so that the connection can be used again; nothing it holds matters any more."""
    answer.hurry(EPILOGUE_SECONDS / 4)
    try:
        while await answer.read(STREAM_BYTES):
            pass
    except ProviderError:
        pass


class Draft:
    """An answer as far as it has been heard."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.words: dict[str, list[str]] = {}
        self.tool_calls: dict[int, dict[str, Any]] = {}
        self.audio: dict[str, Any] = {}
        self.more: dict[str, Any] = {}
        self.finish_reason = ""
        self.usage = Usage()
        self.began = False
        self.altered = False  # the delta taken last says something in other words than it was given
        self.size = 0  # of what is kept, in characters

    def take(self, chunk: Any) -> dict[str, Any]:
        """Add one chunk; the delta to pass on, empty when the chunk has nothing to say.

        Raises what an error frame says, and ProviderError for a chunk of another shape.
        """
        if not isinstance(chunk, dict):
            raise garbled(self.provider, "a chunk is not an object")
        if chunk.get("error"):
            raise refusal_of(self.provider, chunk["error"]).error()
        if isinstance(usage := chunk.get("usage"), dict):
            self.usage = Usage(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))
        choice = _choice(chunk)
        if choice is None:
            return {}
        self.began, self.altered = True, len(chunk["choices"]) > 1
        if isinstance(reason := choice.get("finish_reason"), str) and reason:
            self.finish_reason, self.altered = reason[:20], True  # it is told at the end
        given = choice.get("delta")
        delta = self._delta(given) if isinstance(given, dict) else {}
        for name in WORDS:
            if name in delta:
                self.words.setdefault(name, []).append(delta[name])
        for part in delta.get("tool_calls", ()):
            self._extend(part)
        if "audio" in delta:
            self._hear(delta["audio"])
        return delta

    def weigh(self, delta: dict[str, Any], event: bytes) -> None:
        """ProviderError when it has said too much. Of what is more than words the whole event counts."""
        words = [delta[name] for name in WORDS if name in delta]
        self.size += sum(map(len, words)) if len(words) == len(delta) else len(event)
        if self.size > TEXT_BYTES:
            raise garbled(self.provider, f"it says more than {TEXT_BYTES} characters")

    def _delta(self, given: dict[str, Any]) -> dict[str, Any]:
        """What is passed on of a delta: no role, nothing empty."""
        if "reasoning" in given and "reasoning_content" not in given:
            self.altered = True
            given = {**given, "reasoning_content": given["reasoning"]}
        delta: dict[str, Any] = {}
        for name in WORDS:
            value = given.get(name)
            if value is not None and not isinstance(value, str):
                raise garbled(self.provider, f"{name} is not a text")
            if value:
                delta[name] = value
        if given.get("tool_calls"):
            delta["tool_calls"] = [self._part(part) for part in given["tool_calls"]]
        if isinstance(given.get("audio"), dict) and given["audio"]:
            delta["audio"] = given["audio"]
        if isinstance(given.get("annotations"), list) and given["annotations"]:
            self.more["annotations"] = delta["annotations"] = given["annotations"]
        return delta

    def _part(self, part: Any) -> dict[str, Any]:
        function = part.get("function") if isinstance(part, dict) else None
        index = part.get("index", 0) if isinstance(part, dict) else None
        if not isinstance(index, int) or not 0 <= index < MOST_TOOL_CALLS or not isinstance(function, dict):
            raise garbled(self.provider, "a tool call has another shape")
        arguments = function.get("arguments")
        if isinstance(arguments, dict):  # Ollama, among others; a JSON text is what OpenAI's clients read
            self.altered = True
            function = {**function, "arguments": orjson.dumps(arguments).decode()}
        return {**part, "index": index, "function": function}

    def _extend(self, part: dict[str, Any]) -> None:
        call = self.tool_calls.setdefault(part["index"], {"id": "", "type": "function", "function": {}})
        call["id"] = part.get("id") or call["id"]
        function = part["function"]
        call["function"]["name"] = call["function"].get("name", "") + str(function.get("name") or "")
        call["function"]["arguments"] = call["function"].get("arguments", "") + str(function.get("arguments") or "")

    def _hear(self, audio: dict[str, Any]) -> None:
        for name, value in audio.items():
            joined = name in ("data", "transcript") and isinstance(value, str)
            self.audio[name] = self.audio.get(name, "") + value if joined else value

    def ended(self, done: bool) -> "Draft":
        """Nothing follows; `done` when that was said. ProviderError when it was not, or nothing was heard."""
        if not self.began:
            raise garbled(self.provider, "the stream is empty")
        if done:
            self.finish_reason = self.finish_reason or "stop"
        if not self.finish_reason:
            raise ProviderError(
                "The provider broke off. Try again.", code="provider_broke_off", details={"provider": self.provider}
            )
        return self

    def result(self, made_by: str, body: bytes = b"") -> Result:
        content = "".join(self.words.get("content", ()))
        message: dict[str, Any] = {"role": "assistant", "content": content}
        for name in WORDS[1:]:
            if name in self.words:
                message[name] = "".join(self.words[name])
        if self.tool_calls:
            message["tool_calls"] = [self.tool_calls[index] for index in sorted(self.tool_calls)]
        if self.audio:
            message["audio"] = self.audio
        if not content and (self.tool_calls or self.audio):
            message["content"] = None
        message.update(self.more)
        return Result(made_by=made_by, message=message, body=body, finish_reason=self.finish_reason, usage=self.usage)


def _choice(said: Any) -> dict[str, Any] | None:
    """The first choice; only one is ever asked for."""
    choices = said.get("choices") if isinstance(said, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return None
    return choices[0] if choices[0].get("index") in (None, 0) else None


def _indexed(calls: Any) -> list[Any]:
    if not isinstance(calls, list):
        return []
    return [{"index": n, **call} if isinstance(call, dict) else call for n, call in enumerate(calls)]


def _as_delta(message: dict[str, Any]) -> dict[str, Any]:
    delta = {name: value for name, value in message.items() if name != "role" and value}
    if "tool_calls" in delta:
        delta["tool_calls"] = _indexed(delta["tool_calls"])
    return delta


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**31 else 0
