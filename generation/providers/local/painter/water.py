"""Water: the open sea, lakes and beaches with what is mirrored in them, and the world below the surface."""

from __future__ import annotations

import cv2
import numpy as np

from . import plants, relief
from .canvas import Canvas, Colour, mix, rgb
from .light import Light
from .noise import Array, Dice, fbm, line, smoothstep
from .scene import Scene
from .stage import Stage


def paint_sea(canvas: Canvas, scene: Scene, light: Light, dice: Dice, sun_x: float) -> Stage:
    """A lake with its far shore, the open sea, or a beach; land in front when something has to stand on it."""
    rng = dice.of("sea")
    kind = (
        scene.backdrop or ("forest" if rng.random() < 0.4 else "mountain") if scene.water == "lake" else scene.backdrop
    )
    if kind:
        relief.far_land(canvas, scene, light, dice, sun_x, kind)
    elif rng.random() < 0.75:
        relief.far_land(canvas, scene, light, dice, sun_x, "islands")
    walkers = any(wanted.subject.lives == "ground" and not wanted.rides for wanted in scene.subjects)
    walkers = walkers and not (len(scene.subjects) > 1 and scene.subjects[0].rides)
    shore = scene.water == "beach" or walkers
    surface(canvas, scene, light, dice, sun_x, calm=scene.water == "lake" and scene.weather not in ("storm", "wind"))
    if scene.weather == "storm" or (scene.weather == "wind" and scene.water != "lake"):
        _swell(canvas, dice.of("swell"), light)
    depth = canvas.height - canvas.horizon
    air = (canvas.horizon * 0.08, canvas.horizon * 0.80)
    near = canvas.height - min(depth * 0.16, canvas.unit * 0.08)
    if not shore:
        return Stage(water=(canvas.horizon + depth * 0.22, canvas.height - depth * 0.20), air=air)
    _bank(canvas, scene, light, dice, sandy=scene.water != "lake")
    floats = any(wanted.subject.lives == "water" for wanted in scene.subjects)
    return Stage(
        ground=(canvas.horizon + depth * 0.66, near),
        water=(canvas.horizon + depth * 0.12, canvas.horizon + depth * (0.42 if floats else 0.4)),
        air=air,
    )


