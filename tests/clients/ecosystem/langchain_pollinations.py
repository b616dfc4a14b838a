"""langchain-pollinations, for the later API: pictures, chats, streams, speech there and back, and models, by its
`base_url`."""

from langchain_pollinations import (
    ChatPollinations,
    ImagePollinations,
    ModelInformation,
    STTPollinations,
    TTSPollinations,
)

here = {"base_url": "https://gen.pollinations.ai", "api_key": "somebody's"}
chat = ChatPollinations(model="openai", seed=5, max_tokens=30, **here)
assert "paris" in chat.invoke("What is the capital of France? One word.").content.lower()
assert len([part for part in chat.stream("Count from one to five.") if part.content]) > 1

models = ModelInformation(**here)
assert "openai" in [model["id"] for model in models.list_compatible_models()["data"]]
assert "openai" in models.get_available_models()["text"]

sound = TTSPollinations(model="openai-audio", voice="nova", **here).generate("The quick brown fox.")
heard = STTPollinations(model="openai-audio", **here).transcribe(sound)
assert "fox" in str(heard).lower(), heard

picture = ImagePollinations(model="flux", width=96, height=64, seed=5, **here).generate("a red boat")
assert bytes(picture).startswith(b"\xff\xd8\xff"), picture
