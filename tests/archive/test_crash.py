"""At whatever moment a program ends, or the disk is full, the archive is as it was before or as it is after.

First every moment is tried: each call that changes the disk is, in turn, the last that a program makes. Then programs are
really killed, at random moments: FWBILL_KILLS says how many (a dozen unless it is set).
"""

from __future__ import annotations

import errno
import os
import random
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from archive_support import NOW, an_archive, contents, day, fetch, left_over, same, version

from fwbill_tui.archive.account import MANIFEST, AccountArchive
from fwbill_tui.archive.archive import Archive
from fwbill_tui.archive.disk import replace
from fwbill_tui.archive.errors import ArchiveError
from fwbill_tui.usage.schema import EventTypes

KILLS = int(os.environ.get("FWBILL_KILLS", "12"))
CALLS = ("open", "write", "fsync", "replace", "rename", "unlink", "mkdir", "chmod")


class Killed(BaseException):
    """Stands for the end of the program: nothing it does afterwards has an effect."""


@contextmanager
def last_call(number: int, end: Callable[[], BaseException]) -> Iterator[list[str]]:
    """From the `number`-th call on that changes the disk, every such call fails; a write gets half of its bytes down."""
    made: list[str] = []
    real = {name: getattr(os, name) for name in CALLS}

    def guarded(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            made.append(name)
            if len(made) < number:
                return real[name](*arguments, **options)
            if len(made) == number and name == "write":
                real["write"](arguments[0], arguments[1][: len(arguments[1]) // 2])
            raise end()

        return call

    try:
        for name in CALLS:
            setattr(os, name, guarded(name))
        yield made
    finally:
        for name, function in real.items():
            setattr(os, name, function)


BEFORE = {day(number): version(day(number), 1) for number in range(2)}
AFTER = BEFORE | {day(number): version(day(number), 2) for number in (1, 2)}


def prepared(root: Path) -> AccountArchive:
    archive = an_archive(root)
    archive.store(fetch(1), BEFORE.items())
    return archive


def store(archive: AccountArchive) -> None:
    archive.store(fetch(2), [(on, AFTER[on]) for on in (day(1), day(2))])


def set_aside(archive: AccountArchive) -> None:
    kept = archive.manifest().days[day(1)]
    path = archive.folder / kept.file
    if path.exists():
        path.write_bytes(b"no")
    (part,) = archive.read([kept], EventTypes())
    archive.set_aside(part.damaged)


def drop(archive: AccountArchive) -> None:
    archive.drop([day(1)])


def begin(archive: AccountArchive) -> None:
    """The very first store, with every folder still to be made."""
    Archive(archive.root).forget(archive.host, archive.account)
    archive.store(fetch(1), BEFORE.items())


WITHOUT = {day(0): BEFORE[day(0)]}
ACTS: dict[Callable[[AccountArchive], None], list[dict[date, pl.DataFrame]]] = {
    store: [BEFORE, AFTER],
    drop: [BEFORE, WITHOUT],
    begin: [BEFORE, {}],
}


def calls_of(act: Callable[[AccountArchive], None], root: Path) -> int:
    archive = prepared(root)
    with last_call(10**9, Killed) as made:
        act(archive)
    return len(made)


@pytest.mark.parametrize("act", ACTS)
def test_killed_at_every_moment(tmp_path: Path, act: Callable[[AccountArchive], None]) -> None:
    outcomes = ACTS[act]
    total = calls_of(act, tmp_path / "0")
    assert total > 5
    seen = set()
    for number in range(1, total + 1):
        archive = prepared(tmp_path / str(number))
        with last_call(number, Killed), pytest.raises(Killed):
            act(archive)
        found = contents(archive)
        (outcome,) = [which for which, expected in enumerate(outcomes) if same(found, expected)]
        seen.add(outcome)
        act(archive)  # the next program does it again
        assert same(contents(archive), outcomes[-1] if act is not begin else BEFORE)
    assert seen == set(range(len(outcomes)))


def test_killed_at_every_moment_of_setting_aside(tmp_path: Path) -> None:
    for number in range(1, calls_of(set_aside, tmp_path / "0") + 1):
        archive = prepared(tmp_path / str(number))
        with last_call(number, Killed), pytest.raises(Killed):
            set_aside(archive)
        if day(1) in archive.manifest().days:  # not yet: it is found again
            set_aside(archive)
        assert same(contents(archive), WITHOUT)


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_disk_that_fails_at_every_moment(tmp_path: Path, reason: int) -> None:
    for number in range(1, calls_of(store, tmp_path / "0") + 1):
        archive = prepared(tmp_path / str(number))
        said = ""
        try:
            with last_call(number, lambda: OSError(reason, os.strerror(reason))):
                store(archive)
        except ArchiveError as error:
            said = str(error)
        assert "Errno" not in said
        assert not said or str(archive.root) in said
        found = contents(archive)
        assert same(found, AFTER) or (same(found, BEFORE) and said), "what was not stored is said"
        store(archive)
        assert same(contents(archive), AFTER)


@pytest.mark.parametrize("reason", [errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EACCES, errno.EIO])
def test_a_file_system_that_syncs_no_folders_keeps_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int) -> None:
    synced = os.fsync
    refused: list[int] = []

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            refused.append(descriptor)
            raise OSError(reason, os.strerror(reason))
        synced(descriptor)

    archive = prepared(tmp_path)
    monkeypatch.setattr(os, "fsync", fsync)
    store(archive)
    assert same(contents(archive), AFTER)
    replace(tmp_path / "file", b"old")
    replace(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert len(refused) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="no such limits")
def test_a_disk_that_is_full_for_real(tmp_path: Path) -> None:
    """The system refuses to let files grow beyond a limit, as it does when a disk or a quota is full."""
    import resource

    archive = prepared(tmp_path)
    largest = {on: version(on, 2, rows=3000) for on in (day(1), day(2))}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (0, 1, 100, 1000, 3000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(ArchiveError, match=r"larger than this system allows|disk"):
                archive.store(fetch(2), largest.items())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert same(contents(archive), BEFORE)
        assert left_over(archive) == set()
    archive.store(fetch(2), largest.items())
    assert same(contents(archive), BEFORE | largest)


# -- real programs -------------------------------------------------------------------------------------------------------
WRITER = """
import sys
from datetime import timedelta
from pathlib import Path
sys.path.insert(0, {here!r})
from archive_support import NOW, an_archive, day, fetch, version
root, number, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
archive = an_archive(root, now=NOW + timedelta(days=30))
print("ready", flush=True)
sys.stdin.readline()
for each in range(number, number + rounds):
    archive.store(fetch(each), [(day(each % 5 + later), version(day(each % 5 + later), each)) for later in range(4)])
print("done", flush=True)
"""


def writer(root: Path, number: int, rounds: int) -> subprocess.Popen[str]:
    program = WRITER.format(here=str(Path(__file__).parent))
    command = [sys.executable, "-c", program, str(root), str(number), str(rounds)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def go(program: subprocess.Popen[str]) -> None:
    assert program.stdout is not None
    assert program.stdin is not None
    assert program.stdout.readline() == "ready\n"
    program.stdin.write("go\n")
    program.stdin.flush()


def end(program: subprocess.Popen[str]) -> None:
    program.kill()
    program.communicate()


def assert_valid(archive: AccountArchive) -> None:
    """Every day is whole and of one fetch, and every fetch has the days that later ones left of it."""
    found = contents(archive)
    for on, events in found.items():
        (number,) = events["prompt_tokens"].unique().to_list()
        assert same({on: events}, {on: version(on, number)})
        assert archive.manifest().days[on].fetch == fetch(number)


def test_killed_for_real(tmp_path: Path) -> None:
    chance = random.Random(2026)
    archive = an_archive(tmp_path, now=NOW + timedelta(days=30))
    waiting = [writer(tmp_path, 1, 10_000), writer(tmp_path, 10_001, 10_000)]
    try:
        for kill in range(KILLS):
            program = waiting.pop(0)
            go(program)
            if kill + 2 < KILLS:
                waiting.append(writer(tmp_path, (kill + 2) * 10_000 + 1, 10_000))
            time.sleep(chance.uniform(0, 0.15))
            end(program)
            assert_valid(archive)
    finally:
        for program in waiting:
            end(program)
    archive.store(fetch(10**8), [(day(0), version(day(0), 10**8))])
    assert_valid(archive)
    assert len(archive.manifest().days) >= 4


def test_two_programs_at_once(tmp_path: Path) -> None:
    archive = an_archive(tmp_path, now=NOW + timedelta(days=30))
    programs = [writer(tmp_path, 1, 40), writer(tmp_path, 1001, 40)]
    done = threading.Event()
    errors: list[BaseException] = []

    def read() -> None:
        try:
            while not done.is_set():
                manifest = archive.manifest()
                for part in archive.read(list(manifest.days.values()), EventTypes()):
                    assert part.damaged == ()
        except BaseException as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for program in programs:
            go(program)
        assert [program.communicate(timeout=60)[0] for program in programs] == ["done\n", "done\n"]
    finally:
        done.set()
        reader.join()
        for program in programs:
            end(program)
    assert errors == []
    assert_valid(archive)
    # The later fetch of each day is there, whichever program was faster.
    expected = {number % 5 + later: number for number in range(1001, 1041) for later in range(4)}
    kept = {on: int(held.fetch.key, 16) for on, held in archive.manifest().days.items()}
    assert kept == {day(number): last for number, last in expected.items()}
    assert left_over(archive) == set()


def test_threads_of_one_program_take_turns(tmp_path: Path) -> None:
    archive = prepared(tmp_path)
    threads = [
        threading.Thread(target=archive.store, args=(fetch(number), [(day(number), version(day(number), number))]))
        for number in range(10, 22)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same(contents(archive), BEFORE | {day(number): version(day(number), number) for number in range(10, 22)})
    assert (archive.folder / MANIFEST).exists()
