"""What an operator designs: tiers, providers, models, feeds, limits. One TOML file over the shipped `defaults.toml`.

Tables are merged by key; a mistake is answered by a sentence that names the key, the value and what is allowed.
"""

import difflib
import os
import re
import ssl
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from pollweb.lib import messages, sentinels

DEFAULTS = Path(__file__).with_name("defaults.toml")
TIERS = ("anonymous", "seed", "flower", "nectar")

PACKS = ("basic", "standard", "advanced")

TierName = Literal["anonymous", "seed", "flower", "nectar"]
Pack = Literal["basic", "standard", "advanced"]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
Count = Annotated[int, Field(ge=1, le=2**40)]
FeedURL = Annotated[str, Field(max_length=2048, pattern=r"^https?://[^\s/@?#]+(/\S*)?$")]
Money = Annotated[float, Field(ge=0, le=1_000_000)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$")]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Site(Table):
    name: Annotated[str, Field(min_length=1, max_length=60)] = "pollweb"
    logo: Annotated[str, Field(max_length=1000)] = ""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    ai_label: bool = False
    contact: Annotated[str, Field(max_length=200, pattern=r"^$|^(mailto:|https://|tel:)\S+$|^[^\s@:]+@[^\s@:]+$")] = ""
    sign_up: Literal["open", "invited", "closed"] = "open"
    reports_that_hide: Annotated[int, Field(ge=0, le=1000)] = 3


class Marking(Table):
    """`label`: words, or whether there are any. `producer` turns the AIGC block on."""

    label: bool | Annotated[str, Field(max_length=40, pattern=r"^$|\w")] = False
    font: Annotated[str, Field(max_length=1000)] = ""
    producer: Annotated[str, Field(max_length=200)] = ""
    propagator: Annotated[str, Field(max_length=200)] = ""


class Intervals(Table):
    """Seconds between two starts, by what is made."""

    image: Seconds
    text: Seconds
    audio: Seconds


class Tier(Table):
    """`models` is the largest pack of models that it may use; a larger pack holds the smaller ones."""

    interval: Annotated[
        Annotated[Seconds, Tag("[number]")] | Annotated[Intervals, Tag("[table]")],
        Discriminator(lambda given: "[table]" if isinstance(given, dict | Intervals) else "[number]"),
    ]
    concurrency: Annotated[int, Field(ge=1, le=10_000)]
    models: Pack

    def interval_of(self, kind: str) -> float:
        """Seconds between two starts of `kind`: image, text or audio."""
        interval: float = getattr(self.interval, kind) if isinstance(self.interval, Intervals) else self.interval
        return interval

    def holds(self, pack: Pack) -> bool:
        """Whether models of this pack may be used."""
        return PACKS.index(pack) <= PACKS.index(self.models)


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
    export_bytes: Count
    remembered_bytes: Count


class Visibility(Table):
    image: Literal["default", "private"] = "default"
    text: Literal["default", "private"] = "default"
    audio: Literal["default", "private"] = "default"


class Moderation(Table):
    words: list[Annotated[str, Field(min_length=2, max_length=100)]] = []
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.8
    classifier: bool = True


class Retention(Table):
    """Days that rows are kept; 0 keeps them for good."""

    visitors_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    failed_days: Annotated[int, Field(ge=0, le=36_500)] = 30


class Feeds(Table):
    follow: bool = False
    delay: Seconds = 0
    kiosk_delay: Seconds = 10
    history: Annotated[int, Field(ge=100, le=1_000_000)] = 5000
    pictures: Literal["thumbnails", "direct", "none"] = "thumbnails"
    image: list[FeedURL] = []
    text: list[FeedURL] = []


class Auth(Table):
    """How a program gets its JWT: in the fragment of its address, which no server sees, or in the query."""

    token_in_query: bool = False


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


class Price(Table):
    """In the site's currency: for one request, one picture, a minute of sound, a million tokens in and out."""

    request: Money = 0.0
    image: Money = 0.0
    audio_minute: Money = 0.0
    prompt_tokens: Money = 0.0
    completion_tokens: Money = 0.0


class Card(Table):
    """One public model name."""

    sources: Annotated[list[Source], Field(alias="from", min_length=1, max_length=8)]
    description: Annotated[str, Field(max_length=300)] = ""
    pack: Pack = "basic"
    tier: TierName | None = None  # in place of what its pack says
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
    price: Price = Price()


class Models(Table):
    image: dict[Name, Card] = {}
    text: dict[Name, Card] = {}
    audio: dict[Name, Card] = {}
    transcription: dict[Name, Card] = {}
    embedding: dict[Name, Card] = {}


class Design(Table):
    """The whole file, read and checked."""

    # Django's settings ask every value for this at each access; where it is missing pydantic takes its time to say so.
    _mask_wrapped: ClassVar[bool] = True

    site: Site
    marking: Marking = Marking()
    tiers: dict[str, Tier]
    deadlines: Deadlines
    limits: Limits
    visibility: Visibility
    moderation: Moderation
    retention: Retention = Retention()
    feeds: Feeds
    links: Links = Links()
    auth: Auth = Auth()
    providers: dict[Name, Provider]
    models: Models

    def lowest_tier(self, card: Card) -> str | None:
        """The lowest tier that may use a model: the one it names, or the first that has its pack."""
        return card.tier or self.tier_of_pack(card.pack)

    def tier_of_pack(self, pack: Pack) -> str | None:
        """The lowest tier that has this pack of models."""
        return next((tier for tier in TIERS if self.tiers[tier].holds(pack)), None)

    @model_validator(mode="after")
    def check_whole(self) -> "Design":
        missing = [tier for tier in TIERS if tier not in self.tiers]
        unknown = [tier for tier in self.tiers if tier not in TIERS]
        if unknown:
            raise ValueError(f"tiers.{unknown[0]} is not a known key; known are {', '.join(TIERS)}")
        if missing:
            raise ValueError(f"tiers.{missing[0]} is missing; every one of {', '.join(TIERS)} is needed")
        for lower, higher in pairwise(TIERS):
            if not self.tiers[higher].holds(self.tiers[lower].models):
                raise ValueError(
                    f"tiers.{higher}.models is {self.tiers[higher].models!r}, less than "
                    f"tiers.{lower}.models, which is {self.tiers[lower].models!r}; a higher tier may use as much"
                )
        for kind in Models.model_fields:
            taken: dict[str, str] = {}
            for name, card in getattr(self.models, kind).items():
                if self.lowest_tier(card) is None:
                    raise ValueError(f"models.{kind}.{name} is in the pack {card.pack!r}, which no tier has")
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


UNSAID = ("[key]", "[number]", "[table]")  # steps of a location that are no keys


def _sentence(error: Any, path: str) -> str:
    location = error["loc"]
    key = ".".join(str(step) for step in location if step not in UNSAID)
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
        from pollweb.lib import postgresql  # not needed with SQLite

        options: dict[str, Any] = {
            # To compile a query (jit) costs more than ours take, and sums over tens of thousands of rows fit into this
            # work_mem instead of a file. What is prepared is meant to be planned once (pollweb.lib.prepared).
            "options": "-c statement_timeout=10000 -c lock_timeout=2000 -c jit=off -c work_mem=16MB"
            " -c plan_cache_mode=force_generic_plan",
            "prepare_threshold": 0,
            **postgresql.KEPT_ALIVE,
            **dict(parse_qsl(parts.query)),
        }
        connections = postgresql.patient(options["options"])
        return {
            "ENGINE": "pollweb.lib.postgresql",
            "NAME": unquote(parts.path.strip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 0,
            "OPTIONS": {
                # Who asks tries again at once; the pool by itself would rest twice as long after each failure.
                "pool": {
                    "min_size": 1,
                    "max_size": pool,
                    "timeout": 3,
                    "reconnect_timeout": 2,
                    "connection_class": connections,
                },
                **options,
            },
        }
    raise ImproperlyConfigured(
        f"POLLWEB_DATABASE_URL is {parts.scheme}://…; allowed are sqlite:///path and postgresql://user:password@host/name."
    )


def bucket(url: str, *, key: str, secret: str) -> dict[str, Any] | None:
    """`s3://bucket/prefix?endpoint=https://host&region=eu-1` as options of django-storages; None for the folder.

    Without a key the client looks where Amazon's own tools do: their variables, their files, the machine's role.
    """
    if not url:
        return None
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    endpoint, region = query.pop("endpoint", ""), query.pop("region", "")
    named = re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", parts.netloc)
    if parts.scheme != "s3" or not named or query or (endpoint and not re.match(r"https?://[^/\s]", endpoint)):
        raise ImproperlyConfigured(
            "POLLWEB_MEDIA_URL is no address of a bucket; allowed is "
            "s3://bucket/prefix?endpoint=https://host&region=name. Unset it to keep results in POLLWEB_HOME/media."
        )
    if bool(key) != bool(secret):
        raise ImproperlyConfigured("POLLWEB_MEDIA_KEY and POLLWEB_MEDIA_SECRET belong together; one is missing.")
    options = {
        "bucket_name": parts.netloc,
        "location": unquote(parts.path).strip("/"),
        "endpoint_url": endpoint,
        "region_name": region or ("us-east-1" if endpoint else ""),
        "access_key": key,
        "secret_key": secret,
    }
    return {name: value for name, value in options.items() if value}


def mailer(url: str) -> dict[str, Any]:
    """`smtp://user:password@host:587` (STARTTLS; `?tls=none` for a server on a trusted wire) or `smtps://…:465` as an
    entry of Django's MAILERS. Without an address mail becomes files. A refused one may hold a password: it is not told.
    """
    if not url:
        return {"BACKEND": "pollweb.lib.mail.Files"}
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        tls = "ssl" if parts.scheme == "smtps" else query.pop("tls", "starttls")
        if parts.scheme in ("smtp", "smtps") and parts.hostname and not query and tls in ("ssl", "starttls", "none"):
            return {
                "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
                "OPTIONS": {
                    "host": parts.hostname,
                    "port": parts.port or {"ssl": 465, "starttls": 587, "none": 25}[tls],
                    "username": unquote(parts.username or ""),
                    "password": unquote(parts.password or ""),
                    "use_tls": tls == "starttls",
                    "use_ssl": tls == "ssl",
                    "timeout": 10,  # seconds; a person waits for the page meanwhile
                },
            }
    except ValueError:  # a port that is no number
        pass
    raise ImproperlyConfigured(
        "POLLWEB_EMAIL_URL is no address of a mail server; allowed are smtp://user:password@host:587, "
        "smtp://host:25?tls=none and smtps://user:password@host:465."
    )


def sign_in_providers(
    *, github: tuple[str, str], google: tuple[str, str], oidc: tuple[str, str], oidc_issuer: str, oidc_name: str
) -> dict[str, Any]:
    """allauth's SOCIALACCOUNT_PROVIDERS: those for which the operator has set a client's id and secret."""
    found: dict[str, Any] = {}
    for name, (client_id, secret) in (("github", github), ("google", google)):
        if bool(client_id) != bool(secret):
            variable = f"POLLWEB_{name.upper()}"
            raise ImproperlyConfigured(f"{variable}_CLIENT_ID and {variable}_SECRET belong together; one is missing.")
        if client_id:
            scope = ["user:email"] if name == "github" else ["email", "profile"]
            app = {"client_id": client_id, "secret": secret}
            found[name] = {"APPS": [app], "SCOPE": scope, "OAUTH_PKCE_ENABLED": True}
    if any((*oidc, oidc_issuer)) and not all((*oidc, oidc_issuer)):
        raise ImproperlyConfigured(
            "POLLWEB_OIDC_ISSUER, POLLWEB_OIDC_CLIENT_ID and POLLWEB_OIDC_SECRET belong together; one is missing."
        )
    if oidc_issuer:
        found["openid_connect"] = {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": "sso",
                    "name": oidc_name or urlsplit(oidc_issuer).hostname,
                    "client_id": oidc[0],
                    "secret": oidc[1],
                    "settings": {"server_url": oidc_issuer},
                }
            ],
        }
    return found


