"""One settings file for development, tests and production: deployments differ by environment variables only.

Every variable is described in docs/settings.md, which a test compares with this file.
"""

import hashlib
import os
import secrets
import sys
import tempfile
from importlib.util import find_spec
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
MEDIA_BUCKET = config.bucket(
    env.text("POLLWEB_MEDIA_URL"), key=env.text("POLLWEB_MEDIA_KEY"), secret=env.text("POLLWEB_MEDIA_SECRET")
)
# Where nginx has MEDIA_FOLDER, for itself alone: it is told by X-Accel-Redirect what to send from there.
MEDIA_ACCEL = "" if MEDIA_BUCKET else env.location("POLLWEB_MEDIA_ACCEL")
EXPORT_FOLDER = POLLWEB_HOME / "exports"
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
_public = [host for host in _hosts if host not in ("localhost", "127.0.0.1", "::1") and not host.endswith(".localhost")]
ALLOWED_HOSTS = sorted({*_hosts, "localhost", "127.0.0.1", "[::1]", ".localhost", *env.words("POLLWEB_ALLOWED_HOSTS")})
PRODUCTION = env.flag("POLLWEB_PRODUCTION") or bool(_public)
ALLOW_HTTP = env.flag("POLLWEB_ALLOW_HTTP")
TRUSTED_PROXIES = env.networks("POLLWEB_TRUSTED_PROXIES")
MCP_ORIGINS = frozenset(word.lower().rstrip("/") for word in env.words("POLLWEB_MCP_ORIGINS"))
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
# After the key was changed: those of before, which still open what they closed. `manage.py reseal` makes them needless.
SECRET_KEY_FALLBACKS = env.words("POLLWEB_SECRET_KEY_FALLBACKS")
FEED_PASSWORD = env.text("POLLWEB_FEED_PASSWORD")
WALL_DIRECT = env.choice("POLLWEB_WALL_DIRECT", "on", ("on", "off")) == "on"
METRICS_TOKEN = env.text("POLLWEB_METRICS_TOKEN")
TRACES_URL = env.optional_url("POLLWEB_TRACES")
if TRACES_URL and find_spec("opentelemetry.exporter") is None:
    raise ImproperlyConfigured(
        "POLLWEB_TRACES needs more packages: .venv/bin/pip install --require-hashes -r requirements-traces.txt."
    )
ADMIN_KEY = env.text("POLLWEB_ADMIN_KEY")
DEBUG = env.flag("POLLWEB_DEBUG")

# --- mail -------------------------------------------------------------------------------------------------------------

EMAIL_URL = env.text("POLLWEB_EMAIL_URL")
MAIL_FOLDER = POLLWEB_HOME / "mail"
MAILERS = {"default": config.mailer(EMAIL_URL)}
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("POLLWEB_EMAIL_FROM", f"pollweb@{urlsplit(SITE_URL).hostname}")
# Whether somebody looks at what the web processes print; `up` says so to them.
TERMINAL = env.flag("POLLWEB_TERMINAL")

# --- processes --------------------------------------------------------------------------------------------------------

SERVER = env.choice("POLLWEB_SERVER", "uvicorn", ("uvicorn", "daphne"))
WEB_PROCESSES = env.number("POLLWEB_WEB", 1, least=1, most=64)
WORKER_PROCESSES = env.number("POLLWEB_WORKERS", 1, least=1, most=64)
DRAIN_SECONDS = env.seconds("POLLWEB_DRAIN_SECONDS", 8)
HTTP_TRANSPORT = env.choice("POLLWEB_HTTP_TRANSPORT", "direct", ("direct", "aiohttp", "httpcore"))
ENGINE_THREADS = env.number("POLLWEB_ENGINE_THREADS", min(4, os.cpu_count() or 2), least=1, most=64)
# ONNX Runtime's wheels for Linux tell Microsoft which machine, system and program uses them, unless this is set before
# they are loaded. Nobody was asked, and nothing here calls out by itself.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

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
        "BACKEND": "pollweb.lib.redis.Cache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": f"{REDIS_PREFIX}:cache",
    }
}
CHANNEL_LAYERS: dict = {}  # hints only, and none yet: broadcasts go through feeds.hub

CELERY_BROKER = config.broker(REDIS_URL)
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
    "django.forms",  # its templates, for the widgets
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.google",
    "allauth.socialaccount.providers.openid_connect",
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
    "pollweb.lib.static_files.StaticFiles",
    "pollweb.lib.packing.Pages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "pollweb.lib.middleware.Languages",
    "pollweb.lib.middleware.Zones",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "pollweb.lib.middleware.ErrorPages",
    "pollweb.lib.middleware.InvalidForms",
    "pollweb.accounts.middleware.Leaving",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "pollweb.urls"
