"""Where results lie: the same behaviour in a folder and in a bucket of an S3-compatible server (moto's)."""

import io
import threading
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.utils import timezone

from generation import artifacts, store
from generation.errors import StorageFull
from generation.models import Artifact
from generation.store import bucket, folder
from pollweb import config
from pollweb.accounts import exporting, shelf
from pollweb.lib.errors import Unavailable
from tests.bucket import KEYS, serving, under
from tests.factories import TeamFactory
from tests.site import free_port


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with serving() as address:
        yield address


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, settings: Any, tmp_path: Any) -> str:
    """Results go to a new folder, or under a new prefix of the bucket."""
    settings.MEDIA_FOLDER = tmp_path / "media"
    if request.param == "bucket":
        address = request.getfixturevalue("s3")
        settings.MEDIA_BUCKET = under(tmp_path.name, address)
    return str(request.param)


def test_what_was_put_is_read_again(place: str) -> None:
    digest = store.put(b"a picture")
    assert digest == store.digest_of(b"a picture")
    assert store.exists(digest)
    assert store.read(digest) == b"a picture"
    with store.open_file(digest) as file:
        assert file.read() == b"a picture"
    assert store.put(b"a picture") == digest
    assert list(store.digests()) == [digest]
    store.probe()


def test_what_is_not_there_is_nothing(place: str) -> None:
    digest = store.digest_of(b"never stored")
    assert not store.exists(digest)
    assert store.read(digest) is store.open_file(digest) is None
    store.remove(digest, unless=lambda: False)


def test_it_is_removed_unless_it_is_wanted_again(place: str) -> None:
    digest = store.put(b"a picture")
    seen: list[bool] = []

    def wanted() -> bool:
        seen.append(store.exists(digest))
        return True

    store.remove(digest, unless=wanted)
    assert seen == [False], "whoever puts it now must find it gone"
    assert store.read(digest) == b"a picture"
    store.remove(digest, unless=lambda: False)
    assert not store.exists(digest)


def test_it_stays_when_nobody_can_say_whether_it_is_wanted(place: str) -> None:
    digest = store.put(b"a picture")

    def unknown() -> bool:
        raise OperationalError("database is locked")

    with pytest.raises(OperationalError):
        store.remove(digest, unless=unknown)
    assert store.read(digest) == b"a picture"
    assert list(store.digests()) == [digest]
    assert store.sweep_parts(-1) == 0


def test_many_threads_may_put_the_same(place: str) -> None:
    data = bytes(range(256)) * 4096
    threads = [threading.Thread(target=store.put, args=(data,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read(store.digest_of(data)) == data
    assert len(list(store.digests())) == 1


@pytest.mark.django_db
def test_collection_removes_what_nothing_leads_to(place: str) -> None:
    digest = artifacts.keep(b"\x89PNG a picture", "image/png")
    assert artifacts.collect() == 0
    Artifact.objects.update(touched_at="2020-01-01T00:00:00Z")
    assert artifacts.collect() == 1
    assert not store.exists(digest)


def test_an_archive_takes_what_is_there(place: str) -> None:
    there, gone = store.put(b"here" * 1000), store.digest_of(b"gone")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file, store.open_file(there) as source:
        exporting._copy(file, "files/a.png", source, 4000)
    assert store.open_file(gone) is None
    with zipfile.ZipFile(archive) as file:
        (entry,) = file.infolist()
        assert (entry.filename, entry.compress_type, file.read(entry)) == (
            "files/a.png", zipfile.ZIP_STORED, b"here" * 1000,
        )  # fmt: skip


def test_a_server_that_is_away_is_told_without_its_address(settings: Any) -> None:
    settings.MEDIA_BUCKET = config.bucket(f"s3://results?endpoint=http://127.0.0.1:{free_port()}", **KEYS)
    for ask in (lambda: store.put(b"x"), lambda: store.read("0" * 64), store.probe):
        with pytest.raises(Unavailable) as told:
            ask()
        assert "127.0.0.1" not in told.value.message
        assert told.value.code == "store_away"


def test_a_bucket_that_is_not_there_is_told(settings: Any, s3: str) -> None:
    settings.MEDIA_BUCKET = config.bucket(f"s3://nowhere?endpoint={s3}", **KEYS)
    with pytest.raises(Unavailable, match="refuses"):
        store.put(b"x")
    with pytest.raises(Unavailable, match="refuses"):
        store.probe()


def test_a_full_store_is_told_as_full(monkeypatch: pytest.MonkeyPatch, settings: Any, s3: str) -> None:
    from botocore.exceptions import ClientError

    settings.MEDIA_BUCKET = config.bucket(f"s3://results/full?endpoint={s3}", **KEYS)
    full = ClientError({"Error": {"Code": "QuotaExceeded"}}, "PutObject")
    monkeypatch.setattr(bucket.current().storage, "save", lambda *_: (_ for _ in ()).throw(full))
    with pytest.raises(StorageFull):
        store.put(b"x")


def test_a_folder_sweeps_up_what_interrupted_writers_left(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_FOLDER = tmp_path
    digest = store.put(b"a picture")
    part = folder.Folder(tmp_path).at(digest).with_name(".abc.part")
    part.write_bytes(b"half")
    assert store.sweep_parts(3600) == 0
    assert store.sweep_parts(-1) == 1
    assert list(store.digests()) == [digest]


@pytest.mark.parametrize(
    "wrong",
    ["http://bucket", "s3://", "s3://B_U", "s3://bucket?endpoint=host", "s3://bucket?color=red", "/srv/media"],
)
def test_an_address_that_is_no_bucket_stops_the_start(wrong: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="POLLWEB_MEDIA_URL is no address of a bucket"):
        config.bucket(wrong, **KEYS)


def test_a_key_without_its_secret_stops_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="POLLWEB_MEDIA_KEY and POLLWEB_MEDIA_SECRET belong together"):
        config.bucket("s3://results", key="k", secret="")


@pytest.mark.django_db
def test_an_export_holds_the_results(place: str, settings: Any, tmp_path: Any) -> None:
    from generation.models import Generation
    from pollweb.accounts.models import DataExport
    from tests.factories import UserFactory

    settings.EXPORT_FOLDER = tmp_path / "exports"
    team, alice = TeamFactory.create(), UserFactory.create(username="alice")
    digest = artifacts.keep(b"\x89PNG a picture", "image/png")
    Generation.objects.create(
        kind="image",
        model="flux",
        prompt="a fox",
        params={},
        team=team,
        state="succeeded",
        artifact_id=digest,
        deadline=timezone.now(),
    )
    export = DataExport.objects.create(person=alice, team=team)
    assert exporting.make(export.pk)
    export.refresh_from_db()
    with zipfile.ZipFile(io.BytesIO(shelf.current().open(export.name).read())) as archive:
        (name,) = [name for name in archive.namelist() if name.startswith("files/")]
        assert archive.read(name) == b"\x89PNG a picture"
