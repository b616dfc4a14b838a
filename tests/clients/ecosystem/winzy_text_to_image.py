"""winzy-text-to-image: what its command does. The command itself is not offered by the newest winzy."""

from pathlib import Path

from winzy_text_to_image import download_image

download_image(["a", "red", "boat"], filename="boat.jpg", width=96, seed=5, model="flux")
assert Path("boat.jpg").read_bytes().startswith(b"\xff\xd8\xff")
