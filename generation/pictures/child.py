"""Runs as a process of its own, with limits: a picture comes in on stdin, and goes out on stdout written anew.

Out comes one line of JSON, `{"media_type", "width", "height", "colour", "placeholder"}` or `{"error"}`, then the bytes.
What was in the file beside the picture (EXIF, profiles, comments, further frames, bytes after the end) is left behind.
Imports nothing of pollweb, so that it starts fast.
"""

import base64
import io
import json
import resource
import sys
import warnings

MEMORY = 1 << 30  # bytes of address space; 40 million pixels take 160 MB each time they are copied
CPU_SECONDS = 8
MOST_PIXELS = 40_000_000
MOST_FRAMES = 200
LONGEST_SIDE = 4096
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


class Refused(Exception):
    """Said to the caller as it is."""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = sys.stdin.buffer.read()
    try:
        told, picture = rewrite(data)
    except Refused as exc:
        told, picture = {"error": str(exc)}, b""
    except MemoryError:
        told, picture = {"error": "it takes too much memory to read"}, b""
    except Exception:  # decoders raise whatever they like
        told, picture = {"error": "it is no PNG, JPEG, WebP or GIF picture, or it is damaged"}, b""
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + picture)


def rewrite(data: bytes) -> tuple[dict[str, object], bytes]:
    from PIL import Image

    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None  # judged here, and with a sentence
    with Image.open(io.BytesIO(data), formats=FORMATS) as source:
        if source.width * source.height > MOST_PIXELS:
            raise Refused(f"it has more than {MOST_PIXELS // 1_000_000} million pixels")
        if max(source.size) > 50 * min(source.size):
            raise Refused("one side is more than fifty times as long as the other")
        _count_frames(source)
        kind = source.format
        source.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        image = _upright(source)
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    plain = _plain(image)
    opaque = plain.mode == "RGB"
    out = io.BytesIO()
    if opaque and kind in ("JPEG", "MPO", "WEBP"):
        media_type = "image/jpeg"
        plain.save(out, "JPEG", quality=92)
    else:
        media_type = "image/png"
        plain.save(out, "PNG", compress_level=4)
    small = plain.convert("RGB").resize((16, max(1, min(64, round(16 * plain.height / plain.width)))))
    tiny = io.BytesIO()
    small.save(tiny, "WEBP", quality=40)
    red, green, blue = small.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    told: dict[str, object] = {
        "media_type": media_type,
        "width": plain.width,
        "height": plain.height,
        "colour": f"#{red:02x}{green:02x}{blue:02x}",
        "placeholder": "data:image/webp;base64," + base64.b64encode(tiny.getvalue()).decode(),
    }
    return told, out.getvalue()


def _upright(source):
    """Turned as its EXIF says. Only that one number is looked at, and where it cannot be read the picture stays.

    Not ImageOps.exif_transpose: that writes the rest of the EXIF anew, and fails on what cameras leave there.
    """
    from PIL import ExifTags, Image

    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    try:
        turn = turns.get(source.getexif().get(ExifTags.Base.Orientation))
    except Exception:  # readers of EXIF raise whatever they like
        turn = None
    return source.copy() if turn is None else source.transpose(turn)


def _count_frames(source) -> None:
    """Step by step, not by asking for the number: that reads them all."""
    try:
        for number in range(1, MOST_FRAMES + 1):
            source.seek(number)
    except EOFError:
        pass
    else:
        raise Refused(f"it has more than {MOST_FRAMES} frames")
    source.seek(0)


def _plain(image):
    """The pixels alone, as RGB, or RGBA where something shows through."""
    from PIL import Image

    see_through = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.point(lambda value: value / 256).convert("L")
    plain = image.convert("RGBA" if see_through else "RGB")
    if see_through and plain.getchannel("A").getextrema()[0] == 255:
        plain = plain.convert("RGB")
    bare = Image.new(plain.mode, plain.size)
    bare.paste(plain)
    return bare


if __name__ == "__main__":
    main()
