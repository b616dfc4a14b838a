"""The painter's stickers: vectors from one data file, drawn by resvg at the size that is needed.

`data/icons.json` is made once by

    python -m generation.providers.local.painter.icons PACKAGE/icons.json

from npm `@iconify-json/fluent-emoji-flat` 1.2.6 (Microsoft Fluent Emoji, MIT) and `drawn.py`: only what `subjects.toml`
names. Its shape is {name: {"height": units, "body": SVG, "main": "#rrggbb"}}; all are 32
units wide and cut so that they stand on the lower edge; `main` is the colour that covers most of the sticker and is
what "red", "blue" and so on repaint.
"""

from __future__ import annotations

import colorsys
import io
import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import drawn

if TYPE_CHECKING:
    import numpy as np

DATA = Path(__file__).parent / "data" / "icons.json"
WIDTH = 32.0

_FILL = re.compile(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b")

# Target of a repaint: (hue 0..1 or None for greys, saturation, lightness of the sticker's main colour)
COLOURS: dict[str, tuple[float | None, float, float]] = {
    "red": (0.0, 0.84, 0.50),
    "orange": (0.075, 0.95, 0.55),
    "yellow": (0.135, 0.95, 0.60),
    "golden": (0.120, 0.80, 0.52),
    "green": (0.37, 0.60, 0.42),
    "turquoise": (0.485, 0.70, 0.45),
    "blue": (0.59, 0.78, 0.52),
    "purple": (0.76, 0.52, 0.55),
    "pink": (0.93, 0.80, 0.72),
    "brown": (0.065, 0.45, 0.36),
    "white": (None, 0.04, 0.94),
    "grey": (None, 0.05, 0.60),
    "silver": (None, 0.08, 0.76),
    "black": (None, 0.06, 0.19),
}


@cache
def _stickers() -> dict[str, dict[str, Any]]:
    return json.loads(DATA.read_text())


def height(name: str) -> float:
    """Height of a sticker in widths of it."""
    return _stickers()[name]["height"] / WIDTH


def _hls(colour: str) -> tuple[float, float, float]:
    if len(colour) == 4:
        colour = "#" + "".join(2 * digit for digit in colour[1:])
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return colorsys.rgb_to_hls(red, green, blue)


def repaint(body: str, main: str, colour: str) -> str:
    """`body` with the fills that are close to `main` moved to `colour`, keeping their light and dark."""
    main_hue, main_light, main_sat = _hls(main)
    hue, sat, light = COLOURS[colour]

    def moved(match: re.Match[str]) -> str:
        h, l, s = _hls(match[0])  # noqa: E741 -- the letters of HLS
        if main_sat > 0.2 and main_light < 0.92:
            apart = abs((h - main_hue + 0.5) % 1 - 0.5)
            same = s > (0.3 if main_sat > 0.5 else 0.15) and apart < 0.09 and 0.12 < l < max(0.86, main_light + 0.05)
        else:
            same = s < 0.3 and abs(l - main_light) < 0.35
        if not same:
            return match[0]
        new_light = min(0.97, max(0.06, light + (l - main_light) * 0.75))
        new_sat = sat if s > 0.2 or hue is not None else s
        rgb = colorsys.hls_to_rgb(hue if hue is not None else 0.62, new_light, new_sat)
        return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)

    return _FILL.sub(moved, body)


def sticker(name: str, width: int, colour: str = "", region: str = "") -> np.ndarray:
    """RGBA of a sticker, float32 in 0..1 (colour not premultiplied), `width` pixels wide.

    `colour` is a key of COLOURS; `region`, where the sticker has it, is the colour that is repainted.
    """
    import numpy as np

    icon, width = _stickers()[name], max(2, width)
    region = region if region and region in icon["body"] else icon["main"]
    body = repaint(icon["body"], region, colour) if colour else icon["body"]
    rows = max(2, round(width * icon["height"] / WIDTH))
    pixels = _drawn(body, icon["height"], width, rows).astype(np.float32)
    pixels /= 255
    return pixels


def _drawn(body: str, units: float, width: int, rows: int) -> np.ndarray:
    """RGBA as uint8 of an SVG body that is WIDTH × `units` large."""
    import numpy as np
    import resvg_py
    from PIL import Image

    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {units:g}" width="{width}" height="{rows}" '
        f'preserveAspectRatio="none">{body}</svg>'
    )
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg))
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


# --- making the data file -------------------------------------------------------------------------------------------


def _composed(name: str, icons: dict[str, Any]) -> tuple[float, str]:
    """(height, SVG body) of a sticker, before it is cut to what is visible."""
    if name in drawn.STICKERS:
        return drawn.STICKERS[name]
    body = icons[name]["body"]
    if name in drawn.SITTING:
        return drawn.sitting(body, *drawn.SITTING[name])
    if name in drawn.WALKING:
        return drawn.walking(body, *drawn.WALKING[name])
    if name in drawn.FIGURES:
        return drawn.figure(body, *drawn.FIGURES[name])
    if name in drawn.BUSTS:
        return drawn.standing(body, *drawn.BUSTS[name])
    if name == "tent":  # without the moon behind it
        body = re.sub(r'<path fill="#ffb02e"[^>]*/>', "", body)
    # Boats of the set swim in a drawn strip of water: waves are made of these curves.
    return WIDTH, re.sub(r'<path fill="#(?:00a6ed|5092ff)" d="[^"]*c-1\.75 0-1\.75[^"]*"/>', "", body)


def _cut(rows: float, body: str) -> dict[str, Any]:
    """The sticker moved and scaled so that what is visible fills its width and stands on the lower edge."""
    import numpy as np

    scale = 8
    pixels = _drawn(body, rows, round(WIDTH * scale), round(rows * scale))
    ys, xs = np.nonzero(pixels[..., 3] > 8)
    left, right = xs.min() / scale, (xs.max() + 1) / scale
    top, bottom = ys.min() / scale, (ys.max() + 1) / scale
    factor = WIDTH / (right - left)
    solid = pixels[pixels[..., 3] > 250][:, :3]
    colours, counts = np.unique(solid, axis=0, return_counts=True)
    lightness = (colours.max(1).astype(int) + colours.min(1)) / 510
    counts = np.where((lightness < 0.15) | (lightness > 0.985), counts // 4, counts)
    main = "#" + "".join(f"{part:02x}" for part in colours[counts.argmax()])
    return {
        "height": round((bottom - top) * factor, 2),
        "body": f'<g transform="scale({factor:.4g}) translate({-left:.4g} {-top:.4g})">{body}</g>',
        "main": main,
    }


def make(package: Path) -> dict[str, dict[str, Any]]:
    """Everything that `subjects.toml` and the scenery use, from the icon package's icons.json."""
    from .vocabulary import subjects

    icons = json.loads(package.read_text())["icons"]
    names = sorted({icon for subject in subjects().values() for icon in subject.icons})
    return {name: _cut(*_composed(name, icons)) for name in names}


if __name__ == "__main__":
    made = make(Path(sys.argv[1]))
    DATA.parent.mkdir(exist_ok=True)
    lines = (f"{json.dumps(name)}:{json.dumps(icon, separators=(',', ':'))}" for name, icon in made.items())
    DATA.write_text("{\n" + ",\n".join(lines) + "\n}\n")
