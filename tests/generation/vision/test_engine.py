"""The real networks, and the chat engine that words what they find."""

import base64
import io

import pytest
from PIL import Image, ImageDraw, ImageFont

from generation.providers.local import sight
from generation.providers.local.chat import ChatEngine
from generation.providers.local.painter import paint
from generation.providers.local.provider import CHAT_FILES, VISION_FILE
from generation.providers.local.vision import Tagger, VisionEngine

pytestmark = pytest.mark.engines


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def engine(model_folder) -> VisionEngine:
    return VisionEngine(model_folder / VISION_FILE, threads=2)


@pytest.fixture(scope="module")
def sign() -> bytes:
    image = Image.new("RGB", (640, 400), "white")
    ImageDraw.Draw(image).text((60, 150), "Hello pollweb", fill="black", font=ImageFont.load_default(60))
    return png(image)


def test_words_in_a_picture_are_read(engine, sign):
    facts = engine.look(sign)
    assert facts.lines == ["Hello pollweb"]
    assert (facts.width, facts.height, facts.colours) == (640, 400, ["white"])
    assert facts.drawn


def test_a_painted_scene_has_tags(model_folder):
    painted = paint("snowy mountains at sunset", seed=3, width=512, height=384).image.convert("RGB")
    tags = Tagger(model_folder / VISION_FILE).tags(painted)
    assert tags
    assert all(0 < tag.share <= 1 for tag in tags)


def test_the_chat_engine_quotes_the_words(engine, sign, model_folder):
    chat = ChatEngine(model_folder / CHAT_FILES["default"], threads=2)
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(sign).decode()}}
    asked = [{"role": "user", "content": [{"type": "text", "text": "What does the text in this image say?"}, part]}]
    told = sight.told(asked, engine.look)
    answer = chat.complete({"messages": told, "temperature": 0.2, "seed": 1}, lambda delta: False)
    assert "Hello pollweb" in answer["message"]["content"]
