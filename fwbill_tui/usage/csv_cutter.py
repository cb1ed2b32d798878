"""Cutting a stream of CSV into chunks of whole lines, in memory that is used again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import BinaryIO, NamedTuple

from fwbill_tui.usage.row_reader import REJECTED_TEXT

LONGEST_LINE = 16 << 20
"""Bytes of one line that are held in memory; a longer one is a rejected row."""

_FIRST_CHUNK = 2 << 20
"""Read while the screens are imported. Every chunk has its price, so that ten thousand events should not be two of them."""


class Chunk(NamedTuple):
    """Whole lines of the file, or the beginning of a line too long to be read; empty: the end, or why it was not reached."""

    room: BytesIO
    position: int = 0
    overlong: bool = False
    last: bool = False
    failure: Exception | None = None

    @property
    def data(self) -> bytes:
        """The bytes as they stand in the chunk's room, which is copied when it is filled again while they are in use."""
        return self.room.getvalue()


class Cutter:
    """Cuts the rest of a stream, of which some bytes were read, at line ends.

    Fresh memory for megabytes costs as much as reading a file into it. So what a chunk stands in, its room, is used again
    after `take_back`.
    """

    def __init__(
        self, stream: BinaryIO, chunk_bytes: int, already_read: int, position: Callable[[], int] | None = None
    ) -> None:  # fmt: skip
        """`position` tells where in its file the stream is, where that is not the bytes it gave so far."""
        self._stream = stream
        self._chunk_bytes = chunk_bytes
        self._length = already_read
        self._position = position
        self._spare: list[BytesIO] = []
        self.unended = False
        """Whether the last line has no line end, when the last chunk is out."""

    def chunks(self) -> Iterator[Chunk]:
        """All chunks, the first of them small. What the stream raises is the failure of the last one."""
        try:
            yield from self._chunks()
        except Exception as error:
            yield Chunk(BytesIO(), failure=error)

    def take_back(self, chunk: Chunk) -> None:
        """Fill the room of a chunk that is done with again."""
        self._spare.append(chunk.room)

    def _chunks(self) -> Iterator[Chunk]:
        size = min(_FIRST_CHUNK, self._chunk_bytes)
        rest = b""
        while True:
            # Fresh zeros take no memory before they are overwritten.
            room = self._spare.pop() if self._spare else BytesIO(bytes(size))
            if not self._fill(room, rest, size):
                break
            size = self._chunk_bytes
            if (behind := _behind_overlong(room)) is not None:
                yield Chunk(BytesIO(room.getvalue()[: 4 * REJECTED_TEXT]), self._at(), overlong=True)
                rest = behind
                self._spare.append(room)
                continue
            end, rest = _cut(room)
            if end:
                yield Chunk(room, self._at())
            else:
                self._spare.append(room)
                if len(rest) > LONGEST_LINE:
                    beginning = rest[: 4 * REJECTED_TEXT]
                    rest = self._next_line()
                    yield Chunk(BytesIO(beginning), self._at(), overlong=True)
        if rest:
            self.unended = True
            yield Chunk(BytesIO(rest), self._at())
        yield Chunk(BytesIO(), self._at(), last=True)

    def _at(self) -> int:
        return self._position() if self._position else self._length

    def _fill(self, room: BytesIO, rest: bytes, size: int) -> int:
        """Put `rest` into a room and `size` bytes of the stream behind it, or as many as there are; how many those are."""
        room.seek(0)
        room.write(rest)
        room.seek(len(rest) + size - 1)
        room.write(b"\0")
        # Let go of by hand: whoever lists all objects meanwhile (`gc.get_objects`) has them, too, and no room shrinks then.
        with room.getbuffer() as memory, memory[len(rest) : len(rest) + size] as part:
            count = int(self._stream.readinto(part))  # type: ignore[attr-defined]
        room.truncate(len(rest) + count)
        self._length += count
        return count

    def _next_line(self) -> bytes:
        """Go on behind the next line end; what was read of what follows it."""
        while block := self._stream.read(self._chunk_bytes):
            self._length += len(block)
            end = block.find(b"\n") + 1
            if end:
                return block[end:]
        return b""


def _behind_overlong(room: BytesIO) -> bytes | None:
    """What comes behind the first line of a room, if that is too long; others begin in what was read last, and are not."""
    data = room.getvalue()
    end = data.find(b"\n") + 1
    return data[end:] if end > LONGEST_LINE else None


def _cut(room: BytesIO) -> tuple[int, bytes]:
    """Leave the whole lines in a room: how many bytes they are, and what comes behind them."""
    data = room.getvalue()
    end = data.rfind(b"\n") + 1
    rest = data[end:]
    del data  # as long as it is there, the room would be copied
    room.truncate(end)
    return end, rest
