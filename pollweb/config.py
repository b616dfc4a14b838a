"""What an operator designs: tiers, providers, models, feeds, limits. One TOML file over the shipped `defaults.toml`.

Tables are merged by key; a mistake is answered by a sentence that names the key, the value and what is allowed.
"""

import difflib
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pollweb.lib import messages

DEFAULTS = Path(__file__).with_name("defaults.toml")
TIERS = ("anonymous", "seed", "flower", "nectar")

TierName = Literal["anonymous", "seed", "flower", "nectar"]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
Count = Annotated[int, Field(ge=1, le=2**40)]
FeedURL = Annotated[str, Field(max_length=2048, pattern=r"^https?://[^\s/@?#]+(/\S*)?$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$")]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Site(Table):
    name: Annotated[str, Field(min_length=1, max_length=60)] = "pollweb"
    logo: Annotated[str, Field(max_length=1000)] = ""


class Tier(Table):
    interval: Seconds
    concurrency: Annotated[int, Field(ge=1, le=10_000)]
    models: Literal["basic", "standard", "advanced"]


class Deadlines(Table):
    text: Seconds
    text_stream: Seconds
    image: Seconds
    audio: Seconds
    transcription: Seconds
    engine_wait: Seconds


class Limits(Table):
    request_bytes: Count
    media_request_bytes: Count
    prompt_chars: Count
    connections_per_address: Count
    sockets_per_address: Count
    streams_per_address: Count
    connections: Count
    waiting: Count


class Visibility(Table):
    image: Literal["default", "private"] = "default"
    text: Literal["default", "private"] = "default"
    audio: Literal["default", "private"] = "default"


class Moderation(Table):
    words: list[Annotated[str, Field(min_length=2, max_length=100)]] = []
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.8
    classifier: bool = True


class Feeds(Table):
    follow: bool = False
    delay: Seconds = 0
    history: Annotated[int, Field(ge=100, le=1_000_000)] = 5000
    image: list[FeedURL] = []
    text: list[FeedURL] = []


class Links(Table):
    """What may be added to plain answers, to every hundredth with a `share` of 0.01. Off while there is no text."""

    text: Annotated[str, Field(max_length=1000)] = ""
    share: Annotated[float, Field(ge=0, le=1)] = 0.03
    exempt: list[TierName] = []


class Provider(Table):
    """`kind` names an entry of generation.providers.registry; the other keys are that kind's own."""

    model_config = ConfigDict(extra="allow", frozen=True)
    kind: str
    max_parallel: Annotated[int, Field(ge=1, le=10_000)] = 16


class Source(Table):
    provider: Name
    model: Name


class Card(Table):
    """One public model name."""

    sources: Annotated[list[Source], Field(alias="from", min_length=1, max_length=8)]
    description: Annotated[str, Field(max_length=300)] = ""
    tier: TierName = "anonymous"
    aliases: list[Name] = []
    system: str = ""
    voices: list[str] = []
    tools: bool = False
    vision: bool = False
    edits: bool = False
    reasoning: bool = False
    largest_side: Annotated[int, Field(ge=64, le=8192)] = 1024
    max_input_chars: Annotated[int, Field(ge=1, le=10_000_000)] = 32_000
    lane: Literal["relay", "work"] = "relay"
    interval: Seconds | None = None
    concurrency: Annotated[int, Field(ge=1, le=10_000)] | None = None


class Models(Table):
    image: dict[Name, Card] = {}
    text: dict[Name, Card] = {}
    audio: dict[Name, Card] = {}
    transcription: dict[Name, Card] = {}


class Design(Table):
    """The whole file, read and checked."""

    site: Site
    tiers: dict[str, Tier]
    deadlines: Deadlines
    limits: Limits
    visibility: Visibility
    moderation: Moderation
    feeds: Feeds
    links: Links = Links()
    providers: dict[Name, Provider]
    models: Models

    @model_validator(mode="after")
    def check_whole(self) -> "Design":
        missing = [tier for tier in TIERS if tier not in self.tiers]
        unknown = [tier for tier in self.tiers if tier not in TIERS]
        if unknown:
            raise ValueError(f"tiers.{unknown[0]} is not a known key; known are {', '.join(TIERS)}")
        if missing:
            raise ValueError(f"tiers.{missing[0]} is missing; every one of {', '.join(TIERS)} is needed")
        for kind in ("image", "text", "audio", "transcription"):
            taken: dict[str, str] = {}
            for name, card in getattr(self.models, kind).items():
                for source in card.sources:
                    if source.provider not in self.providers:
                        raise ValueError(
                            f"models.{kind}.{name} is made by {source.provider!r}, which is no provider; "
                            f"known are {', '.join(self.providers) or 'none'}"
                        )
                for word in (name, *card.aliases):
                    if word in taken:
                        raise ValueError(
                            f"models.{kind}.{name} answers to {word!r}, and so does {taken[word]}; "
                            "a name belongs to one model"
                        )
                    taken[word] = name
        return self


def merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`above` over `below`: tables key by key, everything else replaced."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as exc:
        raise ImproperlyConfigured(f"{path} cannot be read: {exc}.") from exc
    except tomllib.TOMLDecodeError as exc:
        raise ImproperlyConfigured(f"{path} is not valid TOML: {exc}.") from exc


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """The keys allowed in the table at `location`, found by walking the classes above."""
    table: Any = Design
    for step in location:
        if isinstance(table, type) and issubclass(table, Table):
            field = next((f for n, f in table.model_fields.items() if step in (n, f.alias)), None)
            table = field.annotation if field else None
        else:
            arguments = getattr(table, "__args__", ())
            table = arguments[-1] if arguments else None
    if isinstance(table, type) and issubclass(table, Table):
        return [field.alias or name for name, field in table.model_fields.items()]
    return []


def _sentence(error: Any, path: str) -> str:
    location = error["loc"]
    key = ".".join(str(step) for step in location if step != "[key]")
    if error["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else f" Known there: {', '.join(known)}." if known else ""
        return f"{path}: {key} is not a known key.{hint}"
    if error["type"] == "missing":
        return f"{path}: {key} is missing."
    if error["type"] == "value_error":
        return f"{path}: {error['ctx']['error']}."
    return f"{path}: {key} is {error['input']!r}; {error['msg'][0].lower()}{error['msg'][1:]}."


def parse(operators: dict[str, Any], path: str = "the configuration") -> Design:
    """Check an operator's tables over the shipped ones. ImproperlyConfigured lists every mistake, one sentence each."""
    try:
        return Design.model_validate(merge(_read(DEFAULTS), operators))
    except ValidationError as exc:
        raise ImproperlyConfigured("\n".join(_sentence(error, path) for error in exc.errors())) from exc


def load(home: Path) -> Design:
    """The file named by POLLWEB_CONFIG, or pollweb.toml in `home` if it is there, over the defaults."""
    named = os.environ.get("POLLWEB_CONFIG", "").strip()
    path = Path(named) if named else home / "pollweb.toml"
    return parse(_read(path) if named or path.exists() else {}, str(path))


def database(url: str, *, pool: int) -> dict[str, Any]:
    """`sqlite:///path` or `postgresql://user:password@host:port/name` as Django's DATABASES entry."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and parts.path:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": "/" + unquote(parts.path).lstrip("/"),
            "OPTIONS": {
                # Readers beside one writer, which waits for its turn instead of failing: without IMMEDIATE half of the
                # concurrent read-then-write transactions end in "database is locked".
                "transaction_mode": "IMMEDIATE",
                "timeout": 5,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;",
            },
        }
    if parts.scheme in ("postgresql", "postgres") and parts.path.strip("/"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.strip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 0,
            "OPTIONS": {
                "pool": {"min_size": 1, "max_size": pool, "timeout": 5},
                "options": "-c statement_timeout=10000 -c lock_timeout=2000",
                **dict(parse_qsl(parts.query)),
            },
        }
    raise ImproperlyConfigured(
        f"POLLWEB_DATABASE_URL is {parts.scheme}://…; allowed are sqlite:///path and postgresql://user:password@host/name."
    )


def translations(source: Path, target: Path) -> Path:
    """`target`, with the .po files of `source` compiled into it where they have changed: no gettext tools needed."""
    try:
        messages.compile_folder(source, target)
    except (OSError, ValueError) as exc:
        raise ImproperlyConfigured(f"The translations in {source} cannot be compiled into {target}: {exc}.") from exc
    return target


def broker(url: str) -> str:
    """The Redis address as Celery's transport wants it."""
    return f"redis+socket://{url.removeprefix('unix://')}" if url.startswith("unix://") else url
