"""Archives in a bucket: made on one machine, handed out by every other, gone when their time is over."""

import asyncio
import io
import os
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.http import FileResponse
from django.test import Client
from django.utils import timezone

from pollweb.accounts import exporting, shelf
from pollweb.accounts.models import DataExport
from pollweb.lib.http.downloads import Download
from tests import bucket
from tests.accounts.conftest import Cast
from tests.site import free_port


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with bucket.serving() as address:
        yield address


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> str:
    settings.EXPORT_FOLDER = tmp_path / "exports"
    if request.param == "bucket":
        settings.MEDIA_BUCKET = bucket.under(tmp_path.name, request.getfixturevalue("s3"))
    return str(request.param)


def archive(cast: Cast) -> DataExport:
    export = exporting.ask(cast.alice, cast.bees)
    assert exporting.make(export.pk)
    export.refresh_from_db()
    return export


def signed_in(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.alice)
    return client


def test_an_archive_made_on_one_machine_is_handed_out_by_another(
    cast: Cast, s3: str, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_BUCKET = bucket.under(tmp_path.name, s3)
    settings.EXPORT_FOLDER = tmp_path / "one"
    export = archive(cast)
    assert list((tmp_path / "one").iterdir()) == [], "nothing is left where it was written"
    settings.EXPORT_FOLDER = tmp_path / "another"
    answer = signed_in(cast).get(f"/exports/{export.name}")
    data = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert answer["Content-Length"] == str(export.size) == str(len(data))
    assert answer["Content-Disposition"].startswith('attachment; filename="bees-')
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.testzip() is None
        assert "team.jsonl" in opened.namelist()


def test_it_is_gone_after_a_week(cast: Cast, place: str) -> None:
    export = archive(cast)
    with time_machine.travel(timezone.now() + timedelta(days=7, seconds=1), tick=False):
        exporting.tidy()
    assert shelf.current().open(export.name) is None
    assert DataExport.objects.get().state == "expired"


def test_what_belongs_to_no_row_is_removed_after_an_hour(cast: Cast, place: str, settings: Any, tmp_path: Path) -> None:
    kept = archive(cast)
    (tmp_path / "stray").write_bytes(b"a row that is gone")
    shelf.current().put(tmp_path / "stray", "stray")
    (settings.EXPORT_FOLDER / "killed.part").write_bytes(b"half")
    exporting.tidy()
    assert shelf.current().open("stray"), "it may be being made"
    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=False):
        exporting.tidy()
    assert shelf.current().open("stray") is None
    assert not (settings.EXPORT_FOLDER / "killed.part").exists()
    assert shelf.current().open(kept.name)


def test_a_bucket_that_is_away_fails_the_archive_and_is_told_on_download(
    cast: Cast, s3: str, settings: Any, tmp_path: Path
) -> None:
    settings.EXPORT_FOLDER = tmp_path
    settings.MEDIA_BUCKET = bucket.under(tmp_path.name, s3)
    export = archive(cast)
    settings.MEDIA_BUCKET = bucket.under(tmp_path.name, f"http://127.0.0.1:{free_port()}")
    assert signed_in(cast).get(f"/exports/{export.name}").status_code == 503
    second = exporting.ask(cast.alice, cast.bees)
    assert not exporting.make(second.pk)
    assert DataExport.objects.get(pk=second.pk).state == "failed"
    assert list(tmp_path.iterdir()) == []


def test_a_download_is_read_while_it_is_sent(tmp_path: Path) -> None:
    """Not all of it before the first byte, as Django does under ASGI."""
    path = tmp_path / "large.zip"
    path.touch()
    os.truncate(path, 3 * 2**20)

    async def first(response: FileResponse) -> tuple[int, int]:
        pieces = aiter(response)
        data = await anext(pieces)
        return len(data), response.file_to_stream.tell()

    with open(path, "rb") as file:
        length, read = asyncio.run(first(Download(file)))
    assert 0 < length == read < 2**20
