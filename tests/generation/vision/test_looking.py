"""What is found in a picture, and how it is told. The networks themselves are tested where their files are."""

import base64
import io
import pickle
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from generation.providers.local import sight
from generation.providers.local.errors import translate
from generation.providers.local.vision import Facts, ModelDamaged, ModelMissing, Tag, VisionEngine, instructions
from generation.providers.local.vision.colours import colours
from generation.providers.local.vision.tags import _best, is_drawn, names
from generation.providers.local.vision.weights import load

CAT = Facts(640, 480, [Tag("cat", 0.88), Tag("tabby cat", 0.5), Tag("tiger cat", 0.3)], [], ["grey", "brown"], False)
SIGN = Facts(400, 400, [], ["Hello pollweb", "$12.50"], ["white"], True)
UNSURE = Facts(300, 400, [Tag("palace", 0.3), Tag("monastery", 0.1)], [], [], False)
NOTHING = Facts(300, 400, [], [], [], False)


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def part(data: bytes = b"x") -> dict:
    return {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(data).decode()}}


def test_facts_are_told_in_plain_sentences():
    assert CAT.told() == (
        "It shows: cat. Perhaps more exactly: tabby cat or tiger cat. No words are written in it. "
        "Its main colours are grey and brown. It is a wide picture of 640 x 480 pixels."
    )
    assert '"Hello pollweb" / "$12.50"' in SIGN.told()
    assert "a drawing, a page, a sign or a screenshot" in SIGN.told()
    assert "not certain" in UNSURE.told()
    assert "palace or monastery" in UNSURE.told()
    assert "cannot be recognised" in NOTHING.told()


def test_several_pictures_are_numbered():
    told = instructions([CAT, SIGN])
    assert "2 pictures" in told
    assert told.index("Picture 1") < told.index("cat") < told.index("Picture 2") < told.index("pollweb")


def test_the_question_is_kept_and_the_picture_becomes_facts():
    content = [{"type": "text", "text": "What animal is it?"}, part(b"cat")]
    seen = []
    messages = sight.told(
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": content}],
        lambda data: seen.append(data) or CAT,
    )
    assert seen == [b"cat"]
    assert messages[:2] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What animal is it?"},
    ]
    assert messages[2] == {"role": "system", "content": instructions([CAT])}


def test_a_picture_without_a_question_is_described():
    assert sight.told([{"role": "user", "content": [part()]}], lambda data: CAT)[0]["content"] == sight.NO_QUESTION


def test_pictures_of_earlier_turns_are_looked_at_too():
    messages = sight.told(
        [
            {"role": "user", "content": [part(b"1"), {"type": "text", "text": "And this?"}]},
            {"role": "assistant", "content": "A cat."},
            {"role": "user", "content": [{"type": "text", "text": "Compare it."}, part(b"2")]},
        ],
        lambda data: CAT if data == b"1" else SIGN,
    )
    assert [message["content"] for message in messages[:3]] == [
        "(picture 1)\nAnd this?",
        "A cat.",
        "Compare it.\n(picture 2)",
    ]
    assert messages[3]["content"] == instructions([CAT, SIGN])


@pytest.mark.parametrize(
    ("paint", "name"),
    [("crimson", "red"), ("#ffffff", "white"), ("#000000", "black"), ("royalblue", "blue"), ("gold", "yellow")],
)
def test_colours_have_the_names_that_people_use(paint, name):
    assert colours(Image.new("RGB", (30, 20), paint)) == [name]


def test_small_spots_are_no_main_colour():
    image = Image.new("RGB", (100, 100), "white")
    image.paste("red", (0, 0, 30, 100))
    image.paste("black", (50, 50, 55, 55))
    assert colours(image) == ["white", "red"]


def test_a_page_is_told_from_a_photo():
    page = Image.new("RGB", (640, 400), "white")
    ImageDraw.Draw(page).text((60, 150), "Hello", fill="black", font=ImageFont.load_default(60))
    assert is_drawn(page)
    assert not is_drawn(Image.effect_noise((300, 300), 60))


def test_kinds_of_dog_add_up_to_a_dog():
    shares = np.zeros(1000, np.float32)
    shares[151:268] = 0.6 / 117
    shares[names().index("tennis ball")] = 0.2
    assert [(tag.name, round(tag.share, 2)) for tag in _best(shares)] == [("dog", 0.6), ("tennis ball", 0.2)]


def test_there_are_a_thousand_names():
    assert len(names()) == 1000
    assert names()[281:283] == ("tabby cat", "tiger cat")


class Evil:
    def __reduce__(self):
        return (print, ("run",))


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("data.pkl", b"x")
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        archive(),
        pickle.dumps(Evil()),
        b"".join(pickle.dumps(value) for value in (1, 2, {}, {}, ["k"])) + struct.pack("<q", 10**12),
        b"".join(pickle.dumps(value) for value in (1, 2, {}, {"a": 5}, [])),
    ],
)
def test_a_file_that_is_none_is_refused_and_nothing_in_it_runs(tmp_path, capsys, data):
    path = tmp_path / "model.pth"
    path.write_bytes(data)
    with pytest.raises(ModelDamaged):
        load(path)
    assert capsys.readouterr().out == ""


def test_a_missing_file_is_an_engine_that_is_not_ready(tmp_path):
    with pytest.raises(ModelMissing) as missing:
        VisionEngine(tmp_path / "none.pth").look(png(Image.new("RGB", (9, 9))))
    assert translate(missing.value).code == "engine_not_ready"