def surface(canvas: Canvas, scene: Scene, light: Light, dice: Dice, sun_x: float, *, calm: bool) -> None:
    """Water from the horizon down: the mirrored sky, ripples that grow towards us, and the sun's path."""
    rng = dice.of("water")
    top, rows, columns = canvas.horizon, canvas.height - canvas.horizon, canvas.width
    if rows < 2:
        return
    ys = np.arange(rows, dtype=np.float32)[:, None]
    part = (ys + 1) / rows
    xs = np.arange(columns, dtype=np.float32)[None]
    # Perspective: the further down, the larger a wave.
    distance = 1.0 / (part * 0.92 + 0.08)
    tile = fbm(rng, 512, 512, cells=(24, 10), octaves=4, rough=0.55)
    scale = 512 / canvas.unit
    map_x = np.abs(((xs - columns / 2) * scale * (0.35 + 0.65 * distance) * 0.35 + 4096) % 1022 - 511)
    map_y = np.abs((distance * 190 + np.zeros_like(xs)) % 1022 - 511)
    wave = cv2.remap(tile, map_x.astype(np.float32), map_y.astype(np.float32), cv2.INTER_LINEAR) - 0.5

    amplitude = canvas.unit * (0.018 if calm else 0.05)
    source_y = np.clip(top - 2 - ys * min(1.0, top / rows) * 0.96 + wave * amplitude * 0.8 * part, 0, top - 1)
    source_x = np.clip(xs + wave * amplitude * (0.4 + part), 0, columns - 1)
    mirror = cv2.remap(canvas.pixels[:top], source_x.astype(np.float32), source_y.astype(np.float32), cv2.INTER_LINEAR)
    deep = light.lit(rgb("#12648f")) if not calm else light.lit(rgb("#1d6076"))
    clear = mix(light.lit(rgb("#3fb3c4")), light.sky[3], 0.25)
    if scene.weather in ("rain", "storm", "fog", "snow"):
        deep, clear = mix(deep, light.sky[2] * 0.6, 0.5), mix(clear, light.sky[3], 0.6)
    water = clear + (deep - clear) * smoothstep(0.0, 0.75, part)[..., None]
    keep = ((0.80 if calm else 0.50) - (0.25 if calm else 0.28) * part)[..., None]
    paint = water + (mirror - water) * keep
    crest = smoothstep(0.10, 0.16, wave) * (0.16 if calm else 0.26) * (0.35 + 0.65 * part)
    trough = smoothstep(0.10, 0.18, -wave) * (0.12 if calm else 0.2)
    paint += (mix(light.sky[3], rgb("#ffffff"), 0.25) - paint) * crest[..., None]
    paint += (deep * 0.7 - paint) * trough[..., None]
    if scene.weather in ("storm", "wind"):
        paint += (light.lit(rgb("#eef6fa")) - paint) * (smoothstep(0.2, 0.24, wave) * 0.7 * part)[..., None]
    path = light.glow * light.disc * (1.0 if light.elevation < 0.5 else 0.55)
    if path > 0.05:
        spread = canvas.unit * (0.045 + 0.16 * part)
        across = np.exp(-(((xs - sun_x) / spread) ** 2))
        glitter = across * (smoothstep(-0.02, 0.05, wave) * 0.85 + 0.10) * path
        paint += (mix(light.sun, rgb("#ffffff"), 0.15) - paint) * np.clip(glitter, 0, 0.95)[..., None]
    canvas.pixels[top:] = paint
    # A thin bright line where water meets the far shore.
    canvas.cover(np.full((max(1, round(canvas.unit / 400)), columns), 0.35, np.float32), light.sky[3], top)


def _swell(canvas: Canvas, rng: np.random.Generator, light: Light) -> None:
    """Great waves, one behind the other, with foam on their crests."""
    depth = canvas.height - canvas.horizon
    deep, clear = light.lit(rgb("#1c5676")), mix(light.lit(rgb("#5fa6b4")), light.sky[2], 0.25)
    foam = mix(light.lit(rgb("#f4fafc")), light.sky[3], 0.15)
    xs = np.arange(canvas.width, dtype=np.float32)
    for i in range(6):
        near = (i + 1) / 6
        y = canvas.horizon + depth * (0.04 + 0.86 * near**1.5)
        tall = canvas.unit * (0.018 + 0.075 * near)
        length = canvas.unit * (0.16 + 0.34 * near)
        phase = (xs / length + rng.random()) * np.pi
        phase = phase + 0.9 * line(rng, canvas.width, cells=2, octaves=2, rough=0.3)
        swell = (1 - np.abs(np.sin(phase))) ** 1.25 * (
            0.55 + 0.45 * line(rng, canvas.width, cells=3, octaves=2, rough=0.3)
        )
        ridge = (y - tall * swell).astype(np.float32)
        tone = mix(clear, deep, 0.35 + 0.5 * near)
        canvas.silhouette(ridge, mix(tone, clear, 0.35), deep * 0.9, canvas.unit * 0.16)
        thick = canvas.unit * (0.002 + 0.007 * near) * np.clip(swell * 1.7 - 0.35, 0, 1)
        rows = np.arange(canvas.height, dtype=np.float32)[:, None] - ridge[None]
        crest = np.clip(thick[None] - rows, 0, 1) * np.clip(rows + 1, 0, 1)
        canvas.cover((crest * 0.9).astype(np.float32), foam)


