"""/docs/react: the React hooks of clients/react at work, with the code that does it."""

import json
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from generation.web.samples import Sample

ENTRY = "src/main.tsx"

SETUP = """\
import {{ createRoot }} from "react-dom/client"
import {{ PollwebProvider }} from "pollweb-react"

createRoot(document.getElementById("root")).render(
  <PollwebProvider baseUrl="{address}">
    <App />
  </PollwebProvider>,
)
"""
PICTURE = """\
function Picture({ prompt }) {
  const { data, error, isLoading } = useImage(prompt, { width: 768, height: 512, seed: 7 })
  if (error) return <p role="alert">{error.message}</p>
  return isLoading ? <p>Painting…</p> : <img src={data.src} alt={prompt} />
}
"""
WORDS = """\
function Answer({ question }) {
  const { data, isLoading } = useText(question, { model: "openai" })
  return <p aria-busy={isLoading}>{data}</p> // grows while it is loading
}
"""
CHAT = """\
function Chat() {
  const { messages, isLoading, error, send, stop, retry } = useChat()
  return (
    <>
      {messages.map(({ role, content }, number) => <p key={number}>{role}: {content}</p>)}
      {error && <button onClick={retry}>{error.message}</button>}
      <button onClick={() => (isLoading ? stop() : send("Hello?"))}>{isLoading ? "Stop" : "Send"}</button>
    </>
  )
}
"""
FEED = """\
function Wall() {
  const { data = [] } = useFeed("image", { limit: 12 }) // one connection for all, resumed after a break
  return data.map(({ id, imageURL, prompt }) => <img key={id} src={imageURL} alt={prompt} />)
}
"""


@require_safe
def react(request: HttpRequest) -> HttpResponse:
    codes = {
        _("Set-up"): SETUP.format(address=settings.SITE_URL),
        _("Picture"): PICTURE,
        _("Text"): WORDS,
        _("Chat"): CHAT,
        _("Feed"): FEED,
    }
    context = {
        **_built(),
        "samples": [Sample(name, "typescript", code) for name, code in codes.items()],
        "interval": settings.DESIGN.tiers["anonymous"].interval_of("image"),
        "texts": json.dumps(_texts()),
    }
    return render(request, "docs/react.html", context)


@cache
def _built() -> dict[str, Any]:
    """The names of the built files, which change with what is in them: `script` and `styles`, below static/."""
    with open(finders.find("react/manifest.json"), encoding="utf-8") as file:  # type: ignore[arg-type]
        entry = json.load(file)[ENTRY]
    return {"script": f"react/{entry['file']}", "styles": [f"react/{name}" for name in entry["css"]]}


def _texts() -> dict[str, str]:
    """The words of the app, by the names in clients/react/example/src/texts.ts."""
    return {
        "picture": _("A picture"),
        "prompt": _("Prompt"),
        "picturePrompt": _("a lighthouse on a cliff at sunset"),
        "pictureEmpty": _("Your picture appears here."),
        "paint": _("Paint"),
        "painting": _("Painting…"),
        "seed": _("Seed"),
        "words": _("Streamed text"),
        "question": _("Question"),
        "wordsPrompt": _("Why is the sky blue? Two sentences."),
        "wordsEmpty": _("The answer appears here, word by word."),
        "ask": _("Ask"),
        "stop": _("Stop"),
        "writing": _("Writing…"),
        "chat": _("A conversation"),
        "chatEmpty": _("Say something. The answer appears word by word, and you can stop it."),
        "message": _("Message"),
        "send": _("Send"),
        "again": _("Try again"),
        "wait": _("Try again in {seconds} s."),
        "you": _("You"),
        "assistant": _("Assistant"),
        "feed": _("What others are making"),
        "feedEmpty": _("Nothing yet. Paint a picture, and it appears here."),
        "connecting": _("Connecting…"),
        "live": _("Live"),
        "away": _("Reconnecting…"),
        "paused": _("Paused"),
        "pause": _("Pause"),
        "resume": _("Go on"),
        "private": _("Keep what I make here private"),
        "privateHelp": _("Otherwise it is public, as with the API, and may appear below and in the gallery."),
        "public": _("Public"),
        "isPrivate": _("Private"),
    }
