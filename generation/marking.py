"""What is written into a picture's file: how it was made, and that a machine made it.

EXIF `Make` is the model and `UserComment` a JSON text, as the guide's service has them (Exif 2.32, 4.6.5); XMP carries
IPTC's DigitalSourceType and, where the operator wants it, the block of generation.aigc. Written by splicing, never by
encoding anew: JPEG segments (ITU-T T.81, B.1.1.4; XMP part 3, 1.1.3), PNG chunks `eXIf`, `iTXt` (PNG, third edition,
11.3) and RIFF chunks of WebP. PNG gets the widely read `parameters` text besides. No time is written, and no id but in
that block: the same request gives the same bytes.
"""

import json
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from xml.sax.saxutils import escape

from PIL import Image

from generation import aigc

# A JPEG segment holds 65,533 bytes, its own signature and the EXIF tables among them.
LONGEST_COMMENT = 60_000
MAKE, EXIF_TABLE, USER_COMMENT = 0x010F, 0x8769, 0x9286

SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
XMP_SIGNATURE = b"http://ns.adobe.com/xap/1.0/\0"
XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'Iptc4xmpExt:DigitalSourceType="{source}">{more}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)
AIGC = '<TC260:AIGC xmlns:TC260="{namespace}">{block}</TC260:AIGC>'


def mark(data: bytes, *, model: str, settings: dict[str, Any] | None, xmp: bytes) -> bytes:
    """The picture `data` with `settings` and `xmp` in it.

    What stood in its EXIF and XMP before is replaced; without `settings` only the XMP is written. A file of another
    type than JPEG, PNG and WebP comes back as it was.
    """
    exif = b"" if settings is None else _exif(model, settings)
    for begins, write in WRITERS:
        if begins(data):
            return write(data, exif, xmp, settings)
    return data


def packet(source: str, block: str = "") -> bytes:
    """XMP that says `source`, a term of IPTC's list such as `algorithmicMedia`, and has the AIGC block, if any."""
    more = AIGC.format(namespace=aigc.NAMESPACE, block=escape(block)) if block else ""
    return XMP.format(source=SOURCES + source, more=more).encode()


def comment(settings: dict[str, Any]) -> str:
    """`settings` as JSON of ASCII alone, its texts cut until it fits into a JPEG segment."""
    longest = max((len(value) for value in settings.values() if isinstance(value, str)), default=0)
    while len(written := json.dumps(settings)) > LONGEST_COMMENT and longest > 1:
        longest //= 2
        settings = {k: v[:longest] if isinstance(v, str) else v for k, v in settings.items()}
    return written


def _exif(model: str, settings: dict[str, Any]) -> bytes:
    """A TIFF structure, without the signature that JPEG wants before it."""
    exif = Image.Exif()
    exif[MAKE] = model.encode("ascii", "replace").decode()
    exif.get_ifd(EXIF_TABLE)[USER_COMMENT] = b"ASCII\0\0\0" + comment(settings).encode("ascii")
    return exif.tobytes().removeprefix(b"Exif\0\0")


# --- JPEG -------------------------------------------------------------------------------------------------------------


def _jpeg(data: bytes, exif: bytes, xmp: bytes, settings: dict[str, Any] | None) -> bytes:
    kept, rest = _jpeg_segments(data)
    ours = (*([b"Exif\0\0" + exif] if exif else []), XMP_SIGNATURE + xmp)
    # JFIF's own segment must be the first.
    first = 1 if kept and kept[0][:2] == b"\xff\xe0" else 0
    segments = kept[:first] + [b"\xff\xe1" + struct.pack(">H", len(own) + 2) + own for own in ours] + kept[first:]
    return b"\xff\xd8" + b"".join(segments) + rest


def _jpeg_segments(data: bytes) -> tuple[list[bytes], bytes]:
    """The segments of a JPEG's beginning but EXIF and XMP, and all that follows them."""
    kept, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and (0xE0 <= data[at + 1] <= 0xEF or data[at + 1] == 0xFE):
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        if data[at + 1] != 0xE1:
            kept.append(data[at:end])
        at = end
    return kept, data[at:]


# --- PNG --------------------------------------------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n"
PNG_WORDS = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")


def _png(data: bytes, exif: bytes, xmp: bytes, settings: dict[str, Any] | None) -> bytes:
    chunks = [chunk for chunk in _chunks(data, len(PNG), ">I4s", 4) if chunk[4:8] not in PNG_WORDS]
    ours = [_png_text(b"XML:com.adobe.xmp", xmp)]
    if settings is not None:
        ours = [_png_chunk(b"eXIf", exif), *ours, _png_text(b"pollweb", comment(settings).encode())]
        if parameters := _parameters(settings):
            ours.append(_png_text(b"parameters", parameters.encode()))
    return PNG + b"".join([chunks[0], *ours, *chunks[1:]])


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png_text(keyword: bytes, text: bytes) -> bytes:
    return _png_chunk(b"iTXt", keyword + b"\0\0\0\0\0" + text)


def _parameters(settings: dict[str, Any]) -> str:
    """The prompt, what was not wanted, and the numbers, as the programs that made this chunk known write them."""
    if "prompt" not in settings:
        return ""
    return (
        f"{settings['prompt']}\nNegative prompt: {settings.get('negative_prompt', '')}\n"
        f"Seed: {settings['seed']}, Size: {settings['width']}x{settings['height']}, Model: {settings['model']}"
    )


# --- WebP -------------------------------------------------------------------------------------------------------------

WEBP_EXIF, WEBP_XMP, WEBP_ALPHA = 0x08, 0x04, 0x10


def _webp(data: bytes, exif: bytes, xmp: bytes, settings: dict[str, Any] | None) -> bytes:
    chunks = [chunk for chunk in _chunks(data, 12, "<4sI", 0) if chunk[:4] not in (b"EXIF", b"XMP ")]
    if chunks[0][:4] == b"VP8X":
        header = bytearray(chunks.pop(0))
    else:
        from io import BytesIO

        with Image.open(BytesIO(data)) as picture:
            (width, height), alpha = picture.size, picture.mode == "RGBA"
        body = struct.pack("<I", WEBP_ALPHA if alpha else 0)
        body += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        header = bytearray(b"VP8X" + struct.pack("<I", len(body)) + body)
    header[8] = header[8] & ~WEBP_EXIF | WEBP_XMP | (WEBP_EXIF if exif else 0)
    ours = [kind + struct.pack("<I", len(own)) + own + b"\0" * (len(own) % 2) for kind, own in _webp_own(exif, xmp)]
    body = b"WEBP" + bytes(header) + b"".join(chunks + ours)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _webp_own(exif: bytes, xmp: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"EXIF", exif), (b"XMP ", xmp)) if exif else ((b"XMP ", xmp),)


def _chunks(data: bytes, at: int, header: str, checksum: int) -> Iterator[bytes]:
    """The chunks of a PNG or a RIFF file, each whole."""
    while at + 8 <= len(data):
        size = next(part for part in struct.unpack_from(header, data, at) if isinstance(part, int))
        # RIFF fills chunks of an odd length up; PNG ends them with a checksum.
        end = at + 8 + size + (checksum or size % 2)
        yield data[at:end]
        at = end


Writer = Callable[[bytes, bytes, bytes, dict[str, Any] | None], bytes]
WRITERS: tuple[tuple[Callable[[bytes], bool], Writer], ...] = (
    (lambda data: data.startswith(b"\xff\xd8"), _jpeg),
    (lambda data: data.startswith(PNG), _png),
    (lambda data: data.startswith(b"RIFF") and data[8:12] == b"WEBP", _webp),
)