def _bank(canvas: Canvas, scene: Scene, light: Light, dice: Dice, *, sandy: bool) -> None:
    rng = dice.of("bank")
    depth = canvas.height - canvas.horizon
    slant = rng.uniform(-0.08, 0.08) * depth
    edge = canvas.horizon + depth * 0.56 + np.linspace(-slant, slant, canvas.width, dtype=np.float32)
    edge = edge + canvas.unit * 0.035 * (
        line(rng, canvas.width, cells=2 * canvas.width / canvas.unit, octaves=4, rough=0.35) - 0.5
    )
    if sandy:
        sand, wet = light.lit(rgb("#f1d9a5")), light.lit(rgb("#cfae7c"))
        foam = light.lit(rgb("#ffffff"))
        for offset, strength in ((0.055, 0.35), (0.018, 0.95)):
            wash = (
                edge
                - canvas.unit * offset
                + canvas.unit
                * 0.012
                * (line(rng, canvas.width, cells=5 * canvas.width / canvas.unit, octaves=3, rough=0.4) - 0.5)
            )
            band = np.arange(canvas.height, dtype=np.float32)[:, None] - wash[None].astype(np.float32)
            thick = canvas.unit * 0.010
            canvas.cover((np.clip(1 - np.abs(band) / thick, 0, 1) * strength).astype(np.float32), foam)
        canvas.silhouette(edge - canvas.unit * 0.008, wet, wet, 10)
        canvas.silhouette(edge + canvas.unit * 0.022, mix(wet, sand, 0.6), sand, canvas.unit * 0.05)
        relief.ground_texture(canvas, rng, int(edge.max() + canvas.unit * 0.03), 0.03)
        for _ in range(int(26 * canvas.width / canvas.unit)):
            x, y = rng.random() * canvas.width, rng.uniform(float(edge.max()) + canvas.unit * 0.04, canvas.height)
            canvas.disc(x, y, canvas.unit * rng.uniform(0.0015, 0.004), sand * 0.86, 0.8)
        return
    soil, grass = light.lit(rgb("#7d6a4a")), light.lit(rgb("#6aa352"))
    if scene.backdrop == "snow":
        soil, grass = light.lit(rgb("#b9c8de")), light.lit(rgb("#f1f6fd"))
    canvas.silhouette(edge - canvas.unit * 0.006, soil, soil, 10)
    canvas.silhouette(edge + canvas.unit * 0.008, mix(grass, light.sun, 0.15), grass * 0.9, canvas.unit * 0.2)
    relief.ground_texture(canvas, rng, int(edge.max() + 2), 0.05)
    if scene.backdrop != "snow":
        plants.grass(canvas, rng, float(edge.min()) + canvas.unit * 0.02, canvas.height, grass, many=1.5)
        flowers = [light.lit(rgb(code)) for code in ("#ffffff", "#ffd95a", "#c79bff")]
        plants.flowers(
            canvas, rng, float(edge.max()) + canvas.unit * 0.03, canvas.height, flowers, grass * 0.7, many=0.5
        )


def reeds(canvas: Canvas, scene: Scene, light: Light, stage: Stage, dice: Dice) -> None:
    """Reeds in one or both lower corners of a lake, in front of everything: they close the picture."""
    if scene.environment != "sea" or scene.water != "lake" or stage.ground:
        return
    rng = dice.of("reeds")
    green = light.lit(rgb("#3f7a52")) * 0.75
    blades: list[Array] = []
    heads: list[Array] = []
    for side in (0.0, 1.0) if rng.random() < 0.5 else (float(rng.integers(2)),):
        for _ in range(int(26 * min(2.0, canvas.width / canvas.unit))):
            x = (side + (1 - 2 * side) * abs(rng.normal(0, 0.055))) * canvas.width
            tall, lean = canvas.unit * rng.uniform(0.07, 0.2), rng.normal(0, 0.035) * canvas.unit
            y, wide = canvas.height + 2.0, canvas.unit * 0.004
            tip = np.array((x + lean, y - tall))
            blades.append(
                np.array(
                    [
                        (x - wide, y),
                        (x + wide, y),
                        (x + lean * 0.45 + wide * 0.7, y - tall * 0.6),
                        tip,
                        (x + lean * 0.45 - wide * 0.7, y - tall * 0.6),
                    ]
                )
            )
            if rng.random() < 0.2:
                h, w = canvas.unit * 0.035, canvas.unit * 0.006
                heads.append(np.array([np.add(tip, corner) for corner in ((-w, 0), (w, 0), (w, -h), (-w, -h))]))
    canvas.polygons(blades, green)
    canvas.polygons(heads, light.lit(rgb("#6b4630")))


