"""Archives: complete, without secrets, one at a time, for a week, and for nobody but whoever asked."""

import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from generation import artifacts
from generation.models import Generation
from pollweb import config
from pollweb.accounts import archive_mail, exporting, teams
from pollweb.accounts.audit import record
from pollweb.accounts.models import DataExport, Membership, Team, User
from tests.accounts.conftest import Cast
from tests.factories import token_of


@pytest.fixture(autouse=True)
def clean_folder() -> Iterator[None]:
    yield
    for path in settings.EXPORT_FOLDER.glob("*"):
        path.unlink()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def made(team: Team, data: bytes = b"bytes of a picture", **fields) -> Generation:
    values = {
        "kind": "image",
        "model": "flux",
        "prompt": "a red boat",
        "params": {"request": "ImageRequest", "model": "flux", "text": "a red boat"},
        "fingerprint": "f",
        "scope": "s",
        "principal": f"team:{team.pk}",
        "slot": "x",
        "state": "succeeded",
        "deadline": timezone.now(),
        "finished_at": timezone.now(),
        **fields,
    }
    return Generation.objects.create(team=team, artifact_id=artifacts.keep(data, "image/png"), **values)


def path_of(export: DataExport) -> Path:
    return Path(settings.EXPORT_FOLDER) / f"{export.name}.zip"


