"""What can go wrong while usage is written, each as one line for a person."""

from __future__ import annotations

import errno
import os
import re

_CODE = re.compile(r"\(os error (\d+)\)")
_CAUSES = {
    errno.ENOSPC: "the disk is full; free some space, or choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space, or choose another folder",
    errno.EFBIG: "the file would be larger than this system allows",
    errno.EACCES: "no permission to write there; choose another folder",
    errno.EPERM: "no permission to write there; choose another folder",
    errno.EROFS: "that file system is read-only; choose another folder",
    errno.ENOENT: "there is no such folder; make it first, or choose another",
    errno.ENOTDIR: "a part of that path is not a folder",
    errno.ELOOP: "its links lead in a circle; choose another name",
    errno.EISDIR: "that is a folder; add a file name",
    errno.ENAMETOOLONG: "the file name is too long; choose a shorter one",
}


class ExportError(Exception):
    """Nothing was written; the message says where, why and what to do."""


class TargetExistsError(ExportError):
    """The file is there already and was not to be replaced; it is as it was."""


class ExportCancelled(ExportError):  # noqa: N818 - a wish, not an error
    """The user stopped it; nothing was written."""


def as_os_error(error: BaseException) -> OSError | None:
    """The operating system's error behind `error`, with its number; None when it is something else.

    Polars raises `OSError` without a number, and `ComputeError` for Parquet; both name the number in their text.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return error
    found = _CODE.search(str(error))
    return OSError(int(found[1]), os.strerror(int(found[1]))) if found else None


def cannot_write(target: object, error: OSError) -> ExportError:
    """The error for a file that the system would not let us write; a replaced file is as it was."""
    cause = _CAUSES.get(error.errno or 0) or error.strerror or str(error)
    return ExportError(f"cannot write {target}: {cause}. Nothing was written.")
