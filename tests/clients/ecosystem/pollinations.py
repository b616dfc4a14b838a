"""pollinations: pictures, texts, streams, models and the feed."""

from threading import Thread

import pollinations

heard = pollinations.Feed(type="image", max_data=1)
frames = []
listening = Thread(target=lambda: frames.extend(heard.Get()), daemon=True)
listening.start()

# It encodes the question mark before its parameters, so that they are words of the prompt, for the public service too.
picture = pollinations.Image(seed=5)("a red boat", save=True, file="boat.jpeg")
assert picture.format == "JPEG", picture
listening.join(30)
assert frames[0]["imageURL"].startswith("https://image.pollinations.ai/prompt/"), frames

assert "flux" in pollinations.Image.Models()
assert "openai" in [model["name"] for model in pollinations.Text.Models()]

text = pollinations.Text(model="openai", seed=5)
assert len(text("Say hello.")) > 1
assert len(list(text("Count from two to seven.", stream=True))) > 1
assert len(pollinations.Text(openai_endpoint=True, seed=5)("Say hello.")) > 1

described = pollinations.Text(seed=5)
described.Image("boat.jpeg")
assert len(described("What is this?")) > 1
