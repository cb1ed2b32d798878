"""Files appear whole or not at all, and are private."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fwbill_tui.export.atomic import new_file
from fwbill_tui.export.errors import ExportError, TargetExistsError


def write(path: Path, data: bytes = b"new", *, overwrite: bool = False) -> None:
    with new_file(path, overwrite=overwrite) as stream:
        stream.write(data)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_is_whole_and_private(tmp_path: Path) -> None:
    write(tmp_path / "usage.csv")
    assert (tmp_path / "usage.csv").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "usage.csv").stat().st_mode) == 0o600
    assert names(tmp_path) == ["usage.csv"]


def test_nothing_has_the_name_before_the_end_and_what_is_there_is_private(tmp_path: Path) -> None:
    with new_file(tmp_path / "usage.csv", overwrite=False) as stream:
        stream.write(b"half")
        stream.flush()
        (part,) = tmp_path.iterdir()
        assert part.name != "usage.csv"
        assert part.name.startswith(".")
        assert stat.S_IMODE(part.stat().st_mode) == 0o600


def test_replacing_keeps_the_old_file_until_the_end_and_its_permissions(tmp_path: Path) -> None:
    target = tmp_path / "usage.csv"
    target.write_bytes(b"old")
    target.chmod(0o644)
    with new_file(target, overwrite=True) as stream:
        stream.write(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o644


def test_an_existing_file_is_left_alone_unless_told(tmp_path: Path) -> None:
    target = tmp_path / "usage.csv"
    target.write_bytes(b"old")
    with pytest.raises(TargetExistsError, match=r"usage\.csv is there already"):
        write(target)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["usage.csv"]


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_a_file_that_appears_meanwhile_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    target = tmp_path / "usage.csv"
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", no_links)

    def write_slowly() -> None:
        with new_file(target, overwrite=False) as stream:
            stream.write(b"ours")
            target.write_bytes(b"theirs")

    with pytest.raises(TargetExistsError):
        write_slowly()
    assert target.read_bytes() == b"theirs"
    assert names(tmp_path) == ["usage.csv"]


def test_a_file_system_without_hard_links_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "hardlink_to", no_links)
    write(tmp_path / "usage.csv")
    assert (tmp_path / "usage.csv").read_bytes() == b"new"
    assert names(tmp_path) == ["usage.csv"]


def no_links(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), SystemExit(143)])
def test_what_stops_the_writing_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def write_half() -> None:
        with new_file(tmp_path / "usage.csv", overwrite=False) as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(type(error)):
        write_half()
    assert names(tmp_path) == []


def test_a_symbolic_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "real" / "usage.csv")
    write(tmp_path / "link.csv")
    write(tmp_path / "link.csv", b"newer", overwrite=True)
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real" / "usage.csv").read_bytes() == b"newer"
    assert names(tmp_path / "real") == ["usage.csv"]


def test_a_pipe_is_written_to_as_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write(tmp_path / "pipe", overwrite=True)
    reader.join()
    assert received == [b"new"]


def test_in_the_home_folder_files_and_pipes_are_what_they_are_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    target = tmp_path / "usage.csv"
    target.write_bytes(b"old")
    target.chmod(0o644)
    with pytest.raises(TargetExistsError):
        write(Path("~/usage.csv"))
    write(Path("~/usage.csv"), overwrite=True)
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    os.mkfifo(tmp_path / "pipe")
    end = os.open(tmp_path / "pipe", os.O_RDWR | os.O_NONBLOCK)
    try:
        write(Path("~/pipe"), overwrite=True)
        assert os.read(end, 10) == b"new"
    finally:
        os.close(end)
    assert names(tmp_path) == ["pipe", "usage.csv"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere/usage.csv", "no such folder"),
        ("folder", "that is a folder"),
        ("file/usage.csv", "not a folder"),
        ("x" * 300, "name is too long"),
    ],
)
def test_impossible_places_say_what_to_do(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ExportError, match=said) as caught:
        write(tmp_path / name, overwrite=True)
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == ["file", "folder"]


def test_the_longest_name_that_a_folder_takes_works(tmp_path: Path) -> None:
    name = "ü" * 125 + ".csv"
    write(tmp_path / name)
    assert names(tmp_path) == [name]


@pytest.fixture
def small_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("small_files")
def test_a_file_that_may_not_grow_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "usage.csv"
    target.write_bytes(b"old")
    with pytest.raises(ExportError, match="larger than this system allows"):
        write(target, b"x" * 1_000_000, overwrite=True)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["usage.csv"]


def test_a_full_device_is_said_in_one_line() -> None:
    with pytest.raises(ExportError, match="the disk is full") as caught:
        write(Path("/dev/full"), overwrite=True)
    assert "\n" not in str(caught.value)


def test_killing_the_program_never_shows_half_a_file(tmp_path: Path) -> None:
    target = tmp_path / "usage.csv"
    target.write_bytes(b"old")
    program = (
        "import pathlib, sys, time\n"
        "from fwbill_tui.export.atomic import new_file\n"
        "with new_file(pathlib.Path(sys.argv[1]), overwrite=True) as stream:\n"
        "    stream.write(b'half'); stream.flush(); print('writing', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(target)], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGKILL)
    assert target.read_bytes() == b"old"
