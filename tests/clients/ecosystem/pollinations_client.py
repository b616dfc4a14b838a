"""pollinations-client: pictures, texts, streams, models and its chats in OpenAI's manner."""

from pathlib import Path

from pollinations import Pollinations

client = Pollinations(timeout=120)
assert client.get_image_models()[0] == "flux"
assert "openai" in [model["name"] for model in client.get_text_models()]

file = client.download_image("a red boat", "boat.jpg", width=96, height=64, seed=5, model="flux")
assert Path(file).read_bytes().startswith(b"\xff\xd8\xff")
assert client.images.generate(prompt="a red boat", size="96x64").data[0]["url"].startswith("https://image.")

assert len(client.generate_text("Say hello.", seed=5, max_tokens=30)) > 1
streamed = client.generate_text_stream("Count from three to eight.", seed=5, max_tokens=30)
assert len([part for part in streamed if part.choices[0].delta.content]) > 1

asked = [{"role": "user", "content": "Say hello."}]
completion = client.chat.completions.create(model="openai", messages=asked, max_tokens=30, seed=5)
assert completion.choices[0].message.content
assert completion.usage["total_tokens"] > 0
streamed = client.chat.completions.create(model="openai", messages=asked, max_tokens=30, seed=5, stream=True)
assert "".join(part.choices[0].delta.content or "" for part in streamed)

later = Pollinations(timeout=120, api_key="somebody's")  # this one speaks to the later API
assert later.chat.completions.create(model="openai", messages=asked, max_tokens=30, seed=5).choices[0].message.content
assert "openai" in [model["name"] for model in later.get_text_models()]
assert later.get_image_models()[0] == "flux"
assert len(later.generate_text("Say hello.", seed=5, max_tokens=30)) > 1
boat = later.download_image("a red boat", "later.jpg", width=96, height=64, seed=5, model="flux")
assert Path(boat).read_bytes().startswith(b"\xff\xd8\xff")
