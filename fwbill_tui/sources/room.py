"""Whether events fit into memory: what they would take, and what is free."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from fwbill_tui.files.inputs import Input
from fwbill_tui.files.opening import opened
from fwbill_tui.usage.names import ExportFormatError

MOST = 0.6
"""The share of free memory that events may take: loading needs room beside them."""

_PER_CSV_BYTE = 0.34
"""Bytes in memory per byte of CSV, as measured on exports of one to ten million events."""
_COMPRESSED = 12
"""Bytes of CSV per byte of gzip or zstd: usage exports repeat themselves a lot."""
_PER_ROW = 64
"""Bytes in memory per event."""
_CGROUP = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
_FILES_2 = ("memory.max", "memory.current", "file")
_FILES_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache")
"""Names of a group's limit and use, and of its file cache among its statistics."""


def memory_of_events(inputs: Sequence[Input]) -> int:
    """The bytes of memory that the events of some inputs would take, roughly; what cannot be known beforehand is left out.

    That is standard input, and CSV in object storage. So is what cannot be read: reading it will say why.
    """
    return sum(map(_memory_of, inputs))


def _memory_of(source: Input) -> int:
    try:
        if source.url is not None:
            from fwbill_tui.files.remote import kind_of, parquet_objects

            return _rows(parquet_objects(source.url)) * _PER_ROW if kind_of(source.url) == "parquet" else 0
        if source.path is None or source.size is None:
            return 0
        with opened(source) as file:
            if file.kind == "parquet":
                return _rows([str(source.path)]) * _PER_ROW
            return int(source.size * _PER_CSV_BYTE * (_COMPRESSED if file.compressed else 1))
    except (ExportFormatError, OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return 0


def _rows(files: Sequence[str]) -> int:
    return sum(int(pl.scan_parquet(file, glob=False).select(pl.len()).collect().item()) for file in files)


def free_memory() -> int | None:
    """The bytes of memory that this process may still take; None where the system does not say."""
    known = [room for room in (_of_machine(), _of_container(), _of_process()) if room is not None]
    return max(0, min(known)) if known else None


def _of_machine() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    except (OSError, ValueError, IndexError):
        pass
    try:
        # Elsewhere only the whole is known without starting a program; half of it is mostly free.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):
        return None


def _of_container() -> int | None:
    """What the control groups of this process leave: those of a container, a service, a job of a cluster (cgroups(7))."""
    try:
        groups = [line.split(":", 2) for line in _OWN_GROUPS.read_text().splitlines()]
    except OSError:
        return None
    rooms = []
    for _, controllers, path in groups:
        if controllers == "":  # version 2, alone or beside version 1
            rooms += [_in_group(_CGROUP / mount, path, _FILES_2) for mount in ("", "unified")]
        elif "memory" in controllers.split(","):
            rooms.append(_in_group(_CGROUP / "memory", path, _FILES_1))
    known = [room for room in rooms if room is not None]
    return min(known) if known else None


def _in_group(mount: Path, path: str, files: tuple[str, str, str]) -> int | None:
    """The least that a group and those around it leave. Their file cache is given back when it is needed."""
    limit, usage, cache = files
    inner = mount / path.lstrip("/")
    rooms = []
    for group in (inner, *inner.parents):
        try:
            most, used = (group / limit).read_text().strip(), int((group / usage).read_text())
            statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            if most != "max":
                rooms.append(int(most) - used + int(statistics.get(cache, 0)))
        except (OSError, ValueError):
            pass  # the root of all groups has no such files, and a container may see its own group at the mount alone
        if group == mount:
            break
    return min(rooms) if rooms else None


def _of_process() -> int | None:
    """What a limit on the process (`ulimit -v`) leaves."""
    if sys.platform == "win32":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY:
        return None
    try:
        return soft - int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return soft
