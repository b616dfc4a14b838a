"""pollinations-simple: texts, chats, streams, JSON and models; with a key it speaks to the later API."""

import json

from pollinations import Message, PollinationsClient

for client in (PollinationsClient(), PollinationsClient(api_key="somebody's")):
    asked = [Message("system", "You answer in one word."), Message("user", "What is the capital of France?")]
    answer = client.chat(asked, seed=5, max_tokens=30)
    assert "paris" in answer.content.lower(), answer
    assert bool(answer.usage) == bool(client.api_key)
    assert isinstance(json.loads(client.ask("A colour as JSON.", seed=5, json_mode=True)), dict)
    assert "openai" in [model.name for model in client.get_models()]
    assert len(client.quick("Say hello.")) > 1
    assert len(list(client.stream(f"Count from {5 if client.api_key else 6} to ten."))) > 1
