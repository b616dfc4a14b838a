"""python-pollinations-ai: texts, the addresses of pictures, and whether anybody is there."""

from importlib import import_module

import requests

client = import_module("Python-Pollinations-AI")  # its name is none that `import` takes

answer = client.getaianswer("What is the capital of France?")
assert "paris" in answer.lower(), answer
picture = requests.get(client.aiimagine("a red boat"), timeout=120)
assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/jpeg")
assert client.aistatus() == "Online"