def translations(source: Path, target: Path) -> Path:
    """`target`, with the .po files of `source` compiled into it where they have changed: no gettext tools needed."""
    try:
        messages.compile_folder(source, target)
    except (OSError, ValueError) as exc:
        raise ImproperlyConfigured(f"The translations in {source} cannot be compiled into {target}: {exc}.") from exc
    return target


def broker(url: str) -> dict[str, Any]:
    """The settings of Celery that follow from the Redis address."""
    if url.startswith("unix://"):
        return _broker(f"redis+socket://{url.removeprefix('unix://')}")
    if not url.startswith("sentinel:"):
        parts = urlsplit(url)
        query = [(name, value) for name, value in parse_qsl(parts.query) if not name.startswith("ssl_")]
        tls = {name: value for name, value in parse_qsl(parts.query) if name.startswith("ssl_")}
        return _broker(parts._replace(query=urlencode(query)).geturl(), tls=tls if parts.scheme == "rediss" else None)
    told = sentinels.parse(url)
    who = ":".join(quote(told.options.get(name, ""), safe="") for name in ("username", "password"))
    hosts = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in told.hosts]
    tls = {name: value for name, value in told.options.items() if name.startswith("ssl_")}
    return _broker(
        f"{';'.join(f'sentinel://{who}@{host}' for host in hosts)}/{told.options['db']}",
        {"master_name": told.master, "sentinel_kwargs": told.own_options},
        tls=tls or None,
    )


def _broker(url: str, options: dict[str, Any] | None = None, *, tls: dict[str, str] | None = None) -> dict[str, Any]:
    """`tls`: as redis-py reads it from an address, where certificates are checked unless it says otherwise."""
    found = {"broker_url": url, "broker_transport_options": options or {}}
    if tls is not None:
        checked = tls.get("ssl_cert_reqs", "required") != "none"
        found["broker_use_ssl"] = {**tls, "ssl_cert_reqs": ssl.CERT_REQUIRED if checked else ssl.CERT_NONE}
    return found
