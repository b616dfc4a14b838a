"""Which face a host and a path lead to."""

import httpx
import pytest

from pollweb import hosts


@pytest.mark.parametrize(
    ("host", "face"),
    [
        ("localhost:8000", "site"),
        ("127.0.0.1:8000", "site"),
        ("image.localhost:8000", "image"),
        ("text.localhost", "text"),
        ("auth.localhost", "auth"),
        ("other.localhost", "site"),
        ("evil.example", None),
        ("local host", None),
        ("", None),
    ],
)
def test_it_knows_a_face_by_its_host(host: str, face: str | None) -> None:
    assert hosts.face_of_host(host) == face


@pytest.mark.parametrize(
    ("host", "path", "chosen"),
    [
        ("site", "/", ("site", "")),
        ("site", "/p/abc", ("site", "")),
        ("site", "/images", ("site", "")),
        ("site", "/image", ("image", "/image")),
        ("site", "/image/prompt/x", ("image", "/image")),
        ("site", "/image/image/x", ("image", "/image")),
        ("site", "/text/a/b", ("text", "/text")),
        ("site", "/text/v1/models", ("v1", "/text/v1")),
        ("site", "/text/v1x", ("text", "/text")),
        ("site", "/text/favicon.ico", ("root", "/text")),
        ("site", "/v1/models", ("v1", "/v1")),
        ("site", "/prompt/x", ("image", "")),
        ("site", "/prompt", ("image", "")),
        ("site", "/prompts", ("site", "")),
        ("site", "/openai/chat/completions", ("text", "")),
        ("site", "/media/x/full", ("root", "")),
        ("site", "/healthz", ("root", "")),
        ("site", "/mcp", ("root", "")),
        ("text", "/", ("text", "")),
        ("text", "/hello", ("text", "")),
        ("text", "/text/hello", ("text", "")),
        ("text", "/healthz", ("root", "")),
        ("text", "/healthz2", ("text", "")),
        ("text", "/robots.txt", ("root", "")),
        ("text", "/ws/wall", ("root", "")),
        ("text", "/v1/models", ("v1", "/v1")),
        ("image", "/prompt/v1/x", ("image", "")),
        ("auth", "/api/x", ("auth", "")),
    ],
)
def test_it_chooses_the_face_by_prefix(host: str, path: str, chosen: tuple[str, str]) -> None:
    assert hosts.choose(host, path) == chosen


async def test_it_refuses_a_host_that_is_not_served_here(client: httpx.AsyncClient) -> None:
    answer = await client.get("/", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_host")
    twice = await client.get("/healthz", headers=[("Host", "localhost"), ("Host", "localhost")])
    assert twice.status_code == 400


async def test_it_serves_the_operators_addresses_on_every_host(client: httpx.AsyncClient) -> None:
    for url in ("/healthz", "http://text.localhost:8000/healthz", "/text/healthz/"):
        assert (await client.get(url)).json() == {"status": "ok"}


async def test_it_serves_the_cross_domain_file(client: httpx.AsyncClient) -> None:
    for url in ("/image/crossdomain.xml", "http://text.localhost:8000/crossdomain.xml"):
        answer = await client.get(url)
        assert answer.headers["content-type"] == "application/xml"
        assert '<allow-access-from domain="*" secure="false"/>' in answer.text


async def test_it_leaves_everything_else_to_the_site(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nowhere-at-all")
    assert answer.status_code == 404
    assert "access-control-allow-origin" not in answer.headers
