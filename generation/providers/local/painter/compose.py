"""Composition: where the things of a scene stand, and how large they are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from . import icons
from .canvas import Canvas
from .noise import Array, Dice
from .reading import MOST_OF_ONE
from .scene import Scene, Wanted
from .stage import Stage

_SMALLEST = 6  # pixels; nothing is drawn smaller


_MOTLEY = ("red", "orange", "yellow", "green", "turquoise", "blue", "purple", "pink", "")


@dataclass(frozen=True, slots=True)
class Placed:
    """One sticker of the picture: its foot is at (x, y), it is `width` wide; all in pixels."""

    wanted: Wanted
    icon: str
    colour: str
    x: float
    y: float
    width: float
    place: str  # ground, water, air
    mirrored: bool = False
    turned: float = 0.0  # degrees

    @property
    def height(self) -> float:
        return self.width * icons.height(self.icon)


def compose(canvas: Canvas, scene: Scene, stage: Stage, dice: Dice, focus: float) -> list[Placed]:
    """Everything that was asked for, placed, the farthest first. `focus` (0..1) is where a lone subject stands."""
    rng = dice.of("composition")
    if scene.close:
        stage = replace(stage, close=stage.close * 1.4)
    groups: dict[str, list[Wanted]] = {"ground": [], "water": [], "air": []}
    riders: dict[int, Wanted] = {}
    for i, wanted in enumerate(scene.subjects):
        if wanted.rides and i + 1 < len(scene.subjects):
            riders[i + 1] = wanted
        else:
            groups[_place(wanted, scene, stage)].append(wanted)
    placed: list[Placed] = []
    for place, listed in groups.items():
        if listed:
            placed += _spread(canvas, stage, rng, place, listed, focus, crowded=sum(map(bool, groups.values())) > 1)
    for i, rider in riders.items():
        mount = next((p for p in placed if p.wanted is scene.subjects[i]), None)
        if mount is not None:
            placed.append(_mounted(rng, rider, mount))
    return sorted(placed, key=lambda p: (p.place != "air", p.y, p.x))


def _number(wanted: Wanted) -> int:
    """How many stickers `wanted` is painted as."""
    return min(MOST_OF_ONE, wanted.count * wanted.subject.group)


def _place(wanted: Wanted, scene: Scene, stage: Stage) -> str:
    lives = wanted.subject.lives
    if lives == "deep":
        return "air" if stage.afloat else "water" if stage.water else "ground"
    if lives == "water":
        return "water" if stage.water else "air" if stage.afloat else "ground"
    if lives == "space":
        return "air" if stage.afloat or wanted.subject.name != "astronaut" else "ground"
    if lives == "air":
        return "air"
    return "ground" if stage.ground else "air" if stage.afloat else "water" if stage.water else "ground"


def _diameter(canvas: Canvas, stage: Stage, wanted: Wanted, place: str, total: int, crowded: bool) -> float:
    """The mean of width and height of one of `wanted`, in pixels, when `total` things share the place."""
    base = {"ground": 0.46, "water": 0.40, "air": 0.34}[place]
    share = total**-0.30 if total > 1 else 1.0
    return (
        canvas.unit * base * float(np.clip(wanted.subject.size, 0.3, 2.2)) ** 0.55 * share * (0.88 if crowded else 1.0)
    )


def _spread(
    canvas: Canvas,
    stage: Stage,
    rng: np.random.Generator,
    place: str,
    listed: list[Wanted],
    focus: float,
    crowded: bool,
) -> list[Placed]:
    """The groups of one place side by side, each a little formation."""
    band = stage.ground if place == "ground" else stage.water if place == "water" else stage.air
    if place == "ground" and band is None:
        band = stage.air
    assert band is not None
    far, near = band
    total = sum(min(_number(wanted), 12) for wanted in listed if not (_sown(wanted) and len(listed) > 1)) or 1
    # Groups need room by their number and size; large things stand behind small ones.
    needs = [
        _diameter(canvas, stage, wanted, place, total, crowded)
        * (0.1 if _sown(wanted) and len(listed) > 1 else max(1.0, _number(wanted) ** 0.62))
        for wanted in listed
    ]
    order = list(range(len(listed)))
    if focus > 0.5:
        order.reverse()
    room = canvas.width * 0.92
    squeeze = min(1.0, room / (sum(needs) * 1.02))
    if len(listed) == 1:
        centres = {0: canvas.width * (focus if needs[0] < canvas.width * 0.55 else 0.5 + (focus - 0.5) * 0.25)}
    else:
        gap = (canvas.width - sum(needs) * squeeze) / (len(listed) + 1)
        centres, x = {}, gap
        for i in order:
            centres[i] = x + needs[i] * squeeze / 2
            x += needs[i] * squeeze + gap
    placed: list[Placed] = []
    tallest = max(wanted.subject.size for wanted in listed)
    for i, wanted in enumerate(listed):
        size = _diameter(canvas, stage, wanted, place, total, crowded) * max(0.45, squeeze)
        back = 0.0 if len(listed) == 1 else min(1.0, wanted.subject.size / tallest) ** 2
        if place == "ground":
            # One thing alone stands in the lower third; beside others great things step back.
            y = near - (near - far) * (0.24 if len(listed) == 1 else 0.12 + 0.55 * back + rng.uniform(-0.05, 0.05))
            if wanted.subject.size >= 1.15:
                y -= (near - far) * 0.25
        elif place == "water":
            y = far + (near - far) * (0.62 if len(listed) == 1 else 0.35 + 0.5 * (i % 2))
        else:
            y = far + (near - far) * (
                rng.uniform(0.38, 0.55) if len(listed) == 1 else 0.25 + 0.4 * ((i + 0.5) % 2) + rng.uniform(0, 0.2)
            )
        if _sown(wanted) and len(listed) > 1:
            placed += _strewn(canvas, rng, wanted, size * 0.8, (far, near))
            continue
        placed += _formation(canvas, rng, wanted, place, centres[i], y, size, needs[i] * squeeze, (far, near), stage)
    return placed


def _formation(
    canvas: Canvas,
    rng: np.random.Generator,
    wanted: Wanted,
    place: str,
    x: float,
    y: float,
    size: float,
    room: float,
    band: tuple[float, float],
    stage: Stage,
) -> list[Placed]:
    """A group of equal things around (x, y): staggered, no two alike in size, most looking one way."""
    icon = wanted.subject.icons[int(rng.integers(len(wanted.subject.icons)))]
    ratio = icons.height(icon)
    width = size / ratio**0.5
    far, near = band
    mirrored = rng.random() < 0.5
    # Things seen from the side look towards the middle.
    if wanted.subject.faces:
        looks_left = (wanted.subject.faces == "left") != mirrored
        if (x < canvas.width / 2) == looks_left:
            mirrored = not mirrored
    count = _number(wanted)
    aspect = canvas.width / canvas.height
    offsets = _offsets(rng, count, place, aspect)
    spacing = (1.02 if place == "water" else 1.3 if place == "air" else 1.12 if wanted.count > 3 else 1.0) * width
    spread_x = np.ptp(offsets[:, 0]) if count > 1 else 0.0
    limit = canvas.width * 0.92 if count > 2 else max(room, width)
    if spread_x * spacing + width > limit:
        shrink = max(0.35, limit / (spread_x * spacing + width))
        width, spacing = width * shrink, spacing * shrink
    placed = []
    for i, (dx, dy) in enumerate(offsets):
        px = x + dx * spacing
        height = width * ratio
        step = {
            "ground": 0.42 * min(height, near - far),
            "water": 0.62 * min(height, (near - far) * 0.8),
            "air": 1.05 * height,
        }[place]
        py = y + dy * step
        if place == "air":
            scale = rng.uniform(0.82, 1.12) if count > 1 else 1.0
            py += height / 2
        else:
            py = float(np.clip(py, far, near))
            scale = (0.74 + 0.34 * (py - far) / max(1.0, near - far)) * (rng.uniform(0.94, 1.06) if count > 1 else 1.0)
        w = max(_SMALLEST, width * scale)
        h = w * ratio
        # Everything stays inside the picture.
        if w > canvas.width * 0.92 or h > canvas.height * 0.92:
            fit = min(canvas.width * 0.92 / w, canvas.height * 0.92 / h)
            w, h = w * fit, h * fit
        px = float(np.clip(px, w * 0.5 + canvas.width * 0.02, canvas.width * 0.98 - w * 0.5))
        py = float(np.clip(py, h * 1.04, canvas.height - canvas.height * 0.01))
        flip = mirrored if i == 0 or rng.random() > 0.22 else not mirrored
        turned = (
            rng.uniform(-14, 14)
            if place == "air" and stage.afloat
            else rng.uniform(-4, 4)
            if place == "air" and count > 1
            else 0.0
        )
        placed.append(Placed(wanted, icon, _colour(rng, wanted), px, py, w, place, flip, turned))
    return placed


def _sown(wanted: Wanted) -> bool:
    """Whether many small plants, which stand about rather than in a group of their own."""
    return wanted.count >= 4 and wanted.subject.size < 0.6 and wanted.subject.home == "field"


def _strewn(
    canvas: Canvas, rng: np.random.Generator, wanted: Wanted, size: float, band: tuple[float, float]
) -> list[Placed]:
    far, near = band
    placed: list[Placed] = []
    for _ in range(wanted.count):
        icon = wanted.subject.icons[int(rng.integers(len(wanted.subject.icons)))]
        spots = rng.random((12, 2))
        # Of some spots the one farthest from its likes, and rather at the sides.
        away = [
            min((abs(x * canvas.width - p.x) + abs(far + y * (near - far) - p.y) for p in placed), default=0.0)
            + canvas.unit * 0.5 * abs(x - 0.5)
            for x, y in spots
        ]
        x, y = spots[int(np.argmax(away))]
        foot = far + (near - far) * (0.25 + 0.75 * y)
        width = max(_SMALLEST, size * rng.uniform(0.8, 1.1) * (0.6 + 0.4 * y) / icons.height(icon) ** 0.5)
        x = float(np.clip(x * canvas.width, width * 0.55, canvas.width - width * 0.55))
        placed.append(Placed(wanted, icon, _colour(rng, wanted), x, foot, width, "ground", rng.random() < 0.5))
    return placed


def _colour(rng: np.random.Generator, wanted: Wanted) -> str:
    """What one of `wanted` is repainted in; "" leaves its own colour."""
    chance = int(rng.integers(len(_MOTLEY)))
    if wanted.colour:
        return "" if wanted.colour in wanted.subject.own else wanted.colour
    return _MOTLEY[chance] if wanted.subject.varied and _number(wanted) > 1 else ""


def _offsets(rng: np.random.Generator, count: int, place: str, aspect: float) -> Array:
    """(x, y) of each of `count` things in widths of one, around (0, 0): rows that gape, never a grid."""
    if count == 1:
        return np.zeros((1, 2))
    if count == 2:
        return np.array([(-0.58, -0.22), (0.58, 0.22)]) * (1, rng.choice([-1, 1]))
    if count == 3:
        return np.array([(-1.0, -0.15), (0.06, 0.55), (1.02, -0.55)]) * (rng.choice([-1, 1]), 1)
    rows = 2 if count <= 7 else 3 if count <= 12 else 4
    if aspect > 2.5:
        rows = max(1, rows - 1)
    elif aspect < 0.5:
        rows = min(count, rows * 2)
    per_row = [count // rows + (1 if i < count % rows else 0) for i in range(rows)]
    loose = 0.16 if place == "air" else 0.08
    points = []
    for i, many in enumerate(per_row):
        # Rows of as many stand in each other's gaps; others do so anyway.
        shift = (0.26 if i % 2 else -0.26) if many % 2 == per_row[i - 1] % 2 else 0.0
        for j in range(many):
            x, y = (j - (many - 1) / 2) * 1.06 + shift, i - (rows - 1) / 2
            points.append((x + rng.normal(0, loose), y + rng.normal(0, loose * 1.4)))
    return np.array(points)


def _mounted(rng: np.random.Generator, rider: Wanted, mount: Placed) -> Placed:
    """The rider on its mount: a little smaller, feet behind the mount's back."""
    icon = rider.subject.icons[int(rng.integers(len(rider.subject.icons)))]
    width = (
        mount.width
        * float(np.clip(0.62 * (rider.subject.size / mount.wanted.subject.size) ** 0.4, 0.3, 0.8))
        / icons.height(icon) ** 0.5
    )
    lift = 0.42 if mount.wanted.subject.lives == "ground" else 0.30
    side = -0.06 if mount.mirrored else 0.06
    return Placed(
        rider,
        icon,
        _colour(rng, rider),
        mount.x + side * mount.width,
        mount.y - mount.height * lift - 0.001,
        width,
        "air" if mount.place == "air" else "rider",
        mount.mirrored,
    )
