"""One settings file for development, tests and production: deployments differ by environment variables only.

Every variable is described in docs/settings.md, which a test compares with this file.
"""

import hashlib
import os
import secrets
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _

from pollweb import config
from pollweb.lib import env

ROOT = Path(__file__).resolve().parent.parent

# --- where things lie -------------------------------------------------------------------------------------------------

POLLWEB_HOME = env.folder("POLLWEB_HOME", ROOT / "var")
try:
    POLLWEB_HOME.mkdir(mode=0o700, parents=True, exist_ok=True)
except OSError as exc:
    raise ImproperlyConfigured(f"POLLWEB_HOME is {POLLWEB_HOME}, which cannot be made: {exc.strerror}.") from exc
MEDIA_FOLDER = POLLWEB_HOME / "media"
MODEL_FOLDER = env.folder("POLLWEB_MODELS_DIR", POLLWEB_HOME / "models")
MODEL_SET = env.choice("POLLWEB_MODELS", "default", ("none", "tiny", "default", "large"))
MODEL_MIRROR = env.text("POLLWEB_MODEL_MIRROR")
RUN_FILE = POLLWEB_HOME / "run.json"

# --- what the operator designs ----------------------------------------------------------------------------------------

DESIGN = config.load(POLLWEB_HOME)

# --- addresses --------------------------------------------------------------------------------------------------------

HOST = env.text("POLLWEB_HOST", "127.0.0.1")
PORT = env.number("POLLWEB_PORT", 8000, least=1, most=65535)
SITE_URL = env.base_url("POLLWEB_SITE_URL", f"http://localhost:{PORT}")
IMAGE_URL = env.base_url("POLLWEB_IMAGE_URL", f"{SITE_URL}/image")
TEXT_URL = env.base_url("POLLWEB_TEXT_URL", f"{SITE_URL}/text")
AUTH_URL = env.base_url("POLLWEB_AUTH_URL", f"{SITE_URL}/auth")
BASE_URLS = (SITE_URL, IMAGE_URL, TEXT_URL, AUTH_URL)

_hosts = {urlsplit(url).hostname or "" for url in BASE_URLS}
_loopback = {"localhost", "127.0.0.1", "::1"}
ALLOWED_HOSTS = sorted({*_hosts, "localhost", "127.0.0.1", "[::1]", ".localhost", *env.words("POLLWEB_ALLOWED_HOSTS")})
PRODUCTION = env.flag("POLLWEB_PRODUCTION", bool(_hosts - _loopback))
ALLOW_HTTP = env.flag("POLLWEB_ALLOW_HTTP")
TRUSTED_PROXIES = env.networks("POLLWEB_TRUSTED_PROXIES")
FETCH_ALLOW = env.host_ports("POLLWEB_FETCH_ALLOW")

# --- secrets ----------------------------------------------------------------------------------------------------------