CSRF_FAILURE_VIEW = "pollweb.views.forged"
ASGI_APPLICATION = "pollweb.asgi.application"
APPEND_SLASH = False
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "/account/login/"
LOGIN_REDIRECT_URL = "/t/"
FORM_RENDERER = "pollweb.lib.forms.Renderer"

# --- signing in (django-allauth) --------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
ACCOUNT_ADAPTER = "pollweb.accounts.adapters.Accounts"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1"]  # without a password one signs in by code or passkey
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
# Seconds: mail may be slow. Three wrong tries and a code is worth nothing, so the time matters little.
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 15 * 60
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
_forms = "pollweb.accounts.forms"
ACCOUNT_FORMS = {
    "login": f"{_forms}.Login",
    "signup": f"{_forms}.SignUp",
    "add_email": f"{_forms}.AddEmail",
    "change_password": f"{_forms}.ChangePassword",
    "set_password": f"{_forms}.SetPassword",
    "reset_password": f"{_forms}.ResetPassword",
    "reset_password_from_key": f"{_forms}.ResetPasswordKey",
    "request_login_code": f"{_forms}.RequestCode",
    "confirm_login_code": f"{_forms}.ConfirmLoginCode",
    "confirm_email_verification_code": f"{_forms}.ConfirmEmailCode",
    "confirm_password_reset_code": f"{_forms}.ConfirmResetCode",
    "reauthenticate": f"{_forms}.Reauthenticate",
}
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",  # of right and wrong passwords; wrong ones have the limit below
    "login_failed": "10/m/ip,10/m/key",
    "signup": "10/m/ip",
    "reset_password": "10/m/ip,5/m/key",
    "reset_password_from_key": "10/m/ip",
    "request_login_code": "10/m/ip,3/m/key",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
    "manage_email": "10/m/user",
}
MFA_ADAPTER = "pollweb.accounts.adapters.SecondFactors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_FORMS = {
    "authenticate": f"{_forms}.Authenticate",
    "reauthenticate": f"{_forms}.ReauthenticateFactor",
    "activate_totp": f"{_forms}.ActivateTOTP",
    "add_webauthn": f"{_forms}.AddKey",
    "edit_webauthn": f"{_forms}.RenameKey",
}
SOCIALACCOUNT_FORMS = {"signup": f"{_forms}.SocialSignUp"}
SOCIALACCOUNT_ADAPTER = "pollweb.accounts.adapters.OtherAccounts"
SOCIALACCOUNT_PROVIDERS = config.sign_in_providers(
    github=(env.text("POLLWEB_GITHUB_CLIENT_ID"), env.text("POLLWEB_GITHUB_SECRET")),
    google=(env.text("POLLWEB_GOOGLE_CLIENT_ID"), env.text("POLLWEB_GOOGLE_SECRET")),
    oidc=(env.text("POLLWEB_OIDC_CLIENT_ID"), env.text("POLLWEB_OIDC_SECRET")),
    oidc_issuer=env.optional_url("POLLWEB_OIDC_ISSUER"),
    oidc_name=env.text("POLLWEB_OIDC_NAME"),
)

# --- pages ------------------------------------------------------------------------------------------------------------

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
            "builtins": ["pollweb.templatetags.pollweb", "pollweb.templatetags.drawing"],
        },
    }
]

STATIC_URL = "static/"
STATIC_ROOT = POLLWEB_HOME / "static"
STATICFILES_DIRS = [ROOT / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "pollweb.lib.static_files.Versioned"},
}
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
# TLS ends at the proxy, which redirects, and knows what else its domain holds. Our own tokens sign; pages are framed by
# nobody because the CSP says so, on the pages that are not meant to be embedded.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
CSRF_TRUSTED_ORIGINS = [f"{urlsplit(SITE_URL).scheme}://{urlsplit(SITE_URL).netloc}"]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LANGUAGE_COOKIE_NAME = "pollweb_lang"
LOCALE_PATHS = [config.translations(ROOT / "pollweb" / "locale", POLLWEB_HOME / "locale")]
USE_I18N = True
FORMAT_MODULE_PATH = "pollweb.formats"
USE_TZ = True
TIME_ZONE = "UTC"

LOG_LEVEL = env.choice("POLLWEB_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "pollweb.lib.log.JsonLines"}},
    "handlers": {"stderr": {"class": "pollweb.lib.log.Stderr", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.request": {"level": "ERROR"},
        "django.server": {"handlers": [], "propagate": True},
        "httpx": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
    },
}
