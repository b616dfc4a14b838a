"""Media files that mean no good, and a few that only look so. All are made here, and none is large."""

import io
import random
import struct
import zlib
from collections.abc import Callable

from PIL import Image, PngImagePlugin

SCRIPT = "<script>alert(1)</script>"


def saved(format: str, size: tuple[int, int] = (32, 24), mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, "tomato" if mode in ("RGB", "RGBA") else 0).save(file, format, **options)
    return file.getvalue()


def noise(format: str) -> bytes:
    file = io.BytesIO()
    Image.frombytes("RGB", (64, 64), random.Random(1).randbytes(64 * 64 * 3)).save(file, format)
    return file.getvalue()


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, body in chunks:
        parts.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
    return b"".join(parts)


def header(width: int, height: int, depth: int = 8, colour: int = 2) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)


def bomb(width: int, height: int) -> bytes:
    """A PNG of so many pixels whose data is a few kilobytes of nothing."""
    return png(header(width, height), (b"IDAT", zlib.compress(b"\0" * 2**24, 9)), (b"IEND", b""))


def inflating() -> bytes:
    """A PNG of one pixel, whose text chunk unpacks to 100 MB."""
    text = zlib.compress(b"A" * 100_000_000, 9)
    data = zlib.compress(b"\0\xff\0\0")
    return png(header(1, 1), (b"zTXt", b"Comment\0\0" + text), (b"IDAT", data), (b"IEND", b""))


def animated_webp() -> bytes:
    file = io.BytesIO()
    pictures = [Image.new("RGB", (4, 4), colour) for colour in ("red", "green", "blue")]
    pictures[0].save(file, "WEBP", save_all=True, append_images=pictures[1:], duration=10)
    return file.getvalue()


def many_gif_frames(frames: int) -> bytes:
    """Ten thousand frames without ten thousand pictures in memory: one frame's bytes again and again."""
    one = saved("GIF", (1, 1), "P")
    start = one.index(b"\x2c", 13 + 3 * 2 ** ((one[10] & 7) + 1))
    return one[:start] + one[start:-1] * frames + b";"


def texts() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SCRIPT)
    info.add_itxt("XML:com.adobe.xmp", f"<x>{SCRIPT}</x>")
    return info


def exif() -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = 6  # turned by 90 degrees
    made[0x010E] = SCRIPT
    made[0x8825] = {1: "N", 2: (48.0, 12.0, 30.0)}
    return made


def unreadable_exif() -> bytes:
    """Says that the picture is turned, and has a text where a number belongs: what writes EXIF anew fails on it."""
    made = Image.Exif()
    made[0x0112] = 6
    made[0x010F] = "maker"
    whole = made.tobytes()
    entry = whole.index(struct.pack(">HH", 0x010F, 2))
    return whole[:entry] + struct.pack(">HH", 0x011A, 2) + whole[entry + 4 :]


def tiff() -> bytes:
    return saved("TIFF")


SVG = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{SCRIPT}</svg>'.encode()

REFUSED: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "one byte": lambda: b"\x89",
    "only a signature": lambda: b"\x89PNG\r\n\x1a\n",
    "words": lambda: b"this is no picture at all" * 10,
    "a page": lambda: f"<!doctype html><body>{SCRIPT}".encode(),
    "a script that begins like GIF": lambda: b"GIF89a=1;alert(1)//",
    "svg": lambda: SVG,
    "svg with an entity bomb": lambda: b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + SVG,
    "tiff": tiff,
    "bmp": lambda: saved("BMP"),
    "ico": lambda: saved("ICO"),
    "tga": lambda: saved("TGA"),
    "ppm": lambda: saved("PPM"),
    "eps": lambda: saved("EPS"),
    "pdf": lambda: saved("PDF"),
    "zip": lambda: b"PK\x03\x04" + b"\0" * 200,
    "elf": lambda: b"\x7fELF" + b"\0" * 200,
    "wav": lambda: b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 40,
    "truncated png": lambda: noise("PNG")[:-3000],
    "truncated jpeg": lambda: noise("JPEG")[:900],
    "truncated webp": lambda: noise("WEBP")[:400],
    "truncated gif": lambda: noise("GIF")[:900],
    "png with a wrong checksum": lambda: noise("PNG").replace(b"IDAT", b"IDAX", 1),
    "png of 10 gigapixels": lambda: bomb(100_000, 100_000),
    "png of 2 billion by 2 billion": lambda: bomb(2**31 - 1, 2**31 - 1),
    "png of 41 million pixels": lambda: bomb(6500, 6400),
    "png without pixels": lambda: png(header(0, 0), (b"IDAT", b""), (b"IEND", b"")),
    "png whose comment inflates": inflating,
    "png with less data than it says": lambda: png(header(500, 500), (b"IDAT", zlib.compress(b"x")), (b"IEND", b"")),
    "a hair of a picture": lambda: saved("PNG", (5000, 1)),
    "gif of 10,000 frames": lambda: many_gif_frames(10_000),
    "gif of 201 frames": lambda: many_gif_frames(201),
    "jpeg that says 65535 by 65535": lambda: saved("JPEG").replace(
        b"\xff\xc0\x00\x11\x08\x00\x18\x00\x20", b"\xff\xc0\x00\x11\x08\xff\xff\xff\xff"
    ),
    "webp with a wrong length": lambda: noise("WEBP")[:4] + b"\xff\xff\xff\x7f" + noise("WEBP")[8:200],
}

TAKEN: dict[str, Callable[[], bytes]] = {
    "png": lambda: saved("PNG"),
    "jpeg": lambda: saved("JPEG"),
    "webp": lambda: saved("WEBP"),
    "gif": lambda: saved("GIF", mode="P"),
    "grey": lambda: saved("PNG", mode="L"),
    "16 bits of grey": lambda: saved("PNG", mode="I;16"),
    "cmyk": lambda: saved("JPEG", mode="CMYK"),
    "see-through": lambda: saved("PNG", mode="RGBA"),
    "one bit": lambda: saved("PNG", mode="1"),
    "animation of 200 frames": lambda: many_gif_frames(200),
    "animated webp": animated_webp,
    "jpeg with a script in EXIF": lambda: saved("JPEG", exif=exif(), comment=SCRIPT),
    "png with a script in its texts": lambda: saved("PNG", pnginfo=texts()),
    "jpeg and zip in one": lambda: saved("JPEG") + b"PK\x03\x04" + SCRIPT.encode(),
    "gif and script in one": lambda: saved("GIF", mode="P") + SCRIPT.encode(),
    "png and page in one": lambda: saved("PNG") + f"<html>{SCRIPT}".encode(),
}