def _kept_secret(path: Path) -> str:
    """The secret in `path`, made on first use, readable by its owner only."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    except OSError as exc:
        raise ImproperlyConfigured(
            f"POLLWEB_HOME is {path.parent}, where nothing can be written: {exc.strerror}."
        ) from exc
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(50))
    return path.read_text(encoding="ascii").strip()


SECRET_KEY = env.text("POLLWEB_SECRET_KEY") or _kept_secret(POLLWEB_HOME / "secret_key")
FEED_PASSWORD = env.text("POLLWEB_FEED_PASSWORD")
METRICS_TOKEN = env.text("POLLWEB_METRICS_TOKEN")
DEBUG = env.flag("POLLWEB_DEBUG")

# --- processes --------------------------------------------------------------------------------------------------------

SERVER = env.choice("POLLWEB_SERVER", "uvicorn", ("uvicorn", "daphne"))
WEB_PROCESSES = env.number("POLLWEB_WEB", 1, least=1, most=64)
WORKER_PROCESSES = env.number("POLLWEB_WORKERS", 1, least=1, most=64)
DRAIN_SECONDS = env.seconds("POLLWEB_DRAIN_SECONDS", 8)
HTTP_TRANSPORT = env.choice("POLLWEB_HTTP_TRANSPORT", "aiohttp", ("aiohttp", "httpcore"))
ENGINE_THREADS = env.number("POLLWEB_ENGINE_THREADS", min(4, os.cpu_count() or 2), least=1, most=64)

# --- database ---------------------------------------------------------------------------------------------------------

DATABASE_URL = env.text("POLLWEB_DATABASE_URL", f"sqlite:///{POLLWEB_HOME / 'pollweb.sqlite3'}")
DATABASE_THREADS = env.number("POLLWEB_DATABASE_THREADS", 4, least=1, most=64)
DATABASES = {"default": config.database(DATABASE_URL, pool=DATABASE_THREADS + 4)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis ------------------------------------------------------------------------------------------------------------


def _socket_folder() -> Path:
    """A unix socket's path may have about 100 bytes: a deep POLLWEB_HOME gets a folder under the temporary one."""
    if len(os.fsencode(POLLWEB_HOME / "run" / "valkey.sock")) <= 100:
        return POLLWEB_HOME / "run"
    name = hashlib.sha256(os.fsencode(POLLWEB_HOME)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"pollweb-{os.getuid()}-{name}"


SOCKET_FOLDER = _socket_folder()
REDIS_URL = env.redis_url("POLLWEB_REDIS_URL", f"unix://{SOCKET_FOLDER / 'valkey.sock'}")
EMBEDDED_REDIS = not env.text("POLLWEB_REDIS_URL")
REDIS_PREFIX = env.text("POLLWEB_REDIS_PREFIX", "pollweb")

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": f"{REDIS_PREFIX}:cache",
    }
}
CHANNEL_LAYERS: dict = {}  # hints only, and none yet: broadcasts go through feeds.hub

CELERY_BROKER_URL = config.broker(REDIS_URL)
CELERY_BROKER_PREFIX = f"{REDIS_PREFIX}:celery:"

# --- Django -----------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    # Its app is there to take `runserver` over, and loads the whole of Twisted into whatever has it.
    *(["daphne"] if "runserver" in sys.argv else []),
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "django.contrib.staticfiles",
    "django_htmx",
    "channels",
    "pollweb.accounts",
    "feeds",
    "generation",
    "pollweb.gallery",
    "pollweb.apps.PollwebConfig",
]

# The site lane only: pages, forms, admin. The API lane has its own short list (pollweb.handler).
MIDDLEWARE = [
    "pollweb.lib.middleware.RequestIds",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "pollweb.lib.middleware.Languages",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "pollweb.lib.middleware.ErrorPages",
]

ROOT_URLCONF = "pollweb.urls"
CSRF_FAILURE_VIEW = "pollweb.views.forged"
ASGI_APPLICATION = "pollweb.asgi.application"
APPEND_SLASH = False
AUTH_USER_MODEL = "accounts.User"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "pollweb.context.site",
            ],
            "builtins": ["pollweb.templatetags.pollweb"],
        },
    }
]

STATIC_URL = "static/"
STATIC_ROOT = POLLWEB_HOME / "static"
STATICFILES_DIRS = [ROOT / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:", "blob:"],
    "media-src": [CSP.SELF, "blob:"],
    "connect-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
_https = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
CSRF_TRUSTED_ORIGINS = [f"{urlsplit(SITE_URL).scheme}://{urlsplit(SITE_URL).netloc}"]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LANGUAGE_COOKIE_NAME = "pollweb_lang"
LOCALE_PATHS = [config.translations(ROOT / "pollweb" / "locale", POLLWEB_HOME / "locale")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

LOG_LEVEL = env.choice("POLLWEB_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "pollweb.lib.log.JsonLines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.request": {"level": "ERROR"},
        "django.server": {"handlers": [], "propagate": True},
        "httpx": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
    },
}
