"""What can go wrong with the archive, each as one line for a person. Usage is never lost by it: it can be fetched again."""

from __future__ import annotations

import errno
from pathlib import Path

_CAUSES = {
    errno.ENOSPC: "the disk is full; free some space, or name another folder in FWBILL_DATA_DIR",
    errno.EDQUOT: "the disk quota is used up; free some space, or name another folder in FWBILL_DATA_DIR",
    errno.EFBIG: "a file would be larger than this system allows",
    errno.EACCES: "no permission; name another folder in FWBILL_DATA_DIR",
    errno.EPERM: "no permission; name another folder in FWBILL_DATA_DIR",
    errno.EROFS: "that file system is read-only; name another folder in FWBILL_DATA_DIR",
    errno.ENOTDIR: "a part of that path is not a folder; name another in FWBILL_DATA_DIR",
}


class ArchiveError(Exception):
    """The archive cannot be read or written; the message says where, why and what to do."""


class ArchiveLayoutError(ArchiveError):
    """The archive was written by another version of fwbill, in a layout that this one does not read."""


class DamagedManifestError(ArchiveError):
    """A manifest is not what was written."""


def cannot(do: str, path: Path, error: OSError) -> ArchiveError:
    """The error for a file or folder of the archive that the system would not let us read or write."""
    cause = _CAUSES.get(error.errno or 0) or error.strerror or str(error)
    return ArchiveError(f"cannot {do} {path}: {cause}")
