"""pollinations-api: pictures, chats, vision, speech there and back, models and the feed."""

from threading import Thread

from pollinations_api import PollinationsAPI

client = PollinationsAPI(referrer="example.org", timeout=120)
frames = []
Thread(target=lambda: frames.append(next(client.connect_image_feed())), daemon=True).start()

assert "flux" in client.list_image_models()
assert "openai" in [model["name"] for model in client.list_text_models()]

made = client.generate_image("a red boat", model="flux", width=96, height=64, seed=5, save_to="boat.jpg")
assert made.startswith(b"\xff\xd8\xff")

# Its generate_text is a generator whether it streams or not.
assert len("".join(client.generate_text("Say hello.", seed=5, stream=True))) > 1

asked = [{"role": "user", "content": "Say hello."}]
completion = client.openai_chat_completion("openai", asked, seed=5, extra_payload={"max_tokens": 30})
assert completion["choices"][0]["message"]["content"]
asked = [{"role": "user", "content": "Count from four to nine."}]
streamed = client.openai_chat_completion("openai", asked, seed=5, stream=True, extra_payload={"max_tokens": 30})
assert len(list(streamed)) > 1

seen = client.analyze_local_image("boat.jpg", max_tokens=30)
assert seen
assert seen["choices"][0]["message"]["content"]

assert client.tts_get("The quick brown fox.", voice="nova", save_to="fox.mp3")
assert "fox" in (client.transcribe_audio("fox.mp3") or "").lower()
assert client.tts_post("Hello.", voice="alloy")
assert frames
assert frames[0]["imageURL"].startswith("https://image.pollinations.ai/prompt/"), frames