def content(export: DataExport) -> dict[str, bytes]:
    with zipfile.ZipFile(path_of(export)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def archive(user: User, team: Team | None) -> DataExport:
    export = exporting.ask(user, team)
    assert exporting.make(export.pk)
    export.refresh_from_db()
    return export


def lines(data: bytes) -> list[dict]:
    return [json.loads(line) for line in data.splitlines()]


def test_an_archive_of_a_team_holds_its_rows_and_its_files(cast: Cast):
    secret = token_of(cast.bees, name="production")
    row = made(cast.bees)
    made(cast.wasps, b"of others", prompt="theirs")
    record("token.created", team=cast.bees, actor=cast.alice, target="production")
    export = archive(cast.alice, cast.bees)
    assert (export.state, export.left_out) == ("ready", 0)
    assert export.size == path_of(export).stat().st_size
    assert path_of(export).stat().st_mode & 0o777 == 0o600
    held = content(export)
    assert lines(held["team.jsonl"])[0]["name"] == "Bees"
    assert [each["name"] for each in lines(held["tokens.jsonl"])] == ["production"]
    generation = lines(held["generations.jsonl"])[0]
    assert (generation["id"], generation["prompt"]) == (row.public_id, "a red boat")
    assert held[f"files/{generation['file']}"] == b"bytes of a picture"
    assert {each["name"] for each in lines(held["members.jsonl"])} == {"alice", "adam", "bob", "vera"}
    assert "token.created" in held["audit.jsonl"].decode()
    everything = b"".join(held.values())
    from pollweb.accounts import tokens

    for hidden in (secret, tokens.digest(secret), "theirs", "of others", cast.alice.password):
        assert hidden.encode() not in everything


def test_an_archive_of_a_person_holds_them_and_the_teams_they_own(cast: Cast):
    made(cast.bees)
    mine = teams.create(cast.bob, "Bob's own", "private")
    made(mine, b"bob's picture", prompt="mine", params={"request": "ImageRequest", "model": "flux", "text": "mine"})
    held = content(archive(cast.bob, None))
    person = json.loads(held["account.json"])
    assert (person["name"], person["email"]) == ("bob", "bob@example.com")
    assert {each["name"] for each in person["teams"]} >= {"Bees", "Bob's own"}
    assert f"teams/{mine.slug}/generations.jsonl" in held
    assert "a red boat" not in b"".join(held.values()).decode()
    assert cast.bob.password.encode() not in b"".join(held.values())


def test_one_is_made_at_a_time(cast: Cast):
    alice = signed_in(cast.alice)
    assert alice.post("/t/bees/settings/export").status_code == 302
    assert alice.post("/t/bees/settings/export").status_code == 409
    assert alice.post("/account/export").status_code == 302
    assert alice.post("/account/export").status_code == 409
    assert DataExport.objects.count() == 2


def test_whoever_asked_downloads_it_and_nobody_else(cast: Cast):
    export = archive(cast.alice, cast.bees)
    path = f"/exports/{export.name}"
    answer = signed_in(cast.alice).get(path)
    assert b"".join(answer.streaming_content) == path_of(export).read_bytes()
    assert answer["Content-Disposition"].startswith('attachment; filename="bees-')
    for other in (cast.adam, cast.charlie):
        assert signed_in(other).get(path).status_code == 404
    assert Client().get(path).status_code == 302


def test_who_is_no_owner_any_more_gets_it_no_more(cast: Cast):
    export = archive(cast.alice, cast.bees)
    Membership.objects.filter(team=cast.bees, user=cast.bob).update(role="owner")
    Membership.objects.filter(team=cast.bees, user=cast.alice).update(role="admin")
    assert signed_in(cast.alice).get(f"/exports/{export.name}").status_code == 404


def test_it_is_removed_after_a_week(cast: Cast):
    export = archive(cast.alice, cast.bees)
    with time_machine.travel(timezone.now() + timedelta(days=7, seconds=1), tick=False):
        assert signed_in(cast.alice).get(f"/exports/{export.name}").status_code == 404
        exporting.tidy()
    assert not path_of(export).exists()
    assert DataExport.objects.get().state == "expired"


def test_it_can_be_removed_before(cast: Cast):
    export = archive(cast.alice, cast.bees)
    assert signed_in(cast.charlie).post(f"/exports/{export.name}/remove").status_code == 404
    assert signed_in(cast.alice).post(f"/exports/{export.name}/remove").status_code == 302
    assert not path_of(export).exists()


def test_files_without_room_are_counted_and_rows_come_whole(cast: Cast, monkeypatch):
    made(cast.bees, b"x" * 50_000)
    made(cast.bees, b"y" * 50_000)
    limits = settings.DESIGN.limits.model_copy(update={"export_bytes": 70_000})
    monkeypatch.setattr(settings, "DESIGN", settings.DESIGN.model_copy(update={"limits": limits}))
    export = archive(cast.alice, cast.bees)
    assert export.left_out == 1
    held = content(export)
    assert len(lines(held["generations.jsonl"])) == 2
    assert b"1 files are missing" in held["README.txt"]


def test_rows_beyond_all_room_are_a_failure_that_leaves_nothing(cast: Cast, monkeypatch):
    limits = settings.DESIGN.limits.model_copy(update={"export_bytes": 10})
    monkeypatch.setattr(settings, "DESIGN", settings.DESIGN.model_copy(update={"limits": limits}))
    export = exporting.ask(cast.alice, cast.bees)
    assert not exporting.make(export.pk)
    assert DataExport.objects.get().state == "failed"
    assert list(settings.EXPORT_FOLDER.glob("*")) == []
    exporting.ask(cast.alice, cast.bees)  # and another one can be asked for


def test_a_full_disk_is_a_failure_too(cast: Cast, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    export = exporting.ask(cast.alice, cast.bees)
    monkeypatch.setattr(exporting, "_write", full)
    assert not exporting.make(export.pk)
    assert DataExport.objects.get().state == "failed"


def test_one_whose_worker_died_is_given_up(cast: Cast):
    export = exporting.ask(cast.alice, cast.bees)
    DataExport.objects.filter(pk=export.pk).update(state="running", started_at=timezone.now() - timedelta(hours=1))
    exporting.tidy()
    assert DataExport.objects.get().state == "failed"


def test_names_in_an_archive_lead_nowhere_else():
    assert exporting.safe_name("../../etc/passwd") == "_.._etc_passwd"
    assert exporting.safe_name("..") == "file"
    assert exporting.safe_name("C:\\x\0.png") == "C__x_.png"


def test_who_asked_hears_once_by_mail_that_the_archive_is_ready(cast: Cast, mailoutbox: list[EmailMessage]):
    cast.alice.email = "alice@example.org"
    cast.alice.save(update_fields=["email"])
    export = archive(cast.alice, cast.bees)
    assert not exporting.make(export.pk)  # told twice by the queue
    exporting.tidy()
    [mail] = mailoutbox
    assert mail.to == ["alice@example.org"]
    assert cast.bees.name in mail.body
    link = f"/exports/{export.name}"
    assert link in mail.body
    assert Client().get(link).status_code == 302
    assert signed_in(cast.charlie).get(link).status_code == 404
    assert signed_in(cast.alice).get(link).status_code == 200


def test_the_mail_of_an_archive_speaks_its_persons_language(cast: Cast, mailoutbox: list[EmailMessage]):
    cast.alice.email, cast.alice.settings = "alice@example.org", {"language": "zh-hans"}
    cast.alice.save(update_fields=["email", "settings"])
    archive(cast.alice, None)
    assert "归档已就绪" in mailoutbox[0].subject
    assert "请登录后下载" in mailoutbox[0].body


def test_who_asked_hears_once_that_the_archive_could_not_be_made(
    cast: Cast, mailoutbox: list[EmailMessage], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(settings, "DESIGN", config.parse({"limits": {"export_bytes": 10}}))
    assert not exporting.make(exporting.ask(cast.alice, cast.bees).pk)
    exporting.tidy()
    [mail] = mailoutbox
    assert mail.to == ["alice@example.com"]
    assert "could not be made" in mail.subject
    assert "everything that the team Bees has" in mail.body
    assert f"{settings.SITE_URL}/t/bees/settings/export\n" in mail.body


def test_who_asked_hears_of_an_archive_whose_worker_died(cast: Cast, mailoutbox: list[EmailMessage]):
    export = exporting.ask(cast.alice, None)
    DataExport.objects.filter(pk=export.pk).update(state="running", started_at=timezone.now() - timedelta(hours=1))
    exporting.tidy()
    exporting.tidy()
    [mail] = mailoutbox
    assert "could not be made" in mail.subject
    assert "/account/export\n" in mail.body


@pytest.mark.parametrize("late", [timedelta(0), archive_mail.LEASE], ids=["before it wrote", "while it wrote"])
def test_the_mail_is_sent_although_the_worker_died(cast: Cast, mailoutbox: list[EmailMessage], late: timedelta):
    export = archive(cast.alice, cast.bees)
    mailoutbox.clear()
    DataExport.objects.filter(pk=export.pk).update(tell_at=timezone.now() + late)  # as the dead one left it
    with time_machine.travel(timezone.now() + late - timedelta(seconds=1), tick=False):
        exporting.tidy()
        assert not mailoutbox
    with time_machine.travel(timezone.now() + late + timedelta(seconds=1), tick=False):
        exporting.tidy()
        exporting.tidy()
    assert [mail.to for mail in mailoutbox] == [["alice@example.com"]]


def test_two_who_would_send_the_mail_send_one(cast: Cast, mailoutbox: list[EmailMessage]):
    export = archive(cast.alice, cast.bees)
    mailoutbox.clear()
    DataExport.objects.filter(pk=export.pk).update(tell_at=timezone.now())
    one, other = DataExport.objects.get(), DataExport.objects.get()
    archive_mail.send(one)
    archive_mail.send(other)
    assert len(mailoutbox) == 1


def test_a_mail_server_that_was_away_gets_the_mail_later(
    cast: Cast, mailoutbox: list[EmailMessage], monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as away:
        away.setattr("django.core.mail.EmailMessage.send", refuse)
        export = archive(cast.alice, cast.bees)
        exporting.tidy()
    assert (export.state, mailoutbox) == ("ready", [])
    with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=False):
        exporting.tidy()
        exporting.tidy()
    assert len(mailoutbox) == 1


def test_who_has_no_address_is_told_on_the_page_alone(cast: Cast, mailoutbox: list[EmailMessage]):
    User.objects.filter(pk=cast.alice.pk).update(email="")
    cast.alice.refresh_from_db()
    assert archive(cast.alice, cast.bees).tell_at is None
    assert not mailoutbox
