"""Leaving: the account, the teams that nobody else owns, their rows and their files: nothing of it remains."""

from datetime import timedelta

import pytest
import time_machine
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from feeds.models import Outbox
from generation import artifacts, forgetting, records, store
from generation.models import Artifact, Generation
from generation.requests import restore
from pollweb.accounts import exporting, leaving, shelf, teams
from pollweb.accounts.audit import record
from pollweb.accounts.models import AuditEvent, Invitation, Membership, Team, User
from tests.accounts.conftest import Cast
from tests.accounts.test_exports import made
from tests.factories import UserFactory, token_of

PASSWORD = "correct horse battery"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def later(**delta: float):
    return time_machine.travel(timezone.now() + timedelta(**delta), tick=False)


def count_rows() -> dict[str, int]:
    return {model._meta.label: model._base_manager.count() for model in apps.get_models()}


def tables_that_say(word: str) -> list[str]:
    """Every table of the database that holds this word anywhere."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            if any(word in str(value) for row in cursor.fetchall() for value in row):
                found.append(table)
    return found


def test_nothing_of_a_person_remains(cast: Cast):
    """Rows and files are counted before they came and after they left."""
    before, files_before = (
        count_rows(),
        {path for path in settings.MEDIA_FOLDER.rglob("*") if path.is_file()},
    )

    zelda = UserFactory.create(username="zelda-unique", email="zelda-unique@example.com")
    client = signed_in(zelda)
    client.post("/teams/new", {"name": "Zelda's bakery", "visibility": "public"})
    team = Team.objects.get(name="Zelda's bakery")
    token_of(team)
    for n in range(3):
        made(team, f"zelda's picture {n}".encode(), prompt="zelda-unique wants a cake", visibility="public")
    Outbox.objects.create(event_id=Generation.objects.last().pk, kind="image", payload={"prompt": "zelda-unique"})
    client.post(f"/t/{team.slug}/members/invite", {"email": "friend-of-zelda-unique@example.com", "role": "viewer"})
    client.post(f"/t/{team.slug}/settings/export")
    Membership.objects.create(team=cast.bees, user=zelda, role="admin")
    client.post("/t/bees/members/invite", {"email": "", "role": "viewer"})
    record("member.role_changed", team=cast.bees, actor=cast.alice, target=zelda, before="member", after="admin")
    export = exporting.ask(zelda, None)
    exporting.make(export.pk)
    Invitation.objects.create(
        team=cast.wasps, email="zelda-unique@example.com", digest="d" * 64, expires_at=timezone.now()
    )

    assert client.post("/account/delete", {"typed": "zelda-unique", "password": PASSWORD}).status_code == 302
    with later(minutes=1):
        assert leaving.erase_leavers() == 1
    with later(hours=2):
        artifacts.collect()

    after = count_rows()
    # What happened in alice's team stays in its log, without a name.
    left = AuditEvent.objects.filter(team=cast.bees)
    assert {event.actor_name for event in left} == {"deleted account", "alice"}
    invited = Invitation.objects.filter(team=cast.bees)
    expected = {
        "accounts.AuditEvent": left.count(),
        "accounts.Invitation": invited.count(),
        "feeds.Outbox": after["feeds.Outbox"],
    }
    assert {name: count for name, count in after.items() if count != before[name] + expected.get(name, 0)} == {}
    assert not invited.exclude(revoked_at=None, created_by=None).filter(revoked_at=None).exists()
    assert tables_that_say("zelda-unique") == []
    files_after = {path for path in settings.MEDIA_FOLDER.rglob("*") if path.is_file()}
    assert files_after - files_before == set()
    assert shelf.current().open(export.name) is None


def test_it_takes_the_name_and_the_password(cast: Cast):
    bob = signed_in(cast.bob)
    for wrong in (
        {"typed": "bob"},
        {"typed": "alice", "password": PASSWORD},
        {"typed": "bob", "password": "guess"},
        {},
    ):
        assert bob.post("/account/delete", wrong).status_code == 422
    cast.bob.refresh_from_db()
    assert cast.bob.leaving_at is None


def test_without_a_password_one_has_signed_in_lately(cast: Cast):
    cast.bob.set_unusable_password()
    cast.bob.save()
    bob = signed_in(cast.bob)
    User.objects.filter(pk=cast.bob.pk).update(last_login=timezone.now() - timedelta(hours=1))
    assert bob.post("/account/delete", {"typed": "bob"}).status_code == 422
    User.objects.filter(pk=cast.bob.pk).update(last_login=timezone.now())
    assert bob.post("/account/delete", {"typed": "bob"}).status_code == 302


def test_everything_is_closed_at_once(cast: Cast):
    other_browser, alice = signed_in(cast.alice), signed_in(cast.alice)
    alice.post("/account/delete", {"typed": "alice", "password": PASSWORD})
    assert other_browser.get("/t/bees/members").status_code == 302  # to sign in
    assert signed_in(cast.bob).get("/t/bees/members").status_code == 404
    assert signed_in(cast.bob).post("/teams/bees/restore").status_code == 404


def test_a_team_with_another_owner_stays(cast: Cast):
    Membership.objects.filter(team=cast.bees, user=cast.bob).update(role="owner")
    made(cast.bees)
    page = signed_in(cast.alice).get("/account/delete").content.decode()
    assert "You leave these teams" in page
    leaving.leave(cast.alice)
    with later(minutes=1):
        leaving.erase_leavers()
    assert Team.objects.living().filter(pk=cast.bees.pk).exists()
    assert Generation.objects.filter(team=cast.bees).count() == 1
    assert not Membership.objects.filter(user__username="alice").exists()
    assert not User.objects.filter(username="alice").exists()


def test_a_deleted_team_is_erased_after_its_week_and_not_before(cast: Cast):
    made(cast.bees, b"only theirs")
    teams.delete(cast.bees, cast.alice)
    with later(days=6, hours=23):
        assert leaving.erase_teams() == 0
    with later(days=7, minutes=1):
        assert leaving.erase_teams() == 1
        artifacts.collect()
    assert not Team.objects.filter(pk=cast.bees.pk).exists()
    assert not Generation.objects.exists()
    assert not store.exists(store.digest_of(b"only theirs"))


def test_an_interrupted_erasure_is_finished_the_next_time(cast: Cast, monkeypatch):
    made(cast.bees)
    teams.delete(cast.bees, cast.alice)

    def broken(_team):
        raise OSError("away")

    with later(days=8):
        monkeypatch.setattr(Team, "delete", broken)
        with pytest.raises(OSError, match="away"):
            leaving.erase_teams()
        monkeypatch.undo()
        assert leaving.erase_teams() == 1
    assert not Team.objects.filter(pk=cast.bees.pk).exists()


def test_an_answer_that_arrives_after_its_team_is_gone_is_dropped(cast: Cast):
    row = made(cast.bees)
    late = Generation.objects.get(pk=row.pk)
    late.artifact = None
    leaving.erase_team(cast.bees)
    kept = Generation(**{f.attname: getattr(late, f.attname) for f in Generation._meta.concrete_fields})
    assert records.store([kept]) == 0
    assert not Generation.objects.exists()


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_file_that_two_results_share_stays_for_the_other(cast: Cast):
    mine, theirs = made(cast.bees, b"the same"), made(cast.wasps, b"the same")
    mine.delete()
    with later(hours=2):
        assert artifacts.collect() == 0
    theirs.delete()
    with later(hours=2):
        assert artifacts.collect() == 1
    assert not store.exists(store.digest_of(b"the same"))


def test_smaller_forms_go_with_the_last_picture_that_has_them(cast: Cast):
    own, shared = store.put(b"its own small form"), store.put(b"a shared small form")
    mine, theirs = made(cast.bees, b"mine"), made(cast.wasps, b"theirs, the same pixels")
    Artifact.objects.filter(pk=mine.artifact_id).update(variants={"webp-320": shared, "card": own})
    Artifact.objects.filter(pk=theirs.artifact_id).update(variants={"webp-320": shared})
    mine.delete()
    with later(hours=2):
        assert artifacts.collect() == 1
    assert not store.exists(own)
    assert store.exists(shared)


def test_a_file_that_was_just_touched_is_left_alone(cast: Cast):
    made(cast.bees, b"young").delete()
    assert artifacts.collect() == 0
    with later(hours=2):
        artifacts.keep(b"young", "image/png")
        assert artifacts.collect() == 0
    assert store.read(store.digest_of(b"young")) == b"young"


def test_a_row_that_comes_back_while_its_file_is_removed_keeps_it(cast: Cast):
    digest = artifacts.keep(b"wanted again", "image/png")
    Artifact.objects.all().delete()
    store.remove(digest, unless=lambda: bool(artifacts.keep(b"wanted again", "image/png")))
    assert store.read(digest) == b"wanted again"


# --- prompts ----------------------------------------------------------------------------------------------------------


def test_prompts_of_private_results_go_when_their_days_are_over(cast: Cast):
    Team.objects.filter(pk=cast.bees.pk).update(prompt_days=7)
    private = made(cast.bees, visibility="private", notes={"enhanced_prompt": "a very red boat", "nsfw_score": 0.1})
    public = made(cast.bees, visibility="public")
    others = made(cast.wasps, visibility="private")
    with later(days=6):
        assert forgetting.forget_prompts() == 0
    with later(days=8):
        assert forgetting.forget_prompts() == 1
        assert forgetting.forget_prompts() == 0
    private.refresh_from_db()
    assert (private.prompt, private.source_url, private.notes) == ("", "", {"nsfw_score": 0.1})
    assert "red boat" not in str(private.params)
    assert restore(private.params).model == "flux"
    assert private.artifact_id
    for kept in (public, others):
        kept.refresh_from_db()
        assert kept.prompt == "a red boat"


def test_zero_days_means_as_soon_as_it_is_made_and_not_before(cast: Cast):
    Team.objects.filter(pk=cast.bees.pk).update(prompt_days=0)
    running, done = made(cast.bees, state="running"), made(cast.bees)
    made(cast.wasps)
    with later(seconds=1):
        assert forgetting.forget_prompts(days=0) == 1
    done.refresh_from_db()
    running.refresh_from_db()
    assert (done.prompt, running.prompt) == ("", "a red boat")


def test_a_conversation_leaves_no_word_behind():
    chat = {
        "request": "ChatRequest",
        "model": "openai",
        "messages": [{"role": "user", "content": "my secret"}],
        "options": {"stop": ["my secret"], "tools": [{"function": {"description": "my secret"}}]},
    }
    speech = {"request": "SpeechRequest", "model": "openai-audio", "text": "my secret", "voice": "nova"}
    hint = {"request": "TranscriptionRequest", "model": "whisper-1", "recording": "d" * 64, "hint": "my secret"}
    for params in (chat, speech, hint):
        assert "my secret" not in str(forgetting.blanked(params))
    assert forgetting.blanked(speech)["voice"] == "nova"
