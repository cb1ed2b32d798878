"""What can go wrong with files of our own; apart, so that it can be told without loading what writes them."""

from __future__ import annotations


class SpoolError(OSError):
    """Events cannot be put on disk; the message says where, why, and what to do."""

    def __str__(self) -> str:
        return str(self.args[0])
