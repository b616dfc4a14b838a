"""The OpenAPI 3.1 document at /v1/openapi.json, made from the URL tables that serve (pollweb.api_urls).

What an address takes and gives is declared in each package's `reference.py`, from the fields that stand beside their
readers; what an error means is read from the table in docs/api.md.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.urls.resolvers import RegexPattern
from django.views.decorators.http import require_safe

from feeds import reference as feeds
from generation.api import reference as generation
from generation.mcp_server import door as mcp
from pollweb import __version__, health, hosts, marks
from pollweb.accounts import reference as accounts
from pollweb.accounts.auth import people
from pollweb.lib import schema
from pollweb.lib.http.errors import SHAPES, reason, shape_of
from pollweb.lib.operations import EVENTS, JSON, TEXT, Answer, Operation, Operations
from pollweb.lib.schema import Schema

API_PAGE = Path(__file__).parents[1] / "docs" / "api.md"
PREFIXES = {"image": "/image", "text": "/text", "auth": "/auth", "v1": "/v1", "root": ""}
# On the site's host these two are at the root as well.
ALSO_AT_THE_ROOT = {("image", "prompt/{prompt}"), ("text", "openai")}
# And this one is the site's own there.
PREFIX_OF = {("root", "robots.txt"): "/image"}
# What any address may answer: a request that is none, a host that is none of ours, a method, a wait, a fault.
ALWAYS = (400, 405, 408, 414, 431, 500, 503)
WITH_TOKEN = (401, 429)
WITH_BODY = (413,)

TAGS = {
    "Pictures": "Pictures from prompts and from other pictures, as the public service's image API has them.",
    "Text": "Answers as plain text, as the public service's text API has them.",
    "OpenAI's API": "The dialects that SDKs speak: chat completions, responses, messages, pictures, embeddings.",
    "Sound": "Speech and transcription.",
    "Feeds": "What others are making, as it comes.",
    "Jobs": "Results that nobody waits for.",
    "Files": "The bytes of results.",
    "Accounts": "Who somebody is, their domains, their tokens and what they used, for programs.",
    "Assistants": "The Model Context Protocol.",
    "Operation": "For whoever runs this installation.",
}
MARK = schema.record(
    {
        "id": schema.text(),
        "name": schema.text("What it is called in a file or a header, or in words."),
        "where": schema.text(),
        "on": {"type": "boolean"},
        "words": schema.or_null(schema.text("What people read in the picture.")),
    },
    required=["id", "name", "where", "on", "words"],
)
SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of a team; for the auth API also a person's session token (JWT) or the operator's key.",
    },
    "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "pollinations": {"type": "apiKey", "in": "header", "name": "X-Pollinations-Token"},
    "query": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "Addresses are written down: better not.",
    },
}
REQUEST_HEADERS: Mapping[str, Schema] = {
    "Idempotency-Key": schema.text(
        "Makes one generation however often it is sent within a day.", minLength=1, maxLength=255, pattern="^[!-~]+$"
    ),
    "Prefer": schema.choice(("respond-async",), "Answer at once with a job."),
    "No-Cache": schema.text("Make it anew, also where the same was made before."),
    "Range": schema.text("A part of the file.", pattern="^bytes=[0-9]{1,9}-$"),
    "If-None-Match": schema.text("The ETag of what the caller has."),
    "Last-Event-ID": schema.text("The id of the last event that was seen.", maxLength=64, pattern="^[0-9.]*$"),
}
HEADERS: Mapping[str, Schema] = {
    "X-Request-Id": schema.text("Finds this request in the operator's log."),
    "X-Cache": schema.choice(("HIT", "MISS", "JOIN"), "Made before, made now, or an equal one was being made."),
    "X-Model-Used": schema.text("`provider/model` that made it."),
    "X-Visibility": schema.choice(("public", "private"), "Whether gallery, feeds and wall show it."),
    "X-Queue-Wait": schema.text("Seconds that the request stood in line."),
    "X-Auth-Status": schema.choice(("authenticated", "unauthenticated")),
    "X-Auth-Reason": schema.text("How the caller was read."),
    "RateLimit-Policy": schema.text("The caller's limits (draft-ietf-httpapi-ratelimit-headers)."),
    "RateLimit": schema.text("What remains of them."),
    "Cache-Control": schema.text(),
    "ETag": schema.text(),
    "Location": schema.text(),
    "Preference-Applied": schema.text(),
    "Idempotency-Replayed": schema.choice(("true",), "The answer to an earlier request with the same key."),
    "Retry-After": schema.text("Seconds after which another attempt makes sense."),
    "Allow": schema.text("The methods that are possible."),
    "WWW-Authenticate": schema.text(),
}
RPC_ERROR = schema.named(
    "McpError",
    schema.record(
        {
            "jsonrpc": {"const": "2.0"},
            "id": {"type": ["integer", "string", "null"]},
            "error": schema.record({"code": schema.whole(), "message": schema.text()}, "", ["code", "message"]),
        },
        "What the Model Context Protocol says of a message that is none; X-Request-Id is in the header.",
        ["jsonrpc", "error"],
    ),
)
STANDING = ("X-Auth-Status", "X-Auth-Reason", "RateLimit-Policy", "RateLimit")
OF_STATUS = {401: ("WWW-Authenticate",), 405: ("Allow",), 429: ("Retry-After",), 503: ("Retry-After",)}


@require_safe
async def openapi(request: HttpRequest) -> HttpResponse:
    """The document itself."""
    return HttpResponse(as_json(), content_type="application/json", headers={"Cache-Control": "max-age=300"})


@cache
def operations() -> Operations:
    """What every view of the API lane declares, by view and method."""
    from pollweb import api_urls

    plain = {"application/xml": schema.text()}
    own: Operations = {
        api_urls.crossdomain: {"GET": Operation("Operation", "For old plug-ins", answers={200: Answer("", plain)})},
        api_urls.robots: {
            "GET": Operation("Operation", "For crawlers", answers={200: Answer("", {TEXT: schema.text()})})
        },
        openapi: {
            "GET": Operation("Operation", "This document", answers={200: Answer("", {JSON: {"type": "object"}})})
        },
        health.healthz: {
            "GET": Operation(
                "Operation", "Whether the process answers", answers={200: Answer("", {JSON: {"type": "object"}})}
            )
        },
        health.readyz: {
            "GET": Operation(
                "Operation",
                "Whether requests can be served, and each part that they need",
                answers={status: Answer("", {JSON: {"type": "object"}}) for status in (200, 503)},
            )
        },
        marks.data: {
            "GET": Operation(
                "Operation",
                "The marks that tell that a machine made something, and which are on here",
                "What the page `/labels` says, for programs.",
                answers={200: Answer("", {JSON: schema.record({"marks": schema.listed(MARK)}, required=["marks"])})},
            )
        },
        health.metrics: {
            "GET": Operation(
                "Operation",
                "Figures for Prometheus",
                "For callers on the same machine, or with the operator's token for metrics as bearer token.",
                answers={200: Answer("", {TEXT: schema.text()})},
                refuses=(403,),
            )
        },
        mcp.endpoint: {
            "POST": Operation(
                "Assistants",
                "One message of an MCP client",
                "JSON-RPC over streamable HTTP, without sessions.",
                body={
                    JSON: schema.record(
                        {
                            "jsonrpc": {"const": "2.0"},
                            "id": schema.whole(),
                            "method": schema.text(),
                            "params": {"type": "object"},
                        },
                        required=["jsonrpc", "method"],
                    )
                },
                answers={
                    200: Answer(
                        "The answer; as events where progress was asked for.", {JSON: {"type": "object"}, EVENTS: {}}
                    ),
                    202: Answer("A notification was taken."),
                },
                refuses=(403, 404, 406, 415, 429, 502, 504),
                limited=True,
                problem=RPC_ERROR,
                examples={"body": {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}},
            )
        },
    }
    return {**own, **generation.OPERATIONS, **feeds.OPERATIONS, **accounts.OPERATIONS}


# --- from the tables --------------------------------------------------------------------------------------------------


class Route(NamedTuple):
    """One address of a face; `path` is on the site's host, with `{name}` for what varies."""

    face: str
    inner: str
    path: str
    view: Any


