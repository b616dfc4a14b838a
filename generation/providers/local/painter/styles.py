"""Styles: what turns the flat illustration into a watercolour, an oil painting, a drawing in pencil or ink, pixel art,
or into areas of one colour each (`areas`)."""

from __future__ import annotations

import math

import cv2
import numpy as np

from . import areas
from .canvas import Canvas, rgb
from .noise import Array, Dice, fbm, smoothstep


def finish(canvas: Canvas, style: str, dice: Dice) -> Array:
    """The finished picture as uint8 RGB."""
    rng = dice.of("style")
    picture = np.clip(canvas.pixels, 0, 1, out=canvas.pixels)
    match style:
        case "watercolour":
            done = _watercolour(canvas, picture, rng)
        case "oil":
            done = _oil(canvas, picture, rng)
        case "pencil":
            done = _pencil(canvas, picture, rng)
        case "ink":
            done = _ink(canvas, picture, rng)
        case "pixel":
            return _pixel(picture)
        case "comic":
            done = areas.comic(canvas, picture)
        case "glass":
            done = areas.glass(canvas, picture, rng)
        case "polygons":
            done = areas.polygons(canvas, picture, rng)
        case _:
            done = _illustration(canvas, picture, rng)
    return _bytes(done)


def _bytes(picture: Array) -> Array:
    """uint8 of 0..1, without another array of floats beside it."""
    rows = max(1, 1_000_000 // picture.shape[1])
    done = np.empty(picture.shape, np.uint8)
    for top in range(0, len(picture), rows):
        done[top : top + rows] = np.clip(picture[top : top + rows] * 255 + 0.5, 0, 255)
    return done


def _places(canvas: Canvas) -> tuple[Array, Array]:
    """(y of each row, x of each column) as arrays that broadcast to the whole canvas."""
    ys = np.arange(canvas.height, dtype=np.float32)[:, None]
    return ys, np.arange(canvas.width, dtype=np.float32)[None]


def _on_paper(paint: Array, paper: Array, tooth: Array, cover: Array) -> Array:
    """`paint` over paper of the colour `paper` and the grain `tooth`, as thick as `cover` (0..1) says."""
    done = paper * (1 + tooth[..., None])
    done += (paint - done) * cover[..., None]
    return done


def _illustration(canvas: Canvas, picture: Array, rng: np.random.Generator) -> Array:
    """A little more contrast and colour, corners a shade darker, a breath of grain against banding."""
    grey = picture.mean(2, keepdims=True)
    picture = grey + (picture - grey) * 1.06
    ys = np.linspace(-1, 1, canvas.height, dtype=np.float32)[:, None] ** 2
    xs = np.linspace(-1, 1, canvas.width, dtype=np.float32)[None] ** 2
    picture *= (1 - 0.10 * smoothstep(0.6, 2.0, ys + xs))[..., None]
    tile = (rng.random((256, 256), dtype=np.float32) - 0.5) * (2.4 / 255)
    grain = np.tile(tile, (canvas.height // 256 + 1, canvas.width // 256 + 1))[: canvas.height, : canvas.width]
    return picture + grain[..., None]


def _paper(canvas: Canvas, rng: np.random.Generator) -> Array:
    """The tooth of paper, around 0."""
    side = int(np.clip(max(canvas.width, canvas.height), 64, 512))
    tile = fbm(rng, side, side, cells=(side / 9, side / 9), octaves=3, rough=0.7) - 0.5
    full = np.tile(tile, (canvas.height // side + 1, canvas.width // side + 1))
    return full[: canvas.height, : canvas.width]


def _watercolour(canvas: Canvas, picture: Array, rng: np.random.Generator) -> Array:
    """Washes with wandering edges, dark where the pigment gathered, on paper that shows."""
    height, width = canvas.height, canvas.width
    unit = canvas.unit
    wander = unit * 0.010
    dx = cv2.resize(
        fbm(rng, max(8, height // 4), max(8, width // 4), cells=(14 * height / unit, 14 * width / unit), octaves=3)
        - 0.5,
        (width, height),
    )
    dy = cv2.resize(
        fbm(rng, max(8, height // 4), max(8, width // 4), cells=(14 * height / unit, 14 * width / unit), octaves=3)
        - 0.5,
        (width, height),
    )
    ys, xs = _places(canvas)
    flowed = cv2.remap(
        _bytes(picture), xs + dx * wander, ys + dy * wander, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    size = max(3, int(unit * 0.007) | 1)
    washes = cv2.medianBlur(flowed, min(size, 11)).astype(np.float32) / np.float32(255)
    # Pigment gathers at edges.
    edges = np.abs(washes - cv2.GaussianBlur(washes, (0, 0), max(0.8, unit * 0.005))).max(2)
    gathered = smoothstep(0.02, 0.20, edges)[..., None] * 0.36
    blooms = cv2.resize(
        fbm(rng, max(8, height // 4), max(8, width // 4), cells=(5 * height / unit, 5 * width / unit), octaves=4),
        (width, height),
    )
    tooth = _paper(canvas, rng)
    # Thin paint: lighter than the illustration, the paper's white shines through.
    pigment = washes
    pigment -= 1
    pigment *= (0.76 + 0.50 * (blooms - 0.5)[..., None]) * (1 + gathered)
    pigment += 1
    pigment *= 1 + (tooth * 0.13 * (0.25 + (1 - pigment.mean(2))))[..., None]
    border = unit * 0.035
    inset = (
        np.minimum(np.minimum(xs, width - 1 - xs), np.minimum(ys, height - 1 - ys))
        + (dx + dy) * border * 0.7
        + tooth * unit * 0.006
    )
    painted = smoothstep(border * 0.75, border * 0.95, inset)
    rim = smoothstep(border * 0.75, border * 0.95, inset) - smoothstep(border * 0.95, border * 1.5, inset)
    pigment *= 1 - 0.14 * rim[..., None]
    return _on_paper(pigment, rgb("#fbf8f0"), tooth * 0.05, painted)


def _oil(canvas: Canvas, picture: Array, rng: np.random.Generator) -> Array:
    """Brush strokes in three sizes that follow the forms, fine ones only where there is detail, lit as if in relief."""
    height, width, unit = canvas.height, canvas.width, canvas.unit
    small = _bytes(picture)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    smooth = cv2.GaussianBlur(grey, (0, 0), max(1.0, unit * 0.006)).astype(np.float32)
    gx, gy = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    gxx, gyy, gxy = (cv2.GaussianBlur(part, (0, 0), max(1.0, unit * 0.012)) for part in (gx * gx, gy * gy, gx * gy))
    direction = 0.5 * np.arctan2(2 * gxy, gxx - gyy) + np.pi / 2  # along the edges
    strength = np.sqrt(gxx + gyy)
    swirl = (cv2.resize(fbm(rng, 32, 32, cells=(3, 3), octaves=2), (width, height)) - 0.5) * 3.0
    detail = cv2.GaussianBlur(np.abs(grey.astype(np.float32) - smooth), (0, 0), max(1.0, unit * 0.004))
    paint = cv2.GaussianBlur(small, (0, 0), max(1.0, unit * 0.008))
    relief = np.full((height, width), 128, np.uint8)
    for radius, step, threshold in ((0.0130, 0.85, 0.0), (0.0062, 1.0, 0.9), (0.0028, 1.25, 4.5)):
        r = max(1.0, radius * unit)
        pitch = max(2, int(r * step))
        blurred = cv2.GaussianBlur(small, (0, 0), max(0.5, r * 0.45))
        ys, xs = np.mgrid[pitch // 2 : height : pitch, pitch // 2 : width : pitch]
        ys = np.clip(ys.ravel() + rng.integers(-pitch, pitch + 1, ys.size), 0, height - 1)
        xs = np.clip(xs.ravel() + rng.integers(-pitch, pitch + 1, xs.size), 0, width - 1)
        order = rng.permutation(ys.size)
        ys, xs = ys[order], xs[order]
        keep = detail[ys, xs] >= threshold
        ys, xs = ys[keep], xs[keep]
        angle = np.where(strength[ys, xs] > 3.0, direction[ys, xs], swirl[ys, xs])
        length = r * rng.uniform(1.6, 3.0, ys.size)
        tone = np.clip(blurred[ys, xs].astype(np.int16) + rng.integers(-9, 10, (ys.size, 1)), 0, 255)
        lift = rng.integers(70, 190, ys.size)
        ends = np.stack(
            [
                xs - np.cos(angle) * length,
                ys - np.sin(angle) * length,
                xs + np.cos(angle) * length,
                ys + np.sin(angle) * length,
            ],
            1,
        )
        thick = max(1, round(r * 1.25))
        for (x0, y0, x1, y1), colour, height_of in zip(
            np.round(ends).astype(int).tolist(), tone.tolist(), lift.tolist(), strict=True
        ):
            cv2.line(paint, (x0, y0), (x1, y1), colour, thick)
            cv2.line(relief, (x0, y0), (x1, y1), height_of, thick)
        canvas.check()
    bristles = fbm(rng, height, width, cells=(90 * height / unit, 90 * width / unit), octaves=2) - 0.5
    bump = cv2.GaussianBlur(relief.astype(np.float32) / 255 + bristles * 0.25, (0, 0), max(0.5, unit * 0.0011))
    light = (np.roll(bump, 1, 0) - np.roll(bump, -1, 0) + np.roll(bump, 1, 1) - np.roll(bump, -1, 1)) * -0.16
    done = cv2.GaussianBlur(paint, (0, 0), 0.7).astype(np.float32) / 255
    grey_done = done.mean(2, keepdims=True)
    return (grey_done + (done - grey_done) * 1.12) * (1 + np.clip(light, -0.14, 0.16)[..., None])


def _pencil(canvas: Canvas, picture: Array, rng: np.random.Generator) -> Array:
    """Outlines and hatching in graphite; tones are evened out first, so that a night is as rich as a day."""
    height, width, unit = canvas.height, canvas.width, canvas.unit
    small = _bytes(picture)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    cells = max(2, min(6, min(height, width) // 96))
    even = cv2.createCLAHE(2.2, (cells, cells)).apply(grey).astype(np.float32) / 255
    low, high = (float(level) for level in np.percentile(even[::4, ::4], (2, 96)))
    even = np.clip((even - low) / max(0.05, high - low), 0, 1)
    # A night is drawn on white paper like a day: its middle tone is lifted to the paper's.
    middle = float(np.median(even[::4, ::4]))
    even = even ** float(np.clip(np.log(0.62) / np.log(np.clip(middle, 0.05, 0.95)), 0.45, 1.3))
    soft = cv2.GaussianBlur(grey, (0, 0), max(0.6, unit * 0.0016)).astype(np.float32)
    colour = cv2.GaussianBlur(small, (0, 0), max(0.6, unit * 0.0012))
    gradient = np.maximum.reduce(
        [
            np.hypot(cv2.Sobel(colour[..., i], cv2.CV_32F, 1, 0), cv2.Sobel(colour[..., i], cv2.CV_32F, 0, 1))
            for i in range(3)
        ]
    )
    outline = smoothstep(28, 120, gradient)
    dodge = np.clip(soft / np.maximum(1.0, cv2.GaussianBlur(soft, (0, 0), max(1.0, unit * 0.006))), 0, 1)
    outline = np.maximum(outline, smoothstep(0.02, 0.25, 1 - dodge) * 0.7)
    ys, xs = _places(canvas)
    sway = cv2.resize(fbm(rng, 64, 64, cells=(5, 5), octaves=2), (width, height)) * unit * 0.05
    pressure = 0.75 + 0.5 * cv2.resize(
        fbm(rng, max(8, height // 3), max(8, width // 3), cells=(40 * height / unit, 40 * width / unit), octaves=2),
        (width, height),
    )
    pitch = max(2.2, unit * 0.0062)
    shade = np.zeros((height, width), np.float32)
    for angle, start in ((0.80, 0.80), (-0.72, 0.52), (0.12, 0.32), (1.5, 0.18)):
        stroke = np.sin(((xs * math.cos(angle) + ys * math.sin(angle)) + sway) * (2 * math.pi / pitch))
        need = smoothstep(start, max(0.0, start - 0.42), even)
        shade = np.maximum(shade, smoothstep(0.75 - 1.1 * need, 1.05 - 0.6 * need, stroke) * need * 0.62 * pressure)
    smear = smoothstep(0.95, 0.1, cv2.GaussianBlur(even, (0, 0), max(0.8, unit * 0.003))) * 0.26
    graphite = np.clip(np.maximum(outline * 0.85, shade * 0.85) + smear, 0, 1)
    tooth = _paper(canvas, rng)
    graphite *= np.clip(1 + tooth * 0.9, 0, 1.4)
    inset = np.minimum(np.minimum(xs, width - 1 - xs), np.minimum(ys, height - 1 - ys)) + (sway - sway.mean()) * 0.25
    graphite *= smoothstep(unit * 0.012, unit * 0.05, inset)
    lead = np.broadcast_to(rgb("#34343c"), (height, width, 3))
    return _on_paper(lead, rgb("#f6f2e8"), tooth * 0.03, np.clip(graphite, 0, 0.94))


def _ink(canvas: Canvas, picture: Array, rng: np.random.Generator) -> Array:
    """Ink wash: a few thinned tones that bleed into rice paper, dry strokes along the forms, a breath of their colour,
    and the painter's red seal."""
    height, width, unit = canvas.height, canvas.width, canvas.unit
    small = _bytes(picture)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    even = cv2.createCLAHE(1.6, (3, 3)).apply(grey).astype(np.float32) / 255
    low, high = (float(level) for level in np.percentile(even[::4, ::4], (2, 92)))
    even = np.clip((even - low) / max(0.05, high - low), 0, 1)
    # A night is painted on pale paper like a day: its middle tone is lifted.
    middle = float(np.median(even[::4, ::4]))
    even = even ** float(np.clip(np.log(0.70) / np.log(np.clip(middle, 0.05, 0.95)), 0.35, 1.2))
    wander = cv2.resize(
        fbm(rng, max(8, height // 4), max(8, width // 4), cells=(10 * height / unit, 10 * width / unit), octaves=4),
        (width, height),
    )
    ys, xs = _places(canvas)
    bleed = (wander - 0.5) * unit * 0.03
    tones = cv2.remap(even, xs + bleed, ys - bleed, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    tones = cv2.medianBlur(_grey_bytes(tones), max(3, min(11, int(unit * 0.012) | 1))).astype(np.float32) / 255
    wash = np.zeros((height, width), np.float32)
    for start, thick in ((0.80, 0.16), (0.58, 0.20), (0.38, 0.24), (0.20, 0.26)):
        wash += thick * smoothstep(start + 0.07, start - 0.07, tones + (wander - 0.5) * 0.16)
    wash *= 0.75 + 0.5 * wander
    rim = cv2.GaussianBlur(wash, (0, 0), max(0.8, unit * 0.004))
    wash += np.clip(wash - rim, 0, 1) * 0.6  # ink gathers at the edge of a wash
    colour = cv2.GaussianBlur(small, (0, 0), max(0.8, unit * 0.002)).astype(np.float32)
    gradient = np.maximum.reduce(
        [
            np.hypot(cv2.Sobel(colour[..., i], cv2.CV_32F, 1, 0), cv2.Sobel(colour[..., i], cv2.CV_32F, 0, 1))
            for i in range(3)
        ]
    )
    line = cv2.GaussianBlur(smoothstep(30, 120, gradient), (0, 0), max(0.6, unit * 0.0014))
    dry = smoothstep(0.30, 0.55, cv2.resize(fbm(rng, 256, 256, cells=(60, 22), octaves=3), (width, height)))
    line = line * (0.35 + 0.65 * dry) * (0.45 + 0.9 * (1 - even))
    tooth = _paper(canvas, rng)
    ink = np.clip(wash * 0.8 + line * 0.85, 0, 0.93) * np.clip(1 + tooth * 0.5, 0.4, 1.3)
    inset = np.minimum(np.minimum(xs, width - 1 - xs), np.minimum(ys, height - 1 - ys)) + bleed * 2
    ink = np.clip(ink, 0, 0.95) * smoothstep(unit * 0.01, unit * 0.09, inset)
    soft = cv2.GaussianBlur(picture, (0, 0), max(1.0, unit * 0.006))
    hue = soft - soft.mean(2, keepdims=True)
    done = _on_paper(rgb("#26262b") + hue * 0.55, rgb("#f4efe2"), tooth * 0.04, ink)
    done += hue * (0.28 * smoothstep(0.0, 0.5, ink))[..., None]
    return _sealed(canvas, done, tooth, rng)


def _sealed(canvas: Canvas, done: Array, tooth: Array, rng: np.random.Generator) -> Array:
    """With a square seal in a lower corner: strokes of the stone's ground in red, a little worn."""
    side = max(8, round(canvas.unit * 0.055))
    if min(canvas.height, canvas.width) < 6 * side // 2:
        return done
    stone = np.ones((side, side), np.float32)
    edge, stroke = max(1, side // 12), max(1, side // 11)
    stone[edge : edge + stroke // 2 + 1, edge:-edge] = stone[-edge - stroke // 2 - 1 : -edge, edge:-edge] = 0
    for column in (side // 4, side // 2, 3 * side // 4):
        top = int(rng.integers(2, 4)) * edge + stroke
        stone[top : side - top, column - stroke // 2 : column + stroke // 2 + 1] = 0
    for row in rng.choice(np.arange(2, 6), 2, replace=False):
        at = int(row) * side // 7
        stone[at : at + stroke, side // 5 : -side // 5] = 0
    top, left = canvas.height - round(side * 1.9), canvas.width - round(side * 1.9)
    part = (slice(top, top + side), slice(left, left + side))
    worn = np.clip(1 + tooth[part] * 1.2, 0, 1) * cv2.GaussianBlur(stone, (0, 0), 0.6) * 0.9
    done[part] += (rgb("#b3261e") - done[part]) * worn[..., None]
    return done


def _grey_bytes(grey: Array) -> Array:
    return np.clip(grey * 255 + 0.5, 0, 255).astype(np.uint8)


def _pixel(picture: Array) -> Array:
    """Large pixels in a palette of 40 colours, a step of dithering in gradients."""
    from PIL import Image

    height, width = picture.shape[:2]
    block = max(
        1, round(min(width, height) / 128 if max(width, height) < 3 * min(width, height) else max(width, height) / 384)
    )
    columns, rows = max(16, width // block), max(16, height // block)
    small = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA)
    grey = small.mean(2, keepdims=True)
    small = np.clip(grey + (small - grey) * 1.18, 0, 1)
    bayer = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32) / 16 - 0.47
    pattern = np.tile(bayer, (rows // 4 + 1, columns // 4 + 1))[:rows, :columns, None]
    dithered = np.clip(small + pattern * 0.035, 0, 1)
    image = Image.fromarray((dithered * 255).astype(np.uint8)).quantize(
        40, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
    )
    return np.asarray(image.convert("RGB").resize((width, height), Image.Resampling.NEAREST))
