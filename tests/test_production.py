"""What does not start where strangers come (C27), and what changes with the secret key."""

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.core.checks import run_checks
from django.core.management import call_command

from pollweb import production
from pollweb.accounts import webhooks
from pollweb.accounts.models import Webhook
from pollweb.lib import env, sealing
from pollweb.preflight import CannotStart
from tests.accounts.conftest import Cast, call_the_cast
from tests.site import ROOT

ADDRESS = "https://pictures.example.org"
UNSAFE = {
    "debug": ({"DEBUG": True}, "POLLWEB_DEBUG is on"),
    "a sample key": ({"SECRET_KEY": "django-insecure-" + "abcdefgh" * 6}, "POLLWEB_SECRET_KEY can be guessed"),
    "a short key": ({"SECRET_KEY": "k3y"}, "POLLWEB_SECRET_KEY can be guessed"),
    "a short key of before": ({"SECRET_KEY_FALLBACKS": ["k3y"]}, "POLLWEB_SECRET_KEY_FALLBACKS can be guessed"),
    "a short operator's key": ({"ADMIN_KEY": "admin"}, "POLLWEB_ADMIN_KEY has 5 characters"),
    "any host": ({"ALLOWED_HOSTS": ["*"]}, "POLLWEB_ALLOWED_HOSTS lets any host name in"),
    "no TLS": ({"BASE_URLS": ("http://pictures.example.org",)}, "http://pictures.example.org has no TLS"),
    "an open Redis": ({"REDIS_URL": "redis://cache.example.org:6379/0"}, "The Redis server at cache.example.org"),
    "an open database": ({"DATABASE_URL": "postgresql://p@db.example.org/p"}, "The database at db.example.org"),
    "any proxy": ({"TRUSTED_PROXIES": ["10.0.0.0/8", "::/0"]}, "POLLWEB_TRUSTED_PROXIES holds ::/0"),
}


@pytest.fixture
def safe(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Settings as an operator should have them."""
    monkeypatch.setattr(env, "files", set())
    settings.POLLWEB_HOME = tmp_path
    settings.PRODUCTION = True
    settings.SECRET_KEY = secrets.token_urlsafe(50)
    settings.SECRET_KEY_FALLBACKS = []
    settings.BASE_URLS = (ADDRESS,)
    settings.REDIS_URL = "rediss://:s3cret@cache.example.org:6380/0"
    settings.DATABASE_URL = "postgresql://p:s3cret@db.example.org/p"
    return settings


def refusals() -> list[str]:
    try:
        production.refuse(migrations=False)
    except CannotStart as exc:
        return str(exc).splitlines()[1:]
    return []


def test_what_is_safe_starts(safe: Any) -> None:
    assert refusals() == []


@pytest.mark.parametrize("case", UNSAFE)
def test_what_is_unsafe_does_not_start_and_is_told_in_a_sentence(case: str, safe: Any) -> None:
    wrong, sentence = UNSAFE[case]
    for name, value in wrong.items():
        setattr(safe, name, value)
    (said,) = refusals()
    assert said.startswith(sentence)
    assert re.search(r"\. [A-Z].+$", said), "what to do about it"
    assert "s3cret" not in said


def test_a_secret_that_every_user_can_read_does_not_start(safe: Any, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "secret_key").write_text("x")
    (tmp_path / "secret_key").chmod(0o600)
    given = tmp_path / "given"
    given.write_text("from a file")
    given.chmod(0o640)
    monkeypatch.setenv("POLLWEB_X_FILE", str(given))
    assert env.text("POLLWEB_X") == "from a file"
    assert refusals() == []
    given.chmod(0o644)
    assert refusals() == [f"Every user of this machine can read {given}. chmod o-rwx {given}"]


def test_on_a_machine_of_ones_own_everything_starts(safe: Any) -> None:
    safe.PRODUCTION, safe.DEBUG, safe.SECRET_KEY = False, True, "short"
    assert refusals() == []


@pytest.mark.django_db(transaction=True)
def test_a_database_that_lacks_migrations_does_not_start(safe: Any) -> None:
    from django.db.migrations.recorder import MigrationRecorder

    production.refuse()
    last = MigrationRecorder.Migration.objects.filter(app="accounts").order_by("name").last()
    assert last
    last.delete()
    try:
        with pytest.raises(CannotStart, match=r"The database lacks 1 migrations\. Run manage\.py migrate first\."):
            production.refuse()
    finally:
        last.save(force_insert=True)


def test_the_deploy_check_is_clean(tmp_path: Path) -> None:
    """In a process of its own, with the settings that its environment leads to; model files are another matter."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("POLLWEB_")}
    outer |= {"POLLWEB_HOME": str(tmp_path), "POLLWEB_SITE_URL": ADDRESS, "POLLWEB_MODELS": "none"}
    outer |= {"POLLWEB_EMAIL_URL": "smtps://u:p@mail.example.org", "DJANGO_SETTINGS_MODULE": "pollweb.settings"}
    command = [sys.executable, str(ROOT / "manage.py"), "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, env=outer, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        [str(ROOT / "manage.py"), "up", "--port", "0"],
        ["-m", "pollweb.serve", "--fd", "0"],
        ["-m", "celery", "--app", "pollweb", "beat", "--pidfile", ""],
        ["-m", "celery", "--app", "pollweb", "worker"],
    ],
    ids=["up", "web", "beat", "worker"],
)
def test_every_process_refuses(command: list[str], tmp_path: Path) -> None:
    outer = {name: value for name, value in os.environ.items() if not name.startswith("POLLWEB_")}
    outer |= {"POLLWEB_HOME": str(tmp_path), "POLLWEB_SITE_URL": "http://pictures.example.org"}
    outer |= {"DJANGO_SETTINGS_MODULE": "pollweb.settings", "POLLWEB_MODELS": "none", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *command],
        env=outer,
        cwd=tmp_path,  # where beat leaves its file
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 1, done.stderr
    assert "http://pictures.example.org has no TLS" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def cast(db: None) -> Cast:
    return call_the_cast()


