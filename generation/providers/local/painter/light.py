"""Light: the colours of sky, haze, clouds and shade at each time of day and in each weather."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace

import numpy as np

from .canvas import Colour, luminance, mix, rgb
from .icons import COLOURS
from .scene import Scene


@dataclass(frozen=True, slots=True)
class Light:
    """Everything that depends on time and weather. Colours are RGB in 0..1."""

    sky: tuple[Colour, Colour, Colour, Colour]  # zenith, upper, lower, horizon
    sun: Colour  # of the disc and its glow, or of the moon
    elevation: float  # of sun or moon: 0 at the horizon, 1 at the top
    glow: float
    ambient: Colour  # what everything is multiplied by
    cloud_lit: Colour
    cloud_dark: Colour
    stars: float = 0.0
    disc: float = 1.0  # how well sun or moon is seen

    @property
    def haze(self) -> Colour:
        """What far things fade into."""
        return mix(self.sky[3], self.sky[2], 0.35)

    @property
    def dark(self) -> bool:
        return bool(luminance(self.ambient) < 0.72)

    def lit(self, colour: Colour) -> Colour:
        """A colour as it looks in this light."""
        return np.clip(colour * self.ambient, 0, 1).astype(np.float32)


def _light(
    sky: str,
    sun: str,
    elevation: float,
    glow: float,
    ambient: tuple[float, float, float],
    clouds: str,
    stars: float = 0.0,
) -> Light:
    zenith, upper, lower, horizon = (rgb(code) for code in sky.split())
    lit, dark = (rgb(code) for code in clouds.split())
    return Light(
        (zenith, upper, lower, horizon), rgb(sun), elevation, glow, np.array(ambient, np.float32), lit, dark, stars
    )


TIMES: dict[str, tuple[Light, ...]] = {
    "day": (
        _light("#2b7fd4 #58a8ea #9fd3f6 #e3f4f7", "#fff6d8", 0.74, 0.5, (1.0, 1.0, 1.0), "#ffffff #bcd7ec"),
        _light("#3a8fd0 #74bde6 #b9e2ec #f7f0da", "#fff3cf", 0.66, 0.55, (1.02, 1.0, 0.96), "#fffdf6 #c6dbe4"),
        _light("#1f6fc4 #4aa0e0 #8fd0ea #fbe7cf", "#fff1cc", 0.58, 0.6, (1.03, 1.0, 0.95), "#fffaf2 #c3cfe6"),
        _light("#3aa0c8 #79cbdd #bfe9e4 #fdf3d9", "#fff6d0", 0.70, 0.5, (1.0, 1.01, 0.98), "#ffffff #bfe0e4"),
    ),
    "sunrise": (
        _light("#5f8fc9 #a9b9e0 #f6c9c3 #ffe2b0", "#fff0c2", 0.20, 0.8, (1.0, 0.93, 0.88), "#fff0e2 #d6a9bd"),
        _light("#4f86b8 #93c3d6 #f9dcb4 #ffcf9a", "#fff1c9", 0.16, 0.8, (1.0, 0.94, 0.84), "#ffe9cf #c9a6a8"),
    ),
    "sunset": (
        _light("#2c2b70 #7a3f8f #ee6f6c #ffc77d", "#ffe7a8", 0.13, 0.95, (0.98, 0.80, 0.72), "#ff9d76 #6f3f80"),
        _light("#27507f #8f6a9c #f58b6b #ffd98f", "#fff0b8", 0.15, 0.9, (1.0, 0.84, 0.72), "#ffb184 #865a86"),
        _light("#4a2257 #a63a5b #f4743b #ffc35a", "#ffe79b", 0.12, 1.0, (1.0, 0.78, 0.64), "#ff8d55 #7d2f55"),
    ),
    "dusk": (
        _light("#151d4e #37418a #8069ad #eda6a0", "#fff1dd", 0.42, 0.35, (0.68, 0.66, 0.88), "#c98fb5 #3b3d78", 0.35),
        _light("#10284f #2a5585 #6f88b0 #e8b7a0", "#fff3dd", 0.46, 0.3, (0.64, 0.70, 0.88), "#b59ab5 #304a75", 0.35),
    ),
    "night": (
        _light("#060b26 #0e1c4d #1d3a75 #3a6596", "#f4f0dc", 0.66, 0.4, (0.54, 0.62, 0.88), "#33508a #152a57", 1.0),
        _light("#0a0a2a #1b1650 #38307a #6a5a9c", "#fbf1e0", 0.62, 0.4, (0.58, 0.57, 0.88), "#4a438a #201c58", 1.0),
        _light("#04141f #0a2f42 #145063 #3b7f86", "#f2f5e2", 0.68, 0.4, (0.52, 0.66, 0.78), "#2b6070 #0d3644", 1.0),
    ),
}


def light_of(scene: Scene, rng: np.random.Generator) -> Light:
    """The light of a scene; the seed chooses among the palettes of its time."""
    choices = TIMES[scene.time]
    light = choices[int(rng.integers(len(choices)))]
    if scene.sky in COLOURS:
        light = _tinted(light, scene.sky)
    return _weathered(light, scene.weather)


def _tinted(light: Light, name: str) -> Light:
    hue, sat, lightness = COLOURS[name]
    red, green, blue = colorsys.hls_to_rgb(hue or 0.0, min(0.75, lightness + 0.1), sat * 0.8)
    tint = np.array((red, green, blue), np.float32)
    strength = (0.75, 0.7, 0.55, 0.35)
    sky = tuple(
        mix(colour, tint * (0.35 + 0.75 * luminance(colour)), part)
        for colour, part in zip(light.sky, strength, strict=True)
    )
    return replace(light, sky=(sky[0], sky[1], sky[2], sky[3]))


# weather: (grey of the sky by day, how much of it, brightness of the ambient, how well the sun is seen, stars)
_GREY = {
    "clouds": ("#c3ced8", 0.38, 0.95, 0.55, 0.4),
    "rain": ("#93a5b8", 0.55, 0.86, 0.0, 0.0),
    "storm": ("#5f7088", 0.66, 0.74, 0.0, 0.0),
    "fog": ("#dfe4e6", 0.60, 0.95, 0.35, 0.25),
    "snow": ("#d5dfe9", 0.50, 0.96, 0.15, 0.5),
}


def _weathered(light: Light, weather: str) -> Light:
    if weather not in _GREY:
        return light
    code, part, brightness, disc, stars = _GREY[weather]
    base = float(luminance(light.ambient))
    grey = rgb(code) * min(1.0, base * 1.05)
    colours = [mix(colour, grey * shade, part) for colour, shade in zip(light.sky, (0.8, 0.9, 1.0, 1.08), strict=True)]
    return replace(
        light,
        sky=(colours[0], colours[1], colours[2], np.clip(colours[3], 0, 1)),
        glow=light.glow * (0.25 + 0.75 * disc),
        ambient=mix(light.ambient, np.full(3, base, np.float32), 0.5) * brightness,
        cloud_lit=mix(light.cloud_lit, grey * 1.08, part),
        cloud_dark=mix(light.cloud_dark, grey * 0.72, part),
        stars=light.stars * stars,
        disc=disc,
    )
