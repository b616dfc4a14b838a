"""Styles made of areas of one colour each: a comic's, those of a stained-glass window, and a mesh of triangles."""

from __future__ import annotations

import cv2
import numpy as np

from .canvas import Canvas, rgb
from .noise import Array, smoothstep


def comic(canvas: Canvas, picture: Array) -> Array:
    """Few steps of light, black outlines that swell where forms meet, dots where it is dark."""
    height, width, unit = canvas.height, canvas.width, canvas.unit
    flat = _quiet(picture, unit * 0.004)
    bright = flat.max(2, keepdims=True)
    # Steps of light only: steps of each channel would bring colours that are not there.
    steps = 5
    stepped = np.floor(bright * steps + 0.5) / steps
    colours = flat / np.maximum(bright, 1e-3) * (0.06 + 0.94 * stepped)
    grey = colours.mean(2, keepdims=True)
    colours = np.clip(grey + (colours - grey) * 1.45, 0, 1)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    pitch = max(4.0, unit / 110)
    turned = (xs + ys) / np.sqrt(2), (xs - ys) / np.sqrt(2)
    centre = [np.abs((part / pitch) % 1 - 0.5) * 2 for part in turned]
    away = np.sqrt(centre[0] ** 2 + centre[1] ** 2)
    shade = cv2.GaussianBlur(picture.mean(2), (0, 0), max(1.0, unit * 0.008))
    radius = np.clip((0.55 - shade) * 1.5, 0, 0.9)
    colours *= 1 - 0.30 * smoothstep(0.12, -0.12, away - radius)[..., None] * (radius > 0.05)[..., None]
    line = _outlines(flat, unit)
    return colours * (1 - line[..., None]) + rgb("#15131a") * line[..., None]


def glass(canvas: Canvas, picture: Array, rng: np.random.Generator) -> Array:
    """Panes of one colour, each lit from behind a little differently, in lead: the forms are cut out, and what is large
    is cut again, as glass must be."""
    height, width, unit = canvas.height, canvas.width, canvas.unit
    forms = _forms(picture, unit, rng)
    cuts = _nearest(_points(picture, rng, unit, pitch=unit / 13, finest=unit / 13), height, width)
    labels = cuts * (int(forms.max()) + 1) + forms
    names, labels = np.unique(labels, return_inverse=True)
    labels = labels.reshape(height, width)
    panes = _means(picture, labels, len(names))
    grey = panes.mean(1, keepdims=True)
    panes = (grey + (panes - grey) * 1.6) * rng.uniform(0.84, 1.18, (len(panes), 1))
    # Lit from behind: a dark pane is deep, not black.
    glow = (np.clip(panes, 0, 1) ** 0.8).astype(np.float32)[labels]
    outline, cut = _away_from_edges(forms), _away_from_edges(labels)
    thick = max(1.0, unit * 0.0038)
    away = np.minimum(outline / thick, cut / (thick * 0.55))
    # The middle of a pane is brighter than its rim, and the lead is round: a light line runs along it.
    glow *= (0.84 + 0.26 * smoothstep(0, unit * 0.025, cut))[..., None]
    cover = cv2.GaussianBlur(smoothstep(1.25, 0.75, away), (0, 0), 0.6)[..., None]
    metal = rgb("#191a1f") + 0.12 * smoothstep(0.6, 0, away)[..., None]
    return glow * (1 - cover) + metal * cover


def polygons(canvas: Canvas, picture: Array, rng: np.random.Generator) -> Array:
    """A mesh of triangles, small ones along the edges of things, each of one colour as if it were a facet."""
    height, width, unit = canvas.height, canvas.width, canvas.unit
    points = _points(picture, rng, unit, pitch=unit / 18, finest=unit / 70)
    frame = [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)]
    for part in np.linspace(0, 1, 9)[1:-1]:
        frame += [(part * (width - 1), 0), (part * (width - 1), height - 1)]
        frame += [(0, part * (height - 1)), (width - 1, part * (height - 1))]
    mesh = cv2.Subdiv2D((0, 0, width, height))
    for x, y in np.concatenate([points, np.array(frame, np.float32)]):
        mesh.insert((float(min(x, width - 0.01)), float(min(y, height - 0.01))))
    corners = np.round(np.asarray(mesh.getTriangleList()).reshape(-1, 3, 2)).astype(np.int32)
    inside = ((corners >= 0).all((1, 2))) & (corners[..., 0] < width).all(1) & (corners[..., 1] < height).all(1)
    corners = corners[inside]
    labels = np.zeros((height, width), np.int32)
    for number, triangle in enumerate(corners):
        cv2.fillConvexPoly(labels, triangle, number)
    facets = _means(picture, labels, max(1, len(corners)))
    grey = facets.mean(1, keepdims=True)
    facets = np.clip((grey + (facets - grey) * 1.3) * rng.uniform(0.93, 1.07, (len(facets), 1)), 0, 1)
    drawn = np.zeros((height, width, 3), np.float32)
    drawn[:] = facets[labels]
    # Drawn once more with soft edges, where the facets meet.
    return cv2.GaussianBlur(drawn, (0, 0), 0.6)


