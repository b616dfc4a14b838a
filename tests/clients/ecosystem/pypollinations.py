"""pypollinations: pictures, texts and models, asynchronously."""

import asyncio

from pypollinations import ImageClient, ImageGenerationRequest, TextClient, TextGenerationRequest
from pypollinations.models.base import Message


async def main() -> None:
    async with ImageClient() as images:
        assert "flux" in await images.list_models()
        made = await images.generate(ImageGenerationRequest(prompt="a red boat", width=96, height=64, seed=5))
        assert made.image_bytes.startswith(b"\xff\xd8\xff")
    async with TextClient() as texts:
        assert "openai" in [model["name"] for model in await texts.list_models()]
        asked = TextGenerationRequest(messages=[Message(role="user", content="Say hello.")], seed=5)
        assert len((await texts.generate(asked)).content) > 1


asyncio.run(main())
