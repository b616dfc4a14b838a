"""The library: everything a team made; what is done to it, by whom; and what strangers see afterwards."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from feeds import outbox, recent
from feeds.models import Outbox
from generation import artifacts, ticker
from generation.fulfilment import event
from generation.models import Generation, State
from pollweb.accounts import exporting, tokens
from pollweb.accounts.models import AuditEvent, DataExport, Token
from tests.accounts.conftest import Cast
from tests.fakes import jpeg
from tests.gallery.team.test_requests import made


def do(client: Client, action: str, *rows: Generation, **more: Any) -> Any:
    data = {"action": action, "item": [row.public_id for row in rows], **more}
    return client.post("/t/bees/library/change", data)


def again(row: Generation) -> Generation:
    row.refresh_from_db()
    return row


def test_it_shows_public_and_private_of_the_team_alone(cast: Cast, client: Client) -> None:
    mine = made(cast.bees, 1, visibility="public"), made(cast.bees, 2)
    theirs = made(cast.wasps, 3, visibility="public")
    visitors = made(None, 4, usage_team=cast.bees)
    client.force_login(cast.vera)
    for view in ("", "?view=table"):
        text = client.get(f"/t/bees/library{view}").content.decode()
        assert all(row.public_id in text for row in mine)
        assert theirs.public_id not in text
        assert visitors.public_id not in text


def test_filters_narrow_it_in_few_queries(cast: Cast, client: Client, django_assert_max_num_queries: Any) -> None:
    public, private = made(cast.bees, 1, visibility="public"), made(cast.bees, 2)
    failed = made(cast.bees, 3, state=State.FAILED, error_code="provider_failed")
    client.force_login(cast.alice)
    client.get("/t/bees/library")  # the session remembers the team
    with django_assert_max_num_queries(12):
        text = client.get("/t/bees/library?visibility=private").content.decode()
    assert private.public_id in text
    assert public.public_id not in text
    assert failed.public_id in client.get("/t/bees/library?state=failed").content.decode()
    assert b"Nothing fits these filters" in client.get("/t/bees/library?kind=audio").content


def test_each_view_costs_as_few_queries_with_many_results_as_with_one(
    cast: Cast, client: Client, django_assert_num_queries: Any
) -> None:
    client.force_login(cast.alice)
    client.get("/t/bees/library")
    for number in range(1, 7):
        failed = {"state": State.FAILED, "error_code": "provider_failed", "error_status": 502} if number % 2 else {}
        made(cast.bees, number, **failed)
        if number == 2:
            costs = {}
            for path in ("", "?view=table", "?view=table&state=failed"):
                with CaptureQueriesContext(connection) as asked:
                    assert client.get(f"/t/bees/library{path}").status_code == 200
                costs[path] = len(asked)
    for path, queries in costs.items():
        with django_assert_num_queries(queries):
            client.get(f"/t/bees/library{path}")


def test_a_private_item_opens_for_members_alone(cast: Cast, client: Client) -> None:
    digest = artifacts.keep(jpeg(), "image/jpeg", width=8, height=8)
    row = made(cast.bees, 1, artifact_id=digest)
    client.force_login(cast.vera)
    page = client.get(f"/p/{row.public_id}")
    assert page.status_code == 200
    assert f"/p/{row.public_id}/media" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert client.get(f"/p/{row.public_id}/media").status_code == 200
    for stranger in (cast.charlie, None):
        other = Client()
        if stranger:
            other.force_login(stranger)
        for path in ("", "/media", "/download", ".json"):
            assert other.get(f"/p/{row.public_id}{path}").status_code == 404


def test_what_is_made_private_is_out_of_sight_and_out_of_the_cache_for_others(cast: Cast, client: Client) -> None:
    row = made(cast.bees, 1, visibility="public")
    client.force_login(cast.alice)
    do(client, "private", row)
    assert again(row).visibility == "private"
    assert not Generation.objects.reusable(row.fingerprint, "public").exists()
    assert Client().get(f"/p/{row.public_id}").status_code == 404
    assert AuditEvent.objects.get().action == "library.made_private"


def test_what_is_made_public_is_seen_by_all_but_not_told_as_new(cast: Cast, client: Client) -> None:
    row = made(cast.bees, 1)
    client.force_login(cast.alice)
    do(client, "public", row)
    assert Client().get(f"/p/{row.public_id}").status_code == 200
    assert Outbox.objects.count() == 0


def test_a_team_that_keeps_everything_private_publishes_nothing(cast: Cast, client: Client) -> None:
    cast.bees.always_private = True
    cast.bees.save()
    row = made(cast.bees, 1)
    client.force_login(cast.alice)
    assert do(client, "public", row).status_code == 403
    assert again(row).visibility == "private"


def test_what_is_deleted_is_gone_at_once_and_comes_back_when_undone(cast: Cast, client: Client) -> None:
    row = made(cast.bees, 1, visibility="public")
    client.force_login(cast.alice)
    do(client, "delete", row)
    page = client.get("/t/bees/library").content.decode()
    assert 'value="restore"' in page
    assert f'href="/p/{row.public_id}"' not in page
    assert Client().get(f"/p/{row.public_id}").status_code == 410
    do(client, "restore", row)
    assert Client().get(f"/p/{row.public_id}").status_code == 200


def test_what_is_deleted_is_really_deleted_when_undo_is_over(cast: Cast, client: Client) -> None:
    gone, kept = made(cast.bees, 1), made(cast.bees, 2)
    client.force_login(cast.alice)
    do(client, "delete", gone)
    ticker.forget_deleted()
    assert Generation.objects.count() == 2
    Generation.objects.filter(pk=gone.pk).update(deleted_at=timezone.now() - ticker.UNDO * 2)
    ticker.forget_deleted()
    assert list(Generation.objects.all()) == [kept]


def test_what_a_moderator_hid_stays_hidden_when_a_deletion_is_undone(cast: Cast, client: Client) -> None:
    row = made(cast.bees, 1, visibility="public", hidden_at=timezone.now())
    client.force_login(cast.alice)
    do(client, "delete", row)
    do(client, "restore", row)
    assert again(row).hidden_at is not None


def test_a_member_changes_what_their_own_tokens_made_and_no_more(cast: Cast, client: Client) -> None:
    token = tokens.create(cast.bees, "bob's").token
    Token.objects.filter(pk=token.pk).update(created_by=cast.bob)
    own, others = made(cast.bees, 1, token=token), made(cast.bees, 2)
    client.force_login(cast.bob)
    do(client, "public", own, others)
    assert (again(own).visibility, again(others).visibility) == ("public", "private")


@pytest.mark.parametrize(("who", "status"), [("vera", 403), ("charlie", 404)])
def test_viewers_and_strangers_change_nothing(cast: Cast, client: Client, who: str, status: int) -> None:
    row = made(cast.bees, 1)
    client.force_login(getattr(cast, who))
    assert do(client, "delete", row).status_code == status
    assert again(row).deleted_at is None


def test_another_teams_items_are_left_alone(cast: Cast, client: Client) -> None:
    theirs = made(cast.wasps, 1, visibility="public")
    client.force_login(cast.alice)
    for action in ("delete", "private", "zip", "retry"):
        do(client, action, theirs)
    assert (again(theirs).visibility, theirs.deleted_at) == ("public", None)


def test_the_chosen_files_come_as_one_made_by_a_worker(cast: Cast, client: Client, exports: None) -> None:
    digest = artifacts.keep(jpeg(), "image/jpeg", width=8, height=8)
    rows = [made(cast.bees, n, artifact_id=digest, prompt="=the same") for n in range(2)]
    foreign = made(cast.wasps, 3, artifact_id=digest)
    words = made(cast.bees, 4, kind="text", response="Paris.", prompt="capital")
    client.force_login(cast.alice)
    do(client, "zip", *rows, words, foreign)
    archive = DataExport.objects.get()
    assert (archive.chosen, archive.person, archive.state) == (3, cast.alice, "queued")
    assert exporting.make(archive.pk)
    page = client.get("/t/bees/library").content.decode()
    assert f"/exports/{archive.name}" in page
    answer = client.get(f"/exports/{archive.name}")
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as opened:  # type: ignore[attr-defined]
        names = opened.namelist()
        table = opened.read("metadata.csv").decode().splitlines()
        assert len(set(names)) == 4
        assert sorted(opened.read(name) for name in names if name != "metadata.csv") == sorted(
            [b"Paris.", *[jpeg()] * 2]
        )
    assert len(table) == 4
    assert "'=the same" in table[-1] + table[-2]
    assert foreign.public_id not in "".join(table)


def test_an_archive_of_all_holds_what_the_filters_show(cast: Cast, client: Client, exports: None) -> None:
    digest = artifacts.keep(jpeg(), "image/jpeg", width=8, height=8)
    public = made(cast.bees, 1, artifact_id=digest, visibility="public")
    made(cast.bees, 2, artifact_id=digest)
    client.force_login(cast.alice)
    do(client, "zip_all", next="/t/bees/library?visibility=public")
    assert DataExport.objects.get().items == [public.public_id]
    do(client, "zip_all", next="/t/bees/library")  # one at a time
    assert DataExport.objects.count() == 1


def test_an_archive_is_its_makers_and_a_members(cast: Cast, client: Client, exports: None) -> None:
    digest = artifacts.keep(jpeg(), "image/jpeg", width=8, height=8)
    row = made(cast.bees, 1, artifact_id=digest)
    client.force_login(cast.adam)
    do(client, "zip", row)
    archive = DataExport.objects.get()
    exporting.make(archive.pk)
    assert client.get(f"/exports/{archive.name}").status_code == 200
    other = Client()
    other.force_login(cast.alice)
    assert other.get(f"/exports/{archive.name}").status_code == 404
    cast.bees.memberships.filter(user=cast.adam).delete()
    assert client.get(f"/exports/{archive.name}").status_code == 404


def test_what_is_hidden_from_the_feed_stays_in_the_gallery(cast: Cast, client: Client) -> None:
    public, private = made(cast.bees, 1, visibility="public"), made(cast.bees, 2)
    client.force_login(cast.alice)
    do(client, "hide", public, private)
    assert list(Outbox.objects.filter(kind="remove").values_list("payload", flat=True)) == [
        {"public_id": public.public_id}
    ]
    assert again(public).visibility == "public"
    assert Client().get(f"/p/{public.public_id}").status_code == 200
    assert AuditEvent.objects.get().action == "library.hidden_from_feed"


@pytest.fixture
def exports(settings: Any, tmp_path: Path) -> None:
    settings.EXPORT_FOLDER = tmp_path


def test_it_leads_back_to_this_site_only(cast: Cast, client: Client) -> None:
    row = made(cast.bees, 1)
    client.force_login(cast.alice)
    assert do(client, "public", row, next="https://evil.example/")["Location"] == "/t/bees/library"
    assert do(client, "public", row, next="//evil.example/")["Location"] == "/t/bees/library"


def test_a_failed_one_is_tried_again_in_the_teams_name(working: Any, cast_for_work: Cast, client: Client) -> None:
    row = made(cast_for_work.bees, 1, state=State.FAILED, error_code="provider_failed")
    client.force_login(cast_for_work.alice)
    do(client, "retry", row)
    second = Generation.objects.exclude(pk=row.pk).get()
    assert (second.team, second.prompt, second.visibility) == (cast_for_work.bees, row.prompt, "private")


@pytest.mark.parametrize("action", ["private", "delete", "hide"])
def test_what_its_team_takes_out_of_sight_leaves_every_screen(
    cast: Cast, client: Client, action: str, django_capture_on_commit_callbacks: Any
) -> None:
    row, other = made(cast.bees, 1, visibility="public"), made(cast.bees, 2, visibility="public")
    with django_capture_on_commit_callbacks(execute=True):
        outbox.announce(event(row))
        outbox.announce(event(other))
    client.force_login(cast.alice)
    with django_capture_on_commit_callbacks(execute=True):
        do(client, action, row)
    assert [item.public_id for item in recent.told()] == [other.public_id]


def test_nobody_is_told_the_name_of_a_private_item_that_is_deleted(cast: Cast, client: Client) -> None:
    row = made(cast.bees, 1)
    client.force_login(cast.alice)
    do(client, "delete", row)
    assert not Outbox.objects.exists()
