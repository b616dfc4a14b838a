"""The block of China's GB 45438-2025 in pictures, in each type of file that we write."""

import io
import json
from xml.etree import ElementTree

import pytest
from PIL import Image

from generation import aigc, marking, saving, store, variants
from tests.generation.test_variants import forms, made_of, picture

FIELDS = [
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
]
PRODUCER = 'alice & <bob> "爱丽丝"'


@pytest.fixture
def on(settings):
    said = settings.DESIGN.marking.model_copy(update={"producer": PRODUCER, "propagator": "charlie"})
    settings.DESIGN = settings.DESIGN.model_copy(update={"marking": said})


def block_in(data: bytes) -> dict[str, str] | None:
    """The block, read as any reader of XMP would."""
    with Image.open(io.BytesIO(data)) as opened:
        xmp = opened.info["xmp"]
    tree = ElementTree.fromstring(xmp.decode() if isinstance(xmp, bytes) else xmp)
    found = tree.find(f".//{{{aigc.NAMESPACE}}}AIGC")
    assert b"digitalsourcetype/trainedAlgorithmicMedia" in data
    return None if found is None else json.loads(found.text)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_picture_has_it_where_the_operator_says_who_produces(on, format):
    xmp = marking.packet("trainedAlgorithmicMedia", aigc.block("abc"))
    marked = marking.mark(picture(40, 30, format=format), model="flux", settings=None, xmp=xmp)
    said = block_in(marked)
    assert list(said) == FIELDS
    assert said == {
        "Label": "1",
        "ContentProducer": PRODUCER,
        "ProduceID": "abc",
        "ReservedCode1": "",
        "ContentPropagator": "charlie",
        "PropagateID": "abc",
        "ReservedCode2": "",
    }


def test_without_a_producer_there_is_none():
    assert aigc.block("abc") == ""
    xmp = marking.packet("trainedAlgorithmicMedia", aigc.block("abc"))
    assert block_in(marking.mark(picture(40, 30), model="flux", settings=None, xmp=xmp)) is None


@pytest.mark.parametrize("format", ["", "png", "jpeg", "webp"])
def test_a_download_without_settings_has_it(db, on, format):
    row = made_of(picture(40, 30))
    row.params = {"request": "ImageRequest", "model": "flux"}
    assert block_in(saving.saved(row, format, with_settings=False))["ProduceID"] == row.public_id


def test_smaller_forms_and_the_card_have_it_too(db, on):
    row = made_of(picture(800, 400))
    variants.make(row.artifact_id)
    assert {opened.format for opened in forms(row.artifact).values()} == {"AVIF", "WEBP", "JPEG"}
    for digest in row.artifact.variants.values():
        assert block_in(store.read(digest))["ProduceID"] == row.public_id


def test_smaller_forms_say_that_a_machine_made_them_with_the_block_or_without(db):
    row = made_of(picture(800, 400))
    variants.make(row.artifact_id)
    row.artifact.refresh_from_db()
    assert [block_in(store.read(digest)) for digest in row.artifact.variants.values()] == [None] * 5
