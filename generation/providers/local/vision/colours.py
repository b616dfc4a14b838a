"""The colours that take most of a picture, by names that people use."""

import numpy as np
from PIL import Image

NAMED = {
    "black": (20, 20, 20),
    "dark grey": (80, 80, 80),
    "grey": (140, 140, 140),
    "light grey": (200, 200, 200),
    "white": (248, 248, 248),
    "red": (210, 35, 40),
    "dark red": (120, 20, 25),
    "orange": (240, 130, 30),
    "brown": (120, 75, 40),
    "beige": (225, 205, 170),
    "yellow": (245, 220, 60),
    "olive": (120, 120, 40),
    "green": (60, 160, 70),
    "dark green": (25, 80, 40),
    "turquoise": (60, 190, 180),
    "light blue": (140, 190, 235),
    "blue": (45, 95, 200),
    "dark blue": (25, 40, 95),
    "purple": (125, 60, 165),
    "pink": (240, 150, 190),
}
LEAST = 0.12  # of the picture
MOST = 3


def colours(image: Image.Image) -> list[str]:
    """Up to three names, the largest first."""
    pixels = np.asarray(image.resize((48, 48), Image.Resampling.BOX), np.float32).reshape(-1, 3)
    table = np.array(list(NAMED.values()), np.float32)
    # Weighted as the eye sees differences: most in green, least in blue.
    distances = ((pixels[:, None] - table[None]) ** 2 * np.array((3, 4, 2), np.float32)).sum(2)
    counts = np.bincount(distances.argmin(1), minlength=len(table)) / len(pixels)
    names = list(NAMED)
    return [names[index] for index in np.argsort(counts)[::-1][:MOST] if counts[index] >= LEAST]
