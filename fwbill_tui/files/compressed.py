"""Decompressing gzip and zstd as streams that know when they end too early."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

_GZIP_PIECE = 256 << 10
_GZIP_BLOCK = 1 << 20
_ZSTD_PIECE = 4 << 10
"""Compressed bytes at a time: what 4 KiB of zstd can expand to still fits in memory, whoever made the file."""


class DamagedError(Exception):
    """Compressed data that cannot be decompressed, or that ends before it is complete; the message says which."""


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes | None: ...


class BlockStream(io.RawIOBase):
    """A readable stream over blocks of bytes."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._block = memoryview(b"")

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Fill the beginning of a buffer with the next bytes; 0 at the end."""
        while not self._block:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._block = memoryview(block)
        count = min(len(buffer), len(self._block))
        buffer[:count] = self._block[:count]
        self._block = self._block[count:]
        return count


def gunzip(raw: _Reader) -> Iterator[bytes]:
    """Decompress gzip, also several members one after another. Raises DamagedError."""
    members = 0
    decoder = None
    data = b""
    while data or (data := raw.read(_GZIP_PIECE) or b""):
        if decoder is None:
            if members and not data.strip(b"\0"):  # padding to whole blocks, as tape archivers leave it
                data = b""
                continue
            decoder = zlib.decompressobj(wbits=31)
        try:
            block = decoder.decompress(data, _GZIP_BLOCK)
        except zlib.error as error:
            raise DamagedError("the gzip data is damaged") from error
        if block:
            yield block
        data = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
        if decoder.eof:
            decoder = None
            members += 1
    if decoder is not None:
        raise DamagedError("the gzip data ends too early: the file was cut off")


def unzstd(raw: _Reader) -> Iterator[bytes]:
    """Decompress zstd, also several frames one after another. Raises DamagedError."""
    import zstandard

    new: Callable[[], zstandard.ZstdDecompressionObj] = zstandard.ZstdDecompressor().decompressobj
    decoder = None
    data = b""
    while data or (data := raw.read(_ZSTD_PIECE) or b""):
        if decoder is None:
            decoder = new()
        try:
            block = decoder.decompress(data)
        except zstandard.ZstdError as error:
            raise DamagedError("the zstd data is damaged") from error
        if block:
            yield block
        data = b""
        if decoder.eof:
            data = decoder.unused_data
            decoder = None
    if decoder is not None:
        raise DamagedError("the zstd data ends too early: the file was cut off")