def reflect(canvas: Canvas, picture: Array, x: int, y: int, rng: np.random.Generator) -> None:
    """Mirror a sticker (RGBA, standing at row y, left edge x) in the water below it, broken by ripples."""
    rows, columns = picture.shape[:2]
    height = int(rows * 0.75)
    if height < 2:
        return
    ys, xs = np.mgrid[0:height, 0:columns].astype(np.float32)
    sway = np.sin(ys / max(2.0, rows * 0.022) + rng.random() * 6) * columns * 0.012 * (0.4 + ys / height * 1.6)
    flipped = cv2.remap(
        picture, xs + sway.astype(np.float32), (rows - 1) - ys / 0.75, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    fade = np.linspace(0.55, 0.05, height, dtype=np.float32)[:, None]
    stripes = 0.75 + 0.25 * np.sin(ys / max(1.5, rows * 0.03))
    canvas.cover(flipped[..., 3] * fade * stripes, flipped[..., :3] * 0.88, y, x)


def waterline(canvas: Canvas, x: float, y: float, width: float, light: Light) -> None:
    """Ripples around something that floats at (x, y)."""
    for spread, lower, strength in ((0.56, 0.006, 0.55), (0.40, 0.030, 0.28), (0.62, 0.045, 0.2)):
        half = width * spread
        thick = max(1.2, width * 0.010)
        rows, columns = int(thick * 2 + 3), int(half * 2 + 4)
        ys, xs = np.mgrid[0:rows, 0:columns].astype(np.float32)
        mask = np.clip(1 - ((xs - columns / 2) / half) ** 2 - ((ys - rows / 2) / thick) ** 2, 0, 1)
        canvas.cover(
            mask * strength,
            mix(light.sky[3], rgb("#ffffff"), 0.4),
            int(y + width * lower - rows / 2),
            int(x - columns / 2),
        )


def paint_underwater(canvas: Canvas, scene: Scene, light: Light, dice: Dice, sun_x: float) -> Stage:
    """Below the surface: rays from above, far rocks, a bed of sand with corals and weed, bubbles."""
    rng = dice.of("underwater")
    night = light.dark
    shades = ("#0b2f5c", "#08406e", "#0a5a85", "#0d3f63") if night else ("#8fe6e8", "#35b5d2", "#1478b4", "#0b4f8c")
    colours = [rgb(code) for code in shades]
    canvas.gradient([(0, colours[0]), (0.22, colours[1]), (0.62, colours[2]), (1, colours[3])], 0, canvas.height)
    canvas.glow(sun_x, -canvas.unit * 0.05, canvas.unit * 0.35, rgb("#f2fffb"), 0.7 if not night else 0.25)
    for _ in range(8):
        x, lean, wide = (
            sun_x + rng.normal(0, 0.18) * canvas.width,
            rng.normal(0, 0.30) * canvas.unit,
            canvas.unit * rng.uniform(0.015, 0.06),
        )
        ray = np.array(
            [
                (x - wide * 0.4, -5),
                (x + wide * 0.4, -5),
                (x + lean + wide * 2, canvas.height * 0.85),
                (x + lean - wide * 2, canvas.height * 0.85),
            ]
        )
        canvas.polygons([ray], rgb("#dffcf6"), 0.09)
    bed = canvas.height - min(canvas.height * 0.24, canvas.unit * 0.30)
    for i in range(3):
        ridge = (
            bed
            + canvas.unit * (0.06 * i - 0.02)
            - canvas.unit
            * (0.22 - 0.06 * i)
            * line(rng, canvas.width, cells=2.5 * canvas.width / canvas.unit, octaves=5, rough=0.5) ** 1.6
        )
        tone = mix(mix(rgb("#2f6f8f"), rgb("#174a70"), i / 2), colours[2], 0.62 - 0.22 * i)
        canvas.silhouette(ridge, tone, mix(tone, colours[3], 0.3), canvas.unit * 0.2)
    sand = mix(rgb("#e8d6a0"), colours[2], 0.42 if not night else 0.72)
    ridge = bed + canvas.unit * 0.09 - canvas.unit * 0.05 * line(rng, canvas.width, cells=2, octaves=3, rough=0.3)
    canvas.silhouette(ridge, mix(sand, rgb("#ffffff"), 0.12), sand * 0.78, canvas.height - bed)
    rows = canvas.height - int(bed)
    caustics = fbm(rng, max(4, rows), canvas.width, cells=(6, 10 * canvas.width / canvas.unit), octaves=3)
    web = np.clip(1 - np.abs(caustics - 0.5) * 16, 0, 1) * np.clip(
        np.arange(max(4, rows), dtype=np.float32)[:, None] / rows * 2 - 0.6, 0, 1
    )
    canvas.cover(web[: canvas.height - int(bed)] * 0.25, rgb("#f5ffe8"), int(bed))
    _weed(canvas, rng, ridge, colours[2])
    for _ in range(int(34 * canvas.width / canvas.unit)):
        x, y, radius = (
            rng.random() * canvas.width,
            rng.random() * canvas.height * 0.9,
            canvas.unit * rng.uniform(0.002, 0.010),
        )
        canvas.disc(x, y, radius, rgb("#e4ffff"), 0.25)
        canvas.disc(x - radius * 0.3, y - radius * 0.3, radius * 0.35, rgb("#ffffff"), 0.7)
    return Stage(
        ground=(bed + canvas.unit * 0.12, canvas.height - canvas.unit * 0.04),
        water=None,
        air=(canvas.height * 0.12, bed - canvas.unit * 0.02),
        afloat=True,
        shadow=0.22,
    )


def _weed(canvas: Canvas, rng: np.random.Generator, bed: Array, far: Colour) -> None:
    tones = [rgb("#2f9e6a"), rgb("#e0607e"), rgb("#f0934a"), rgb("#8a63c9"), rgb("#3fae8f")]
    for side in (0.0, 1.0):
        for _ in range(int(9 * min(2.5, canvas.width / canvas.unit))):
            x = (side + (1 - 2 * side) * abs(rng.normal(0, 0.13))) * canvas.width
            y = float(bed[int(np.clip(x, 0, canvas.width - 1))]) + canvas.unit * rng.uniform(0.02, 0.14)
            colour = mix(tones[int(rng.integers(len(tones)))], far, rng.uniform(0.1, 0.4))
            tall, wide = canvas.unit * rng.uniform(0.07, 0.22), canvas.unit * 0.010
            if rng.random() < 0.5:
                steps = np.linspace(0, 1, 12)
                sway = np.sin(steps * 7 + rng.random() * 6) * wide * 1.6 * steps
                left = np.stack([x + sway - wide * (1 - steps), y - steps * tall], 1)
                right = np.stack([x + sway + wide * (1 - steps), y - steps * tall], 1)
                canvas.polygons([np.concatenate([left, right[::-1]])], colour)
                continue
            for _ in range(6):
                angle, length = rng.normal(0, 0.45), tall * rng.uniform(0.4, 0.75)
                tip = np.array((x + np.sin(angle) * length, y - np.cos(angle) * length))
                foot = np.array((x, y))
                across = np.array((np.cos(angle), np.sin(angle))) * wide
                canvas.polygons(
                    [np.array([foot - across, foot + across, tip + across * 0.8, tip - across * 0.8])], colour
                )
                canvas.disc(float(tip[0]), float(tip[1]), wide * 0.95, colour)
