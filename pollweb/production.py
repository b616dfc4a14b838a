"""What must not be so where strangers can reach us: each setting that is unsafe there, with what to do about it.

The checks have the tag PRODUCTION and belong to `manage.py check --deploy` too. `refuse()` is what every process that
serves or works calls first: on a machine that nobody else reaches (`settings.PRODUCTION` is off) it lets all pass.
"""

import re
import stat
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register, run_checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from pollweb.lib import env
from pollweb.preflight import CannotStart

PRODUCTION = "production"
SHORTEST_KEY, SHORTEST_TOKEN = 32, 16  # characters
SAMPLE = re.compile(r"(?i)django-insecure|change.?me|secret.?key|example|password|only for tests")


def refuse(*, migrations: bool = True) -> None:
    """CannotStart, a sentence for each thing that is unsafe; `up` brings the database up to date itself."""
    if not settings.PRODUCTION:
        return
    found = [each for each in run_checks(tags=[PRODUCTION], include_deployment_checks=True) if each.is_serious()]
    said = [f"{each.msg} {each.hint}" for each in found]
    said += [f"{each.msg} {each.hint}" for each in (pending_migrations() if migrations else [])]
    if said:
        raise CannotStart("pollweb does not start in production like this.\n" + "\n".join(said))


def _error(number: int, said: str, hint: str) -> list[CheckMessage]:
    return [Error(said, hint=hint, id=f"pollweb.E{number:03d}")]


@register(PRODUCTION, deploy=True)
def debug_is_off(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not settings.DEBUG:
        return []
    return _error(1, "POLLWEB_DEBUG is on: error pages would show settings and code to everybody.", "Unset it.")


@register(PRODUCTION, deploy=True)
def keys_cannot_be_guessed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    keys = [("POLLWEB_SECRET_KEY", settings.SECRET_KEY)]
    keys += [("POLLWEB_SECRET_KEY_FALLBACKS", key) for key in settings.SECRET_KEY_FALLBACKS]
    for name, key in keys:
        if len(key) < SHORTEST_KEY or len(set(key)) < 8 or SAMPLE.search(key):
            found += _error(
                2,
                f"{name} can be guessed: whoever knows it signs in as anybody.",
                f"Take at least {SHORTEST_KEY} characters at random (openssl rand -base64 48), or leave it unset.",
            )
    for name, token in (("POLLWEB_ADMIN_KEY", settings.ADMIN_KEY), ("POLLWEB_METRICS_TOKEN", settings.METRICS_TOKEN)):
        if token and len(token) < SHORTEST_TOKEN:
            found += _error(
                3,
                f"{name} has {len(token)} characters and can be guessed.",
                f"Take at least {SHORTEST_TOKEN} (openssl rand -hex 24), or leave it unset.",
            )
    return found


@register(PRODUCTION, deploy=True)
def hosts_are_named(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not {"*", "."} & set(settings.ALLOWED_HOSTS):
        return []
    return _error(
        4,
        "POLLWEB_ALLOWED_HOSTS lets any host name in: links in mails and caches could be made to lead elsewhere.",
        "Name the hosts, such as images.example.org or .example.org.",
    )


@register(PRODUCTION, deploy=True)
def addresses_have_tls(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    plain = sorted({url for url in settings.BASE_URLS if url.startswith("http://")})
    if not plain or settings.ALLOW_HTTP:
        return []
    return _error(
        5,
        f"{plain[0]} has no TLS: passwords, sessions and tokens would travel in the clear.",
        "Put a proxy with a certificate in front and say https:// in POLLWEB_SITE_URL; POLLWEB_ALLOW_HTTP=1 allows it.",
    )


@register(PRODUCTION, deploy=True)
def redis_asks_who_comes(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    parts = urlsplit(settings.REDIS_URL)
    if parts.scheme == "unix" or parts.password or "ssl_certfile=" in parts.query:
        return []
    return _error(
        6,
        f"The Redis server at {parts.hostname} is reached over the network without a password: whoever reaches it "
        "runs jobs and reads answers.",
        "Set a password (requirepass, or an ACL) and put it into POLLWEB_REDIS_URL: redis://:password@host:6379/0.",
    )


@register(PRODUCTION, deploy=True)
def secrets_are_the_owners(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Files that secrets came from: other users of the machine must not read them."""
    found: list[CheckMessage] = []
    for path in sorted({*env.files, settings.POLLWEB_HOME / "secret_key"}):
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if mode & (stat.S_IROTH | stat.S_IWOTH):
            found += _error(7, f"Every user of this machine can read {path}.", f"chmod o-rwx {path}")
    return found


@register(PRODUCTION, deploy=True)
def proxies_are_named(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    wide = [word for word in settings.TRUSTED_PROXIES if ip_network(word, strict=False).prefixlen == 0]
    if not wide:
        return []
    return _error(
        8,
        f"POLLWEB_TRUSTED_PROXIES holds {wide[0]}: anybody could say to come from any address, and pass every limit.",
        "Name the proxies' own networks.",
    )


@register(PRODUCTION, deploy=True)
def the_database_is_not_open(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    parts = urlsplit(settings.DATABASE_URL)
    local = parts.hostname in (None, "localhost", "127.0.0.1", "::1")
    if parts.scheme == "sqlite" or local or parts.password or "passfile" in parts.query or "sslcert" in parts.query:
        return []
    return _error(
        9,
        f"The database at {parts.hostname} is reached over the network without a password.",
        "Put one into POLLWEB_DATABASE_URL: postgresql://user:password@host/name.",
    )


@register(PRODUCTION, deploy=True)
def mail_reaches_people(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.EMAIL_URL or settings.DESIGN.site.sign_up == "closed" or not settings.PRODUCTION:
        return []
    return [
        Warning(
            "POLLWEB_EMAIL_URL is not set: codes for signing in become files here, and reach nobody.",
            hint="Name a mail server, or set sign_up to closed under [site].",
            id="pollweb.W001",
        )
    ]


@register(PRODUCTION, deploy=True)
def the_server_holds_slow_readers_back(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.SERVER == "uvicorn":
        return []
    return [
        Warning(
            f"POLLWEB_SERVER is {settings.SERVER}, which nothing holds back when a client does not read.",
            hint="Leave it at uvicorn where strangers come.",
            id="pollweb.W002",
        )
    ]


def pending_migrations() -> list[CheckMessage]:
    """Nothing is said while the database is away: whoever starts then waits, and `/readyz` says why."""
    try:
        executor = MigrationExecutor(connection)
        pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError:
        return []
    finally:
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()  # its threads must be gone before a process is forked
    if not pending:
        return []
    return _error(10, f"The database lacks {pending} migrations.", "Run manage.py migrate first.")
