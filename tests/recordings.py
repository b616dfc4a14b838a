"""Answers of this server as they travel, in tests/wire/pollweb: the tests of clients/react play them to the hooks.

Each file is a status line, the headers that clients read, an empty line and the body. A test of ours asks the server
again and compares; `RECORD_WIRE=1` writes the files anew instead.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "wire" / "pollweb"
RECORDING = os.environ.get("RECORD_WIRE") == "1"
HEADERS = (
    "content-type",
    "retry-after",
    "x-request-id",
    "x-cache",
    "x-model-used",
    "x-visibility",
    "access-control-allow-origin",
)
# What is another each time.
VARYING = (
    (re.compile(rb"pllns_[0-9a-f]{32}"), b"pllns_" + b"0" * 32),
    (re.compile(rb'"created":\d+'), b'"created":0'),
    (re.compile(rb'("(?:request_id|requestId)":)"[^"]*"'), rb'\1"-"'),
    (re.compile(rb"^(x-request-id: ).*$", re.M), rb"\1-"),
    (re.compile(rb'("timestamp":)\d+'), rb"\g<1>0"),
    (re.compile(rb"^id: \d+\.", re.M), b"id: 0."),
    (re.compile(rb'"origin":"[^"]*"'), b'"origin":"-"'),
    (re.compile(rb"/p/[\w-]{22}"), b"/p/" + b"0" * 22),
)


def message(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {headers[name]}" for name in HEADERS if name in headers)]
    return "\n".join(lines).encode() + b"\n\n" + body


def constant(whole: bytes) -> bytes:
    """Without what is another each time; of a picture only its first bytes, of a list of models each one's fields."""
    head, _, body = whole.partition(b"\n\n")
    if body.startswith(b"[{"):
        fields = {name: type(value).__name__ for each in json.loads(body) for name, value in each.items()}
        body = json.dumps(fields, sort_keys=True).encode()
    if b"content-type: image/" in head or b"content-type: audio/" in head:
        body = body[:3]
    whole = head + b"\n\n" + body
    for pattern, instead in VARYING:
        whole = pattern.sub(instead, whole)
    return whole


def compare(name: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """The answer is the recorded one."""
    file, answer = FOLDER / f"{name}.http", message(status, headers, body)
    if RECORDING:
        FOLDER.mkdir(exist_ok=True)
        if not file.exists() or constant(file.read_bytes()) != constant(answer):
            file.write_bytes(answer)
    now, recorded = (constant(each).decode("utf-8", "replace") for each in (answer, file.read_bytes()))
    assert now == recorded, (
        f"{file.name} differs. If it is meant, RECORD_WIRE=1 writes it anew; then run clients/react."
    )
