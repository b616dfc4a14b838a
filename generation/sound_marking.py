"""The block of generation.aigc in a sound's file, at its beginning, so that a stream can bear it too.

Written by splicing, never by encoding anew: a TXXX frame of ID3 (v2.3, 4.2.2; v2.4) in MP3, a Vorbis comment in FLAC
(RFC 9639, 8.6) and Ogg Opus (RFC 7845, 5.2), an INFO entry of RIFF in WAV. ADTS (AAC) and PCM have no place for it.
"""

import struct
from collections.abc import Callable
from functools import cache

KEY = b"AIGC"
LONGEST = 64 * 1024  # bytes in which a header must be complete


class Incomplete(Exception):
    """These bytes end before the place where the block goes."""


def mark(data: bytes, block: str) -> bytes:
    """The file, or the beginning of one, with the block in it; as it was where its type has no place for it.

    Incomplete when a beginning is too short to tell.
    """
    if len(data) < 12:
        raise Incomplete
    for begins, write in WRITERS:
        if begins(data):
            return write(data, block.encode())
    return data


class Beginning:
    """Marks a stream. What comes of a header is held back until it is whole, which nobody could hear yet."""

    def __init__(self, block: str) -> None:
        self._block = block
        self._held: bytes | None = b"" if block else None

    def pass_on(self, data: bytes) -> bytes:
        """What may be sent after `data` came."""
        if self._held is None:
            return data
        self._held += data
        try:
            marked = mark(self._held, self._block)
        except Incomplete:
            if len(self._held) < LONGEST:
                return b""
            marked = self._held
        self._held = None
        return marked

    def rest(self) -> bytes:
        """What is still held back when the stream ends."""
        held, self._held = self._held, None
        return held or b""


def _take(data: bytes, start: int, size: int) -> bytes:
    part = data[start : start + size]
    if len(part) < size:
        raise Incomplete
    return part


# --- MP3 --------------------------------------------------------------------------------------------------------------


def _is_mp3(data: bytes) -> bool:
    """ID3, or a frame's sync bits with a layer; layer 0 is ADTS."""
    return data[:3] == b"ID3" or (data[0] == 0xFF and data[1] & 0xE0 == 0xE0 and data[1] & 0x06 != 0)


def _mp3(data: bytes, block: bytes) -> bytes:
    version, frames, sound = 4, b"", data
    if data[:3] == b"ID3":
        if data[3] not in (3, 4) or data[5]:
            return data  # flags that change how all of it is to be read
        size = _from_syncsafe(data[6:10])
        version, frames = data[3], _take(data, 10, size)
        sound = data[10 + size :]
    text = (b"\3" + KEY + b"\0" + block) if version == 4 else _utf16(block)
    size_of = _syncsafe if version == 4 else _plain
    frame = b"TXXX" + size_of(len(text)) + b"\0\0" + text
    return b"ID3" + bytes((version, 0, 0)) + _syncsafe(len(frame) + len(frames)) + frame + frames + sound


def _utf16(block: bytes) -> bytes:
    """v2.3 knows no UTF-8."""
    return b"\1" + KEY.decode().encode("utf-16") + b"\0\0" + block.decode().encode("utf-16")


def _plain(size: int) -> bytes:
    return struct.pack(">I", size)


def _syncsafe(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def _from_syncsafe(data: bytes) -> int:
    return sum((byte & 0x7F) << shift for byte, shift in zip(data, (21, 14, 7, 0), strict=True))


# --- FLAC and Ogg Opus ------------------------------------------------------------------------------------------------


def _commented(body: bytes, block: bytes) -> bytes:
    """A Vorbis comment structure with one more: vendor, count, entries, each with its length before it."""
    try:
        (vendor,) = struct.unpack_from("<I", body)
        (count,) = struct.unpack_from("<I", body, 4 + vendor)
    except struct.error as exc:
        raise Incomplete from exc
    head, entry = 8 + vendor, KEY + b"=" + block
    return body[: head - 4] + struct.pack("<II", count + 1, len(entry)) + entry + body[head:]


COMMENT, LAST = 4, 0x80


def _flac(data: bytes, block: bytes) -> bytes:
    at, first = 4, 0
    while True:
        kind, size = _take(data, at, 4)[0], int.from_bytes(data[at + 1 : at + 4], "big")
        first = first or at + 4 + size  # STREAMINFO stands first
        if kind & 0x7F == COMMENT:
            body = _commented(_take(data, at + 4, size), block)
            return data[:at] + bytes((kind,)) + len(body).to_bytes(3, "big") + body + data[at + 4 + size :]
        if kind & LAST:
            break
        at += 4 + size
    body = _commented(struct.pack("<II", 0, 0), block)
    if len(data) < first:
        raise Incomplete
    begin = data[:4] + bytes((data[4] & 0x7F,)) + data[5:first]
    return begin + bytes((COMMENT | data[4] & LAST,)) + len(body).to_bytes(3, "big") + body + data[first:]


def _opus(data: bytes, block: bytes) -> bytes:
    """The comments are a packet of their own on the second page; one that needs more pages than one stays as it is."""
    begin = _page(data, 0)
    page = _page(data, len(begin))
    body = page[27 + page[26] :]
    if body[:8] != b"OpusTags" or page[26 + page[26]] == 255:
        return data
    body = body[:8] + _commented(body[8:], block)
    if len(body) >= 255 * 255:
        return data
    lacing = b"\xff" * (len(body) // 255) + bytes((len(body) % 255,))
    marked = page[:22] + bytes(4) + bytes((len(lacing),)) + lacing + body
    marked = marked[:22] + struct.pack("<I", _ogg_sum(marked)) + marked[26:]
    return begin + marked + data[len(begin) + len(page) :]


def _page(data: bytes, at: int) -> bytes:
    segments = _take(data, at, 27)[26]
    return _take(data, at, 27 + segments + sum(_take(data, at + 27, segments)))


@cache
def _ogg_table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)
        return value & 0xFFFFFFFF

    return tuple(entry(byte << 24) for byte in range(256))


def _ogg_sum(page: bytes) -> int:
    """RFC 3533's checksum, which is not zlib's: neither reflected nor inverted."""
    table, value = _ogg_table(), 0
    for byte in page:
        value = (value << 8 & 0xFFFFFFFF) ^ table[value >> 24 ^ byte]
    return value


# --- WAV --------------------------------------------------------------------------------------------------------------


def _wav(data: bytes, block: bytes) -> bytes:
    """A LIST of its own before the samples; whoever does not know a chunk skips it."""
    at = 12
    while True:
        kind, size = struct.unpack("<4sI", _take(data, at, 8))
        if kind == b"data":
            break
        at += 8 + size + size % 2
    entry = block + b"\0" * (2 - len(block) % 2)  # ends with a zero, and on an even byte
    chunk = b"INFO" + KEY + struct.pack("<I", len(block) + 1) + entry
    chunk = b"LIST" + struct.pack("<I", len(chunk)) + chunk
    (whole,) = struct.unpack_from("<I", data, 4)
    if whole not in (0, 0xFFFFFFFF):  # a stream's length is not known
        whole += len(chunk)
    return data[:4] + struct.pack("<I", whole) + data[8:at] + chunk + data[at:]


WRITERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes, bytes], bytes]], ...] = (
    (lambda data: data[:4] == b"fLaC", _flac),
    (lambda data: data[:4] == b"OggS", _opus),
    (lambda data: data[:4] == b"RIFF" and data[8:12] == b"WAVE", _wav),
    (_is_mp3, _mp3),
)
