"""The embedded language model: llama.cpp inside this process, through xllamacpp's server object."""

import importlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from generation.providers.local.chat.errors import (
    EngineBusy,
    EngineFailed,
    EngineMissing,
    ModelDamaged,
    ModelMissing,
)
from generation.providers.local.chat.plan import Plan
from generation.providers.local.chat.stream import Stream

WAIT = 120.0  # seconds that a request waits for the engine while others use it
POLL = 0.1  # seconds between two looks at whether somebody still waits
BATCH = 256  # prompt tokens read between two looks at deadline and cancellation

OnPiece = Callable[[dict[str, Any]], bool]


class ChatEngine:
    """Loads the model on the first request; then answers `parallel` requests at a time, the others wait their turn."""

    def __init__(self, model: Path, *, context: int = 8192, threads: int = 2, parallel: int = 1) -> None:
        self.model = model
        self.context = context
        self._threads = threads
        self._parallel = parallel
        self._server: Any = None
        self._loading = threading.Lock()
        self._turns = threading.BoundedSemaphore(parallel)

    def load(self) -> None:
        """Load the model unless it is loaded. Raises EngineMissing, ModelMissing or ModelDamaged."""
        with self._loading:
            if self._server is None:
                self._server = self._start()

    def complete(
        self,
        body: dict[str, Any],
        on_piece: OnPiece,
        *,
        deadline: float | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any]:
        """Answer one chat-completions request.

        `on_piece` gets each delta (`{"content": "..."}` or `{"tool_calls": [...]}`) as it comes and stops the answer by
        returning True; `cancelled` is asked also while nothing comes. Some seconds before `deadline` (monotonic) the
        answer ends with what there is. The answer: `{"message", "finish_reason": stop|length|tool_calls, "usage"}`.

        Raises RequestRefused, ContextTooLong, EngineBusy, EngineFailed, OutOfTime and what `load` raises.
        """
        plan = Plan.of(body, self.context)
        self.load()
        with self._turn(deadline, cancelled):
            while True:
                stream = Stream(plan, on_piece, deadline, cancelled)
                self._run(plan.request(), stream)
                if stream.too_long:
                    plan = plan.shortened(stream.prompt_tokens)
                elif stream.tool_choice:
                    plan = Plan.of({**body, "tool_choice": stream.tool_choice}, self.context)
                else:
                    return stream.answer()

    def _run(self, request: dict[str, Any], stream: Stream) -> None:
        try:
            self._server.handle_chat_completions(request, stream)
        except ValueError as exc:  # a request that the engine could not read
            stream.refused(str(exc))
        except RuntimeError as exc:
            raise EngineFailed("the chat engine broke off") from exc
        stream.reraise()

    @contextmanager
    def _turn(self, deadline: float | None, cancelled: Callable[[], bool]) -> Iterator[None]:
        give_up = time.monotonic() + WAIT if deadline is None else min(time.monotonic() + WAIT, deadline)
        while not self._turns.acquire(timeout=POLL):
            if time.monotonic() >= give_up or cancelled():
                raise EngineBusy("the chat engine is busy with other requests")
        try:
            yield
        finally:
            self._turns.release()

    def _start(self) -> Any:
        if not self.model.is_file():
            raise ModelMissing(f"the model file {self.model.name} is not there; `manage.py models fetch` brings it")
        # Two threads that spin at llama.cpp's barriers on cores that others use too take minutes for an answer.
        # Read by OpenMP when the library is loaded.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        try:
            llama = importlib.import_module("xllamacpp")
        except ImportError as exc:
            raise EngineMissing(
                f"the chat engine cannot be loaded ({exc}); `pip install xllamacpp` installs it"
            ) from exc
        try:
            return llama.Server(self._parameters(llama))
        except RuntimeError as exc:
            raise ModelDamaged(
                f"the model file {self.model.name} does not load; `manage.py models verify` checks it"
            ) from exc

    def _parameters(self, llama: Any) -> Any:
        parameters = llama.CommonParams()
        parameters.model.path = str(self.model)
        parameters.offline = True
        parameters.n_ctx = self.context * self._parallel
        parameters.n_parallel = self._parallel
        parameters.n_batch = parameters.n_ubatch = BATCH
        parameters.warmup = False
        for processor in (parameters.cpuparams, parameters.cpuparams_batch):
            processor.n_threads = self._threads
            processor.poll = 0
        parameters.use_jinja = True
        parameters.prefill_assistant = False  # a last assistant message is history, not a beginning to go on with
        parameters.cache_ram_mib = 0  # no copies of old conversations
        parameters.cache_idle_slots = False
        parameters.verbosity = -1
        # The server object also listens on a loopback port. Nobody is told its key.
        parameters.port = 0
        parameters.api_keys = [secrets.token_urlsafe(32)]
        parameters.n_threads_http = 1
        parameters.ui = False
        parameters.endpoint_slots = False
        return parameters