def _quiet(picture: Array, radius: float) -> Array:
    """Without what is finer than `radius` pixels, its edges kept."""
    small: Array = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
    for _ in range(2):
        small = cv2.bilateralFilter(small, 5, 38, max(2.0, radius))
    return cv2.medianBlur(small, 5).astype(np.float32) / np.float32(255)


def _outlines(flat: Array, unit: float) -> Array:
    """Where colours meet, 0..1; thicker where they differ more."""
    soft = cv2.GaussianBlur(flat, (0, 0), max(0.8, unit * 0.0016))
    gradient = np.maximum.reduce(
        [
            np.hypot(cv2.Sobel(soft[..., i], cv2.CV_32F, 1, 0), cv2.Sobel(soft[..., i], cv2.CV_32F, 0, 1))
            for i in range(3)
        ]
    )
    line = smoothstep(0.22, 0.55, gradient)
    thick = max(1, round(unit * 0.0018))
    line = cv2.dilate(line, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (thick * 2 + 1, thick * 2 + 1)))
    return cv2.GaussianBlur(line, (0, 0), 0.7)


def _points(picture: Array, rng: np.random.Generator, unit: float, pitch: float, finest: float) -> Array:
    """Places (x, y) all over the picture, `pitch` pixels apart; `finest` where there is most to see."""
    height, width = picture.shape[:2]
    grey = cv2.GaussianBlur(picture.mean(2), (0, 0), max(0.8, unit * 0.002))
    edges = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    busy = smoothstep(0.03, 0.30, cv2.GaussianBlur(edges, (0, 0), max(1.0, unit * 0.006)))
    found = []
    for step, least in ((pitch, 0.0), ((pitch + finest) / 2, 0.25), (finest, 0.6)):
        step = max(3.0, step)
        ys, xs = np.mgrid[step / 2 : height : step, step / 2 : width : step]
        ys = np.clip(ys.ravel() + rng.uniform(-0.42, 0.42, ys.size) * step, 0, height - 1)
        xs = np.clip(xs.ravel() + rng.uniform(-0.42, 0.42, xs.size) * step, 0, width - 1)
        keep = busy[ys.astype(int), xs.astype(int)] >= least
        found.append(np.stack([xs[keep], ys[keep]], 1))
    return np.concatenate(found).astype(np.float32)


def _forms(picture: Array, unit: float, rng: np.random.Generator) -> Array:
    """For each pixel which of nine colours it is nearest to, small things left out."""
    small = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
    soft = cv2.medianBlur(small, max(5, int(unit * 0.024) | 1)).astype(np.float32) / np.float32(255)
    seen = soft.reshape(-1, 3)
    sample = seen[rng.integers(0, len(seen), 4000)]
    cv2.setRNGSeed(int(rng.integers(1, 2**31 - 1)))
    _, _, centres = cv2.kmeans(sample, 9, None, (cv2.TERM_CRITERIA_MAX_ITER, 12, 0), 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    best = np.full(soft.shape[:2], np.inf, np.float32)
    found = np.zeros(soft.shape[:2], np.int32)
    for number, centre in enumerate(centres):
        away = ((soft - centre) ** 2).sum(2)
        nearer = away < best
        best[nearer], found[nearer] = away[nearer], number
    return found


def _away_from_edges(labels: Array) -> Array:
    """Pixels to the nearest place where two labels meet."""
    inner = np.ones(labels.shape, np.uint8)
    inner[:, 1:] &= labels[:, 1:] == labels[:, :-1]
    inner[1:] &= labels[1:] == labels[:-1]
    return cv2.distanceTransform(inner, cv2.DIST_L2, 3)


def _nearest(points: Array, height: int, width: int) -> Array:
    """For each pixel the number of its nearest point."""
    seeds = np.ones((height, width), np.uint8)
    xs, ys = points.astype(int).T
    seeds[ys, xs] = 0
    _, labels = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    number = np.zeros(int(labels.max()) + 1, np.int32)
    number[labels[ys, xs]] = np.arange(len(points))
    return number[labels]


def _means(picture: Array, labels: Array, count: int) -> Array:
    """The mean colour of each area."""
    flat = labels.ravel()
    many = np.maximum(1, np.bincount(flat, minlength=count))
    return np.stack([np.bincount(flat, picture[..., i].ravel(), minlength=count) / many for i in range(3)], 1).astype(
        np.float32
    )
