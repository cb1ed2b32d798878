"""Where rejected rows may be written, and what is never replaced."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from fwbill_tui.files.rejects import write_rejects
from fwbill_tui.usage.schema import Reject

REJECT = Reject("usage.csv", 3, "start_time", "'yesterday' is not a time", "ana@x,yesterday")
WRITTEN = "source,line,column,reason,text\nusage.csv,3,start_time,'yesterday' is not a time,\"ana@x,yesterday\"\n"


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    assert write_rejects(link, [REJECT]) == 1
    reader.join(5)
    assert read == [WRITTEN]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, pipe]


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "rejects.csv", tmp_path / "link"
    file.write_text("old")
    link.symlink_to(file)
    write_rejects(link, [REJECT])
    assert link.is_symlink()
    assert file.read_text() == WRITTEN


@pytest.mark.parametrize("mode", [0o644, 0o664, 0o400])
def test_a_file_that_is_there_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "rejects.csv"
    file.write_text("old")
    file.chmod(mode)
    write_rejects(file, [REJECT])
    assert file.read_text() == WRITTEN
    assert stat.S_IMODE(file.stat().st_mode) == mode


def test_a_pipe_without_a_name_is_written_to() -> None:
    reading, writing = os.pipe()
    try:
        write_rejects(Path(f"/dev/fd/{writing}"), [REJECT])
        assert os.read(reading, 1000).decode() == WRITTEN
    finally:
        os.close(reading)
        os.close(writing)


def test_a_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(IsADirectoryError, match="folder"):
        write_rejects(folder, [REJECT])
    assert list(tmp_path.iterdir()) == [folder]