def routes() -> Iterator[Route]:
    """Every address of the API lane's tables."""
    from pollweb import api_urls

    for face, table in api_urls.TABLES.items():
        for pattern in table:
            assert isinstance(pattern, URLPattern), "the API lane's tables are flat"
            if pattern.callback is people.nothing:
                continue  # what no address stands for
            inner = _template(pattern)
            if (face, inner) in ALSO_AT_THE_ROOT:
                yield Route(face, inner, f"/{inner}", pattern.callback)
            yield Route(face, inner, f"{PREFIX_OF.get((face, inner), PREFIXES[face])}/{inner}", pattern.callback)


def _template(pattern: URLPattern) -> str:
    """A route as OpenAPI writes it. One that matches by an expression has this as its name."""
    if isinstance(pattern.pattern, RegexPattern):
        assert pattern.name, f"{pattern.pattern} needs a name: how the reference writes it"
        return pattern.name
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))


class Meaning(NamedTuple):
    codes: list[str]
    text: str


@cache
def meanings() -> dict[int, Meaning]:
    """What each status means and the codes it comes with: the table of docs/api.md."""
    found: dict[int, Meaning] = {}
    table = API_PAGE.read_text(encoding="utf-8").partition("\n## Errors")[2]
    for statuses, codes, text in re.findall(r"^\| ([\d, ]+) \| (.+?) \| (.+) \|$", table, re.M):
        for status in map(int, statuses.split(",")):
            before = found.get(status, Meaning([], ""))
            found[status] = Meaning(
                [*before.codes, *re.findall(r"`(\w+)`", codes)],
                f"{before.text} {text}".strip().replace("](", "](/docs/api"),
            )
    return found


