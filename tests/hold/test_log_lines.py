"""C40: whatever is sent, a request is one line of JSON, and no raw control character."""

import json
import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.site import Site, end

HOSTILE = ["\r\nforged", "\x1b[31mred", "\u202eturned", "\x00nul", '"},{"level":"error', "\u2028line", "pw_" + "a" * 36]
RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
REQUESTS = 200


@pytest.mark.slow
@pytest.mark.hold
def test_two_hundred_hostile_requests_are_two_hundred_lines(tmp_path: Path, record_property: Any) -> None:
    site = Site(tmp_path / "home")
    try:
        site.ready()
        ids = []
        for number in range(REQUESTS):
            word = HOSTILE[number % len(HOSTILE)]
            header = re.sub(r"[\r\n\0]", " ", word).encode()
            path = f"/v1/nowhere/{quote(word)}?token={quote(word)}".encode()
            ids.append(request_id(site.run["port"], path, header))
        assert len(set(ids)) == REQUESTS
        lines: list[str] = []
        while not any(ids[-1] in line for line in lines):
            lines.append(site.line(""))
        told = [line.partition("{")[1] + line.partition("{")[2] for line in lines if "{" in line]
        parsed = [json.loads(line) for line in told]
        answered = [line["request_id"] for line in parsed if line.get("request_id") in set(ids)]
        assert sorted(answered) == sorted(ids)
        text = "".join(lines)
        assert not RAW.search(text)
        assert "forged" not in text
        assert "pw_aaaa" not in text
        record_property("figures", f"{REQUESTS} requests, {len(answered)} lines, no raw control character")
    finally:
        end(site)


def request_id(port: int, path: bytes, header: bytes) -> str:
    """By hand: no client lets such headers out."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(
            b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nUser-Agent: " + header
            + b"\r\nReferer: http://x/" + header + b"\r\n\r\n"
        )  # fmt: skip
        answer = b""
        while data := connection.recv(65536):
            answer += data
    found = re.search(rb"(?i)x-request-id: ([0-9a-f]+)", answer)
    assert found, answer[:300]
    return found[1].decode()
