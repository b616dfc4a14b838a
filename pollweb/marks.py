"""The marks that tell that a machine made something: the page `/labels`, and `/labels.json` for programs."""

from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from generation import aigc, label


@dataclass(frozen=True, slots=True)
class Mark:
    """`keys` are the words by which programs find it; `words` is what people read."""

    id: str
    name: Any
    where: Any
    is_on: bool = True
    keys: tuple[str, ...] = ()
    words: str = ""

    def told(self) -> dict[str, Any]:
        name = " ".join(part for part in (str(self.name), ", ".join(self.keys)) if part)
        return {"id": self.id, "name": name, "where": str(self.where), "on": self.is_on, "words": self.words or None}


def marks() -> list[Mark]:
    """All there are, whether or not they are on here."""
    site, words, has_block = settings.DESIGN.site, label.current(), aigc.is_on()
    return [
        Mark(
            "digital_source_type",
            "XMP",
            _(
                "in the file of each picture: made by a trained network, by an algorithm, or changed from a given one "
                "(IPTC's words)"
            ),
            keys=("DigitalSourceType",),
        ),
        Mark(
            "aigc_in_pictures",
            "XMP",
            _("in the file of each picture: who produces it, as China's GB 45438-2025 wants it"),
            has_block,
            ("TC260:AIGC",),
        ),
        Mark(
            "aigc_in_sound",
            "ID3, Vorbis, RIFF",
            _("in the file of each sound: the same; AAC and PCM have no place for it"),
            has_block,
            ("AIGC",),
        ),
        Mark(
            "settings",
            "EXIF",
            _("in the file of each picture: the model and its settings; the words of a private prompt are left out"),
            keys=("Make", "UserComment"),
        ),
        Mark("model_used", "", _("a header of each answer of the API: who made it"), keys=("X-Model-Used",)),
        Mark(
            "label",
            _("A label in the picture"),
            _("in the lower left corner of each picture, private ones too; nobody can leave it out"),
            bool(words),
            words=words,
        ),
        Mark("logo", _("The site's logo"), _("in a corner of public pictures"), bool(site.logo)),
        Mark("tile_label", _("A word on each tile"), _("on the live wall and on kiosks"), site.ai_label),
    ]


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "labels.html", {"marks": marks()})


@require_safe
async def data(request: HttpRequest) -> HttpResponse:
    """The same for programs, in English as all of the API."""
    body = orjson.dumps({"marks": [each.told() for each in marks()]})
    return HttpResponse(body, content_type="application/json", headers={"Cache-Control": "public, max-age=300"})
