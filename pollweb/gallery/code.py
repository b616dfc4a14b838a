"""Code for what is asked by a body that the create page does not make."""

from django.conf import settings

from generation.catalogue import ModelCard
from generation.web.samples import Sample

TRANSCRIPTION = """\
curl --fail {site}/v1/audio/transcriptions \\
  -F model={model} -F file=@recording.mp3
"""
TRANSCRIPTION_PYTHON = """\
from openai import OpenAI

client = OpenAI(base_url="{site}/v1", api_key="none")
with open("recording.mp3", "rb") as file:
    print(client.audio.transcriptions.create(model="{model}", file=file).text)
"""
EMBEDDING = """\
curl --fail {site}/v1/embeddings \\
  --json '{{"model": "{model}", "input": ["a red fox in snow", "neon city street"]}}'
"""
EMBEDDING_PYTHON = """\
from openai import OpenAI

client = OpenAI(base_url="{site}/v1", api_key="none")
answer = client.embeddings.create(model="{model}", input=["a red fox in snow", "neon city street"])
print([len(each.embedding) for each in answer.data])
"""
CODE = {"transcription": (TRANSCRIPTION, TRANSCRIPTION_PYTHON), "embedding": (EMBEDDING, EMBEDDING_PYTHON)}


def of(card: ModelCard) -> list[Sample]:
    curl, python = (text.format(site=settings.SITE_URL, model=card.name) for text in CODE[card.kind])
    return [Sample("cURL", "bash", curl), Sample("Python", "python", python)]
