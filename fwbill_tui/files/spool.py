"""A private folder of temporary Parquet files, for events that stay on disk and are in no file that could be read again."""

from __future__ import annotations

import errno
import os
import tempfile
import weakref
from pathlib import Path

import polars as pl

from fwbill_tui.files.errors import SpoolError
from fwbill_tui.owned_folder import OwnedFolder

PREFIX = "fwbill-events-"
_ROW_GROUP = 1 << 17
_REASONS = {
    errno.ENOSPC: "the disk is full; name a folder with more room in TMPDIR",
    errno.EDQUOT: "the disk quota is used up; name a folder with more room in TMPDIR",
    errno.EACCES: "no permission; name another folder in TMPDIR",
    errno.ENOENT: "there is no such folder; name another in TMPDIR",
    errno.ENOTDIR: "that is no folder; name another in TMPDIR",
    errno.EROFS: "that file system is read-only; name another folder in TMPDIR",
}


class Spool:
    """Temporary files, for the user alone. Nothing is left of them once this object is gone or the program ends.

    What programs that were killed left behind is removed where another one begins.
    """

    def __init__(self, parent: Path | None = None) -> None:
        """The folder is made in `parent`, which TMPDIR names or the system has for it, when the first file is written."""
        self._parent = parent
        self._files = 0
        self.folder: Path | None = None
        """Where the files are; None while there are none."""
        self.size = 0
        """Bytes on disk."""

    def write(self, frame: pl.DataFrame) -> Path:
        """Write a file. Raises SpoolError."""
        try:
            folder = self._made()
            file = folder / f"{self._files:06}.parquet"
            frame.write_parquet(file, compression="lz4", row_group_size=_ROW_GROUP)
            self.size += file.stat().st_size
        except (OSError, pl.exceptions.PolarsError) as error:
            number = getattr(error, "errno", None)
            said = getattr(error, "strerror", None) or str(error).partition("\n")[0]
            reason = _REASONS.get(number, said) if number else said
            raise SpoolError(f"the events cannot be kept in {self._place()}: {reason}") from error
        self._files += 1
        return file

    def check(self) -> None:
        """Raise FileNotFoundError when somebody has removed the folder."""
        if self.folder is not None and not self.folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, f"the temporary folder {self.folder} was removed")

    def _place(self) -> Path | str:
        try:
            return self.folder or self._parent or usual_parent()
        except OSError:  # TMPDIR names none, and the system has none either
            return "a temporary folder"

    def _made(self) -> Path:
        if self.folder is None:
            owned = OwnedFolder(self._parent or usual_parent(), PREFIX)
            self.folder = owned.path
            weakref.finalize(self, owned.close)
        return self.folder


def usual_parent() -> Path:
    """What TMPDIR names; else /var/tmp, which is on a disk where /tmp may be in memory; else what the system has."""
    if named := os.environ.get("TMPDIR"):
        return Path(named)
    var_tmp = Path("/var/tmp")  # noqa: S108 - a folder of unpredictable name is made in it, for the user alone
    return var_tmp if os.access(var_tmp, os.W_OK) else Path(tempfile.gettempdir())