def test_a_new_key_opens_what_the_one_before_has_sealed_and_takes_its_place(cast: Cast, settings: Any) -> None:
    before, after = secrets.token_urlsafe(50), secrets.token_urlsafe(50)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = before, []
    Webhook.objects.create(team=cast.bees, url="https://x.example/", secret=sealing.seal("whsec", webhooks.PURPOSE))
    TOTP.activate(cast.alice, "JBSWY3DPEHPK3PXP")
    codes = RecoveryCodes.activate(cast.alice).get_unused_codes()

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = after, [before]
    call_command("reseal")
    settings.SECRET_KEY_FALLBACKS = []
    assert sealing.unseal(Webhook.objects.get().secret, webhooks.PURPOSE) == "whsec"
    kept = Authenticator.objects.get(user=cast.alice, type=Authenticator.Type.RECOVERY_CODES)
    assert RecoveryCodes(kept).get_unused_codes() == codes
    app = Authenticator.objects.get(user=cast.alice, type=Authenticator.Type.TOTP)
    assert sealing.unseal(app.data["secret"], "second factors") == "JBSWY3DPEHPK3PXP"


def test_what_no_key_opens_stays_as_it_is_and_is_told(cast: Cast, settings: Any, capsys: Any) -> None:
    settings.SECRET_KEY = "a key that is lost"
    sealed = sealing.seal("whsec", webhooks.PURPOSE)
    Webhook.objects.create(team=cast.bees, url="https://x.example/", secret=sealed)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", []
    call_command("reseal")
    assert Webhook.objects.get().secret == sealed
    assert "1 are opened by no key" in capsys.readouterr().err


def test_a_session_outlives_the_key_that_it_began_under(client: Any, cast: Cast, settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the first", []
    client.force_login(cast.alice)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the second", ["the first"]
    assert client.get("/account/").status_code == 200
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a third", []
    assert client.get("/account/").status_code == 302


@pytest.mark.django_db
def test_the_checks_belong_to_the_deploy_check(safe: Any) -> None:
    safe.DEBUG = True
    assert "pollweb.E001" in [each.id for each in run_checks(include_deployment_checks=True)]
