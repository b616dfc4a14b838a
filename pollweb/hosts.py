"""Which face a request is for: chosen by host and prefix, before any handler runs.

A host is a face's own when a configured base URL says so, or its first label does (`image.localhost`). On the site's
host the faces live under prefixes, and a few API paths are served at the root too, since no redirect may stand between
an API client and its answer.
"""

from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from pollweb import bodies, lifespan
from pollweb.lib.errors import BadRequest
from pollweb.lib.http.addresses import is_trusted_proxy

FACES = ("image", "text", "auth")
OPERATION = frozenset({"/healthz", "/readyz", "/metrics", "/mcp"})
LIVE = frozenset({"/live/events", "/live/items.json", "/feed.json"})  # long or frequent: the wall's page is the site's
AT_THE_ROOT = OPERATION | LIVE | {"/labels.json"}
NEVER_PROMPTS = OPERATION | {"/favicon.ico", "/robots.txt"}
Scope = dict[str, Any]


@lru_cache(maxsize=1024)
def face_of_host(host: str) -> str | None:
    """ "image", "text", "auth" or "site" for a Host header; None for one that is not served here."""
    domain, _ = split_domain_port(host)
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return None
    site = urlsplit(settings.SITE_URL)
    for face, url in zip(FACES, (settings.IMAGE_URL, settings.TEXT_URL, settings.AUTH_URL), strict=True):
        own = urlsplit(url)
        if (
            own.netloc != site.netloc
            and not own.path
            and (host.lower() == own.netloc or (domain == own.hostname and own.hostname != site.hostname))
        ):
            return face
    label, dot, _ = domain.partition(".")
    return label if dot and label in FACES else "site"


@lru_cache(maxsize=1)
def prefixes() -> tuple[tuple[str, str], ...]:
    """(prefix, face) on hosts that are no face's own: the usual ones and those of the configured base URLs."""
    found = {f"/{face}": face for face in FACES}
    for face, url in zip(FACES, (settings.IMAGE_URL, settings.TEXT_URL, settings.AUTH_URL), strict=True):
        if path := urlsplit(url).path:
            found[path] = face
    return tuple(sorted(found.items(), key=lambda item: -len(item[0])))


def _below(path: str, prefix: str) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/")


def _within(face: str, path: str) -> tuple[str, str]:
    """(face, further prefix) of a path on a face's own host."""
    bare = path.rstrip("/")
    if bare in OPERATION or _below(path, "/mcp"):
        return "root", ""
    if face == "text":
        if _below(path, "/v1"):
            return "v1", "/v1"
        if bare in NEVER_PROMPTS or _below(path, "/ws"):
            return "root", ""
    elif bare == "/robots.txt" or path.startswith("/media/"):
        return "root", ""
    return face, ""


def choose(host_face: str, path: str) -> tuple[str, str]:
    """(face, prefix) for a raw path. The face "site" is the site lane's."""
    if host_face != "site":
        return _within(host_face, path)
    for prefix, face in prefixes():
        if _below(path, prefix):
            inner, further = _within(face, path[len(prefix) :])
            return inner, prefix + further
    if path.rstrip("/") in AT_THE_ROOT or _below(path, "/mcp") or path.startswith("/media/"):
        return "root", ""
    if path == "/prompt" or path.startswith("/prompt/"):
        return "image", ""
    if path.startswith("/openai"):
        return "text", ""
    if _below(path, "/v1"):
        return "v1", "/v1"
    return "site", ""


def host_of(scope: Scope) -> tuple[str, BadRequest | None]:
    """The face of the request's host, and why it is refused if it is."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) != 1:
        return "site", BadRequest("A request has exactly one Host header.", code="invalid_host")
    face = face_of_host(hosts[0].decode("latin-1"))
    if face is None:
        return "site", BadRequest("This host name is not served here.", code="invalid_host")
    return face, None


class Dispatch:
    """The ASGI application for HTTP: the API lane for the API's faces, the site lane for all else."""

    def __init__(self, api: Any, site: Any) -> None:
        self.api, self.site = api, bodies.Bounded(site, api)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        await lifespan.start()
        _believe_proxy(scope)
        raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode("ascii")
        host_face, refused = host_of(scope)
        path = raw.decode("latin-1")
        if refused is not None:
            await self.api({**scope, "raw_path": raw, "pollweb.refused": refused}, receive, send)
            return
        face, prefix = choose(host_face, path)
        if face == "site":
            await self.site({**scope, "raw_path": raw}, receive, send)
            return
        inner = {
            **scope,
            "root_path": prefix,
            # A prefix has no escapes: it is as long in the raw path as in the decoded one.
            "path": scope["path"][len(prefix) :] or "/",
            "raw_path": raw[len(prefix) :] or b"/",
            "pollweb.face": face,
        }
        await self.api(inner, receive, send)


def _believe_proxy(scope: Scope) -> None:
    """The scheme that a trusted proxy was spoken to with."""
    if settings.TRUSTED_PROXIES and is_trusted_proxy((scope.get("client") or ("",))[0]):
        for name, value in scope["headers"]:
            if name == b"x-forwarded-proto" and value in (b"http", b"https"):
                scope["scheme"] = value.decode("ascii")
