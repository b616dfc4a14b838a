"""Smaller forms of finished pictures: made once, in the background, and addressed by their item."""

import asyncio
import io
from datetime import timedelta

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone
from PIL import Image

from generation import artifacts, label, store, tasks, variants
from generation.models import Artifact, Generation
from generation.web.tiles import Tile
from tests.generation.api.conftest import client  # noqa: F401

SEND = tasks.send_picture  # before the fixture `working` replaces it


def picture(width: int, height: int, mode: str = "RGB", format: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert(mode).save(file, format)
    return file.getvalue()


def made_of(data: bytes, **fields) -> Generation:
    """A finished public picture with this file."""
    digest = artifacts.keep(data, "image/png", width=10, height=10)
    now = timezone.now()
    fields = {"visibility": "public", "state": "succeeded", **fields}
    return Generation.objects.create(
        kind="image",
        model="flux",
        prompt="a fox",
        params={},
        artifact_id=digest,
        deadline=now,
        finished_at=now,
        **fields,
    )


def forms(artifact: Artifact) -> dict[str, Image.Image]:
    artifact.refresh_from_db()
    return {name: Image.open(io.BytesIO(store.read(digest))) for name, digest in artifact.variants.items()}


def test_a_picture_gets_smaller_forms_and_never_larger_ones(db):
    row = made_of(picture(800, 400))
    assert variants.make(row.artifact_id)
    found = forms(row.artifact)
    assert set(found) == {"avif-320", "avif-640", "webp-320", "webp-640", "card"}
    assert (found["avif-640"].size, found["avif-640"].format) == ((640, 320), "AVIF")
    assert (found["webp-320"].size, found["webp-320"].format) == ((320, 160), "WEBP")


def test_its_card_has_the_shape_that_links_show(db):
    row = made_of(picture(300, 900, "RGBA"))
    variants.make(row.artifact_id)
    card = forms(row.artifact)["card"]
    assert (card.size, card.format, card.mode) == ((1200, 630), "JPEG", "RGB")


def test_its_placeholder_is_small_and_its_colour_is_known(db):
    row = made_of(picture(640, 640))
    variants.make(row.artifact_id)
    row.artifact.refresh_from_db()
    assert row.artifact.placeholder.startswith("data:image/webp;base64,")
    assert len(row.artifact.placeholder) < 400
    assert row.artifact.colour.startswith("#")


def test_what_has_been_made_is_not_made_again(db):
    row = made_of(picture(400, 400))
    assert variants.make(row.artifact_id)
    assert not variants.make(row.artifact_id)


def test_what_somebody_brought_along_gets_no_forms(db):
    digest = artifacts.keep(picture(800, 800), "image/png")
    assert not variants.make(digest)


def test_a_picture_whose_message_was_lost_is_found_later_and_lost_bytes_only_once(db):
    row = made_of(picture(400, 400))
    assert variants.overlooked() == []
    Artifact.objects.update(touched_at=timezone.now() - timedelta(minutes=5))
    assert variants.overlooked() == [row.artifact_id]
    store.remove(row.artifact_id, unless=lambda: False)
    variants.make(row.artifact_id)
    assert variants.overlooked() == []


@pytest.mark.parametrize("hidden", [{}, {"visibility": "private"}, {"is_mature": True}])
async def test_a_form_is_as_public_as_its_picture(client, hidden, transactional_db):  # noqa: F811
    row = await sync_to_async(made_of)(picture(800, 400), **hidden)
    early = await client.get(f"/media/{row.public_id}/webp-640")  # not made yet: the picture itself, for a moment
    assert early.status_code == (404 if hidden else 200)
    assert hidden or (early.headers["content-type"], early.headers["cache-control"]) == ("image/png", "no-cache")
    assert (await client.get(f"/media/{row.public_id}/card")).status_code == 404
    await sync_to_async(variants.make)(row.artifact_id)
    answer = await client.get(f"/media/{row.public_id}/webp-640")
    if hidden:
        assert answer.status_code == 404
        return
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert answer.headers["content-disposition"] == 'inline; filename="a-fox.webp"'
    again = await client.get(f"/media/{row.public_id}/webp-640", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    for unknown in ("webp-641", "original-1", "avif-1280"):
        assert (await client.get(f"/media/{row.public_id}/{unknown}")).status_code == 404


def test_a_tile_offers_the_forms_that_are_there_and_only_of_public_pictures(db):
    row = made_of(picture(800, 400))
    assert Tile(row).sources == []
    variants.make(row.artifact_id)
    row = Generation.objects.select_related("artifact").get()
    folder = f"/media/{row.public_id}"
    assert Tile(row).sources == [
        ("image/avif", f"{folder}/avif-320 320w, {folder}/avif-640 640w"),
        ("image/webp", f"{folder}/webp-320 320w, {folder}/webp-640 640w"),
    ]
    row.visibility = "private"
    assert Tile(row).sources == []


async def test_a_picture_that_is_made_gets_them_by_itself(client, working, monkeypatch):  # noqa: F811
    monkeypatch.setattr(tasks, "send_picture", SEND)
    await client.get("/prompt/a%20fox?width=800&height=400")

    def varied() -> bool:
        return Artifact.objects.filter(varied_at__isnull=False, variants__has_key="avif-640").exists()

    async with asyncio.timeout(20):
        while not await sync_to_async(varied)():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("width", "height"), [(1000, 1000), (1000, 560), (600, 1500), (3000, 500), (1200, 630)])
def test_a_card_has_the_label_as_a_whole_though_it_shows_a_part_of_the_picture(db, width, height):
    drawn, box = label.draw(Image.new("RGB", (width, height), "navy"), "AI")
    file = io.BytesIO()
    drawn.save(file, "PNG")
    row = made_of(file.getvalue())
    Generation.objects.filter(pk=row.pk).update(params={"request": "ImageRequest", "model": "flux", "label": "AI"})
    variants.make(row.artifact_id)
    card = np.asarray(forms(row.artifact)["card"].convert("RGB"), int)
    plate = np.argwhere(np.abs(card - (20, 20, 23)).max(axis=2) < 12)
    (top, left), (bottom, right) = plate.min(axis=0), plate.max(axis=0)
    shape, there = (right - left) / (bottom - top), (box.right - box.left) / (box.bottom - box.top)
    assert shape == pytest.approx(there, rel=0.1)  # neither cut nor there twice
    letters = np.argwhere(card.min(axis=2) > 128)[:, 0]
    assert letters.max() - letters.min() + 1 >= 0.05 * 630
