"""The addresses of generation's endpoints, one list for each face of the API.

Prompts are read from the raw path by the views (a route cannot take every character), so their routes match anything;
the name of such a route is how the reference writes it.
"""

from django.urls import URLPattern, URLResolver, path, re_path

from feeds import stream
from generation.api import audio, dialects, embeddings, files, images, jobs, moderations, pictures, texts

Table = list[URLPattern | URLResolver]

image: Table = [
    path("models", images.models),
    path("about", images.about),
    path("feed", stream.image_feed),
    path("prompt", images.prompt),
    re_path(r"(?s)^prompt/.*$", images.prompt, name="prompt/{prompt}"),
    re_path(r"(?s)^.+$", images.prompt_alone, name="{prompt}"),
]

text: Table = [
    path("", texts.root),
    path("models", texts.models),
    path("feed", stream.text_feed),
    path("openai/models", texts.openai_models),
    re_path(r"(?s)^openai(?:/.*)?$", texts.completions, name="openai"),
    path("v1/models", texts.openai_models),
    path("v1/chat/completions", texts.completions),
    re_path(r"(?s)^.+$", texts.prompt, name="{prompt}"),
]

v1: Table = [
    path("models", texts.openai_models),
    path("models/<path:name>", texts.openai_model),
    path("chat/completions", texts.completions),
    path("responses", dialects.create_response),
    path("messages", dialects.create_message),
    path("embeddings", embeddings.create),
    path("moderations", moderations.create),
    path("images/generations", pictures.generations),
    path("images/edits", pictures.edits),
    path("audio/speech", audio.create_speech),
    path("audio/transcriptions", audio.create_transcription),
    path("jobs/<str:public_id>", jobs.job),
    path("jobs/<str:public_id>/result", jobs.result),
]

root: Table = [
    path("media/<str:public_id>/original", files.original),
    path("media/<str:public_id>/input-<int:number>", files.given),
    path("media/<str:public_id>/relayed", files.of_another),
    path("media/<str:public_id>/<slug:variant>", files.variant),
]
