"""Finished results of every kind, made without engines."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from generation import requests, store
from generation.models import Artifact, Generation, State
from pollweb.lib import ids
from tests.fakes import jpeg

Make = Callable[..., Generation]


def request_of(kind: str, prompt: str, **values: Any) -> requests.Request:
    if kind == "image":
        return requests.ImageRequest(model="flux", text=prompt, **values)
    if kind == "text":
        messages = ({"role": "user", "content": prompt},)
        return requests.ChatRequest(model="openai", messages=messages, **values)
    return requests.SpeechRequest(model="openai-audio", text=prompt, **values)


@pytest.fixture
def make(db: None) -> Make:
    """`make(kind, prompt, response=…, asked={…}, **columns)`: a public finished row unless told otherwise."""

    newest = ids.uuid7()

    def next_id() -> uuid.UUID:
        """Later than all before: two ids of one millisecond have no order."""
        nonlocal newest
        while (new := ids.uuid7()) <= newest:
            pass
        newest = new
        return new

    def make(
        kind: str = "image",
        prompt: str = "a red fox",
        response: str = "",
        asked: dict[str, Any] | None = None,
        **columns: Any,
    ) -> Generation:
        request = request_of(kind, prompt, **(asked or {}))
        now = timezone.now()
        artifact = None
        if kind != "text":
            data = jpeg() if kind == "image" else b"ID3 sound"
            digest = store.put(data)
            media_type = "image/jpeg" if kind == "image" else "audio/mpeg"
            artifact, _ = Artifact.objects.get_or_create(
                digest=digest, defaults={"media_type": media_type, "size": len(data)}
            )
        values: dict[str, Any] = {
            "id": next_id(),
            "kind": kind,
            "model": request.model,
            "prompt": prompt,
            "response": response,
            "params": requests.store(request),
            "fingerprint": "0" * 64,
            "scope": "public",
            "principal": "ip:127.0.0.1",
            "slot": "scripted",
            "deadline": now,
            "state": State.SUCCEEDED,
            "visibility": "public",
            "made_by": "embedded/test",
            "artifact": artifact,
            "width": 64 if kind == "image" else 0,
            "height": 64 if kind == "image" else 0,
            "started_at": now,
            "finished_at": now,
        }
        return Generation.objects.create(**{**values, **columns})

    return make