def document() -> dict[str, Any]:
    """The whole document. KeyError names a view that has declared nothing."""
    paths: dict[str, dict[str, Any]] = {}
    ids: set[str] = set()
    for route in routes():
        declared = operations()[route.view]
        for method, operation in declared.items():
            paths.setdefault(route.path, {})[method.lower()] = _operation(route, method, operation, ids)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": settings.DESIGN.site.name,
            "version": __version__,
            "summary": "Pictures, text, chat, speech and live feeds.",
            "description": _about(),
        },
        "servers": [{"url": settings.SITE_URL}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schema.NAMED,
            "securitySchemes": SECURITY,
            "headers": {name: {"schema": each} for name, each in HEADERS.items()},
        },
        "externalDocs": {"url": f"{settings.SITE_URL}/docs"},
    }


def _about() -> str:
    return (
        f"The image API is at {settings.IMAGE_URL}, the text API at {settings.TEXT_URL}, OpenAI's at "
        f"{settings.SITE_URL}/v1. No token is needed; with one, more is possible. A slash at the end of an address "
        "changes nothing, except in a prompt. Where GET is possible, HEAD is too. Unknown parameters are passed over."
    )


def _operation(route: Route, method: str, declared: Operation, ids: set[str]) -> dict[str, Any]:
    name = _name(route, method, declared, ids)
    given: dict[str, Any] = {
        "operationId": name,
        "tags": [declared.tag],
        "summary": declared.summary,
        "parameters": [
            *(_parameter("path", name, declared.path[name], declared) for name in re.findall(r"\{(\w+)\}", route.path)),
            *(_parameter("query", name, each, declared) for name, each in declared.query.items()),
            *(_parameter("header", name, REQUEST_HEADERS[name], declared) for name in declared.headers),
        ],
        "responses": _answers(route, declared),
    }
    if declared.description:
        given["description"] = declared.description
    if declared.body:
        content = {kind: {"schema": each} for kind, each in declared.body.items()}
        if JSON in content and "body" in declared.examples:
            content[JSON]["example"] = declared.examples["body"]
        given["requestBody"] = {"required": declared.body_required, "content": content}
    if declared.limited:
        given["security"] = [{}, *({each: []} for each in SECURITY)]
    return given


def _name(route: Route, method: str, declared: Operation, ids: set[str]) -> str:
    words = re.findall(r"\w+", route.path) or ["root"]
    name = "_".join([method.lower(), *words])
    while name in ids:
        name += "_"
    ids.add(name)
    return name


def _parameter(place: str, name: str, described: Schema, declared: Operation) -> dict[str, Any]:
    bare = {word: value for word, value in described.items() if word != "description"}
    given: dict[str, Any] = {"name": name, "in": place, "schema": bare}
    if place == "path":
        given["required"] = True
    if "description" in described:
        given["description"] = described["description"]
    if name in declared.examples:
        given["example"] = declared.examples[name]
    return given


def _answers(route: Route, declared: Operation) -> dict[str, Any]:
    headers = ("X-Request-Id", *(STANDING if declared.limited else ()))
    given: dict[str, Any] = {}
    for status, answer in declared.answers.items():
        given[str(status)] = {
            "description": answer.description or reason(status),
            "headers": _headers((*headers, *answer.headers)),
            **(
                {"content": {kind: {"schema": _body(kind, each)} for kind, each in answer.content.items()}}
                if answer.content
                else {}
            ),
        }
    refused = {
        *ALWAYS,
        *declared.refuses,
        *(WITH_TOKEN if declared.limited else ()),
        *(WITH_BODY if declared.body else ()),
    }
    face, prefix = hosts.choose("site", route.path)  # /text/v1 is /v1's
    shape = SHAPES[shape_of(face, route.path.removeprefix(prefix))]
    if declared.problem is not None:
        shape = schema.either(shape, declared.problem)
    for status in sorted(refused - declared.answers.keys()):
        meaning = meanings()[status]
        given[str(status)] = {
            "description": f"{meaning.text}\n\nCodes: {', '.join(f'`{code}`' for code in meaning.codes)}",
            "headers": _headers(("X-Request-Id", *OF_STATUS.get(status, ()))),
            "content": {JSON: {"schema": shape}},
        }
    return given


def _body(kind: str, described: Schema) -> Schema:
    """Events have no schema of their own in OpenAPI 3.1: theirs is told beside."""
    if kind != EVENTS:
        return described
    return {
        "type": "string",
        "description": "Server-sent events; `x-event-data` is the data of one.",
        "x-event-data": described,
    }


def _headers(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in dict.fromkeys(names)}


@cache
def as_json() -> bytes:
    return orjson.dumps(document())
