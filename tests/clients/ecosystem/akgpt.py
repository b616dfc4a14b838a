"""akgpt: chats, vision, speech there and back. It carries a token of its own, which nobody has here."""

from sys import argv

from akgpt import AKGPT

client = AKGPT()


def said(answer: dict | None) -> str:
    assert answer
    return answer["choices"][0]["message"]["content"]


assert "paris" in said(client.query("What is the capital of France?", system="One word.", max_tokens=30)).lower()
picture = client.encode_image_to_base64(argv[1])
assert said(client.query_with_image("What is this?", picture, max_tokens=30))
sound = client.text_to_speech("The quick brown fox.", voice="nova")
assert client.save_audio(sound, "fox.mp3")
recording = client.encode_audio_to_base64("fox.mp3")
assert "fox" in said(client.query_with_audio("What is said?", recording, "mp3")).lower()
