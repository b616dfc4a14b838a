"""Mail where there is no mail server."""

import email
import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage

from pollweb import config
from pollweb.lib import mail


@pytest.fixture
def folder(settings, tmp_path: Path) -> Path:
    settings.MAIL_FOLDER = tmp_path / "mail"
    return settings.MAIL_FOLDER


def letter(subject: str = "Your code", **more: str) -> EmailMessage:
    message = EmailMessage(subject, "ABC-123", "pollweb@localhost", ["dora@example.com"])
    for name, value in more.items():
        setattr(message, name, value)
    return message


def test_it_becomes_a_file_for_its_owner_alone(folder):
    mail.Files(alias="default").send_messages([letter()])
    (path,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    read = email.message_from_bytes(path.read_bytes())
    assert read["To"] == "dora@example.com"
    assert "ABC-123" in read.get_payload()


def test_the_newest_are_kept(folder, monkeypatch):
    monkeypatch.setattr(mail, "KEPT", 3)
    for n in range(6):
        mail.Files(alias="default").send_messages([letter(f"number {n}")])
    subjects = [email.message_from_bytes(path.read_bytes())["Subject"] for path in sorted(folder.iterdir())]
    assert subjects == ["number 3", "number 4", "number 5"]


def test_a_terminal_is_told_the_code_and_a_pipe_only_the_file(folder, settings, capsys):
    for settings.TERMINAL in (True, False):
        mail.Files(alias="default").send_messages([letter(essence="ABC-123")])
    shown, hidden = capsys.readouterr().out.splitlines()
    assert "ABC-123" in shown
    assert "ABC-123" not in hidden
    assert str(folder) in hidden


def test_a_subject_cannot_forge_a_line(folder, settings, capsys):
    mail._tell(letter("x\u2028web-1 | forged\x1b[2J"), folder / "x.eml")
    assert "\x1b" not in (said := capsys.readouterr().out)
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://u%40x:p%2Fw@mail.example", ("mail.example", 587, "u@x", "p/w", True, False)),
        ("smtps://u:p@mail.example", ("mail.example", 465, "u", "p", False, True)),
        ("smtp://mail.example:2525?tls=none", ("mail.example", 2525, "", "", False, False)),
    ],
)
def test_a_server_is_named_by_an_address(url, expected):
    found = config.mailer(url)["OPTIONS"]
    assert tuple(found[name] for name in ("host", "port", "username", "password", "use_tls", "use_ssl")) == expected


@pytest.mark.parametrize(
    "url", ["mail.example", "http://mail.example", "smtp://", "smtp://h?tls=maybe", "smtp://s3cret:s3cret@h:x"]
)
def test_what_is_no_address_stops_the_start_and_is_not_told(url):
    with pytest.raises(ImproperlyConfigured) as refused:
        config.mailer(url)
    assert "s3cret" not in str(refused.value)
