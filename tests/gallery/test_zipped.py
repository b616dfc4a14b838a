"""A collection as a ZIP file: what is in it, who gets it, and how it is sent."""

import csv
import io
import json
import zipfile

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient
from django.utils import timezone

from generation import store
from generation.models import Generation
from pollweb.gallery import keeping, zipped
from pollweb.gallery.models import Collection
from tests.bucket import serving, under
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice(transactional_db):
    return UserFactory(username="alice")


@pytest.fixture
def chosen(alice, make):
    """A public collection of alice: a text, a sound and two pictures, the text first."""
    collection = keeping.new(alice, "Foxes / 狐狸 ../..", "Only foxes.", "public")
    rows = [
        make(prompt="a red fox", seed=7),
        make(prompt="../../etc/passwd: 一只红狐狸"),
        make("audio", prompt="a fox speaks"),
        make("text", prompt="=a fox in words", response="A fox.\nIt runs."),
    ]
    for row in rows:
        keeping.add(collection, row)
    return collection, rows[::-1]


async def fetch(client: AsyncClient, collection: Collection) -> zipfile.ZipFile:
    answer = await client.get(f"/c/{collection.public_id}.zip")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    data = b"".join([part async for part in answer])
    answer.close()
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    return archive


async def test_it_holds_the_originals_in_order_and_says_how_each_was_made(async_client, chosen):
    collection, rows = chosen
    archive = await fetch(async_client, collection)
    *files, index, table = archive.namelist()
    assert (index, table) == ("index.json", "metadata.csv")
    assert [name[:4] for name in files] == ["0001", "0002", "0003", "0004"]
    assert files[0].endswith("a-fox-in-words.md")
    assert files[2].endswith("etc-passwd-一只红狐狸.jpg")
    assert files[3].endswith("a-red-fox-7.jpg")
    assert not any(part in name for name in files for part in ("/", "\\", ".."))
    assert archive.read(files[0]).decode() == "A fox.\nIt runs."
    assert archive.read(files[3]) == store.read(rows[3].artifact_id)
    told = json.loads(archive.read(index))
    assert (told["title"], told["address"][-22:], told["left_out"]) == (collection.title, collection.public_id, [])
    assert [each["file"] for each in told["items"]] == files
    assert {key: told["items"][3][key] for key in ("prompt", "model", "seed", "kind")} == {
        "prompt": "a red fox",
        "model": "flux",
        "seed": 7,
        "kind": "image",
    }
    assert told["items"][3]["address"].endswith(f"/p/{rows[3].public_id}")
    lines = list(csv.DictReader(io.StringIO(archive.read(table).decode("utf-8-sig"))))
    assert [each["file"] for each in lines] == files
    assert lines[0]["prompt"] == "'=a fox in words"  # no formula


async def test_what_is_hidden_private_or_lost_is_not_in_it(async_client, chosen):
    collection, rows = chosen
    await Generation.objects.filter(pk=rows[2].pk).aupdate(hidden_at=timezone.now())
    await Generation.objects.filter(pk=rows[1].pk).aupdate(visibility="private")
    await sync_to_async(store.remove)(rows[3].artifact_id, unless=lambda: False)
    archive = await fetch(async_client, collection)
    told = json.loads(archive.read("index.json"))
    assert [each["address"][-22:] for each in told["items"]] == [rows[0].public_id]
    assert [(each["address"][-22:], each["why"]) for each in told["left_out"]] == [(rows[3].public_id, "lost")]
    assert len(archive.namelist()) == 3


async def test_what_has_no_room_is_left_out_and_said_to_be(async_client, chosen, settings):
    collection, rows = chosen
    most = rows[0].artifact_id is None and len(rows[0].response) + 9  # the text and the sound
    limits = settings.DESIGN.limits.model_copy(update={"export_bytes": most})
    settings.DESIGN = settings.DESIGN.model_copy(update={"limits": limits})
    told = json.loads((await fetch(async_client, collection)).read("index.json"))
    assert [each["kind"] for each in told["items"]] == ["text", "audio"]
    assert {each["why"] for each in told["left_out"]} == {"no room"}


@pytest.mark.parametrize(("visibility", "status"), [("private", 404), ("unlisted", 200), ("public", 200)])
async def test_who_gets_it_is_who_sees_the_page(async_client, alice, chosen, visibility, status):
    collection, _ = chosen
    await Collection.objects.filter(pk=collection.pk).aupdate(visibility=visibility)
    answer = await async_client.head(f"/c/{collection.public_id}.zip")
    assert answer.status_code == status
    await async_client.aforce_login(alice)
    page = await async_client.get(f"/c/{collection.public_id}")
    assert f"/c/{collection.public_id}.zip" in page.text
    own = await async_client.head(f"/c/{collection.public_id}.zip")
    assert own.status_code == 200
    assert "filename*=utf-8''Foxes-%E7%8B%90%E7%8B%B8.zip" in own["Content-Disposition"]


async def test_what_a_person_saved_is_theirs_alone(async_client, alice, chosen):
    saved = await sync_to_async(keeping.saves)(alice)
    await sync_to_async(keeping.add)(saved, chosen[1][0])
    assert (await async_client.get(f"/c/{saved.public_id}.zip")).status_code == 404
    await async_client.aforce_login(alice)
    assert f"/c/{saved.public_id}.zip" in (await async_client.get("/saved")).text
    assert len((await fetch(async_client, saved)).namelist()) == 3


async def test_it_comes_in_blocks_and_never_whole(async_client, chosen, make, monkeypatch):
    collection, rows = chosen
    monkeypatch.setattr(zipped, "BLOCK", 1000)
    digest = await sync_to_async(store.put)(bytes(50_000))
    artifact = rows[3].artifact
    artifact.digest, artifact.size = digest, 50_000
    await artifact.asave(force_insert=True)
    await Generation.objects.filter(pk=rows[3].pk).aupdate(artifact=artifact)
    answer = await async_client.get(f"/c/{collection.public_id}.zip")
    sizes = [len(part) async for part in answer]
    answer.close()
    assert sum(sizes) > 50_000
    assert max(sizes) < 5000


async def test_so_many_are_sent_at_once_and_whoever_leaves_makes_room(async_client, chosen, monkeypatch):
    collection, _ = chosen
    monkeypatch.setattr(zipped, "MOST_AT_ONCE", 1)
    address = f"/c/{collection.public_id}.zip"
    first = await async_client.get(address)
    full = await async_client.get(address)
    assert (full.status_code, full["Retry-After"]) == (503, "30")
    await anext(aiter(first))
    first.close()
    await fetch(async_client, collection)


async def test_one_address_takes_not_all_places(async_client, chosen, settings):
    settings.TRUSTED_PROXIES, there = ["127.0.0.1"], {"X-Forwarded-For": "203.0.113.9"}
    address = f"/c/{chosen[0].public_id}.zip"
    held = [await async_client.get(address, headers=there) for _ in range(zipped.MOST_OF_ADDRESS + 1)]
    assert [each.status_code for each in held] == [200, 200, 503]
    assert (await async_client.head(address, headers=there)).status_code == 200
    for each in held:
        each.close()


async def test_it_comes_from_a_bucket_too(async_client, chosen, settings):
    collection, rows = chosen
    data = await sync_to_async(store.read)(rows[3].artifact_id)
    with serving() as server:
        settings.MEDIA_BUCKET = under("zip", server)
        await sync_to_async(store.put)(data)
        archive = await fetch(async_client, collection)
    assert archive.read(archive.namelist()[-3]) == data
    assert len(json.loads(archive.read("index.json"))["left_out"]) == 1  # the sound was never put there
