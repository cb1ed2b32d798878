"""The private folder that a key is handed over in, and what becomes of it after a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fwbill_tui.fireworks import errors
from fwbill_tui.fireworks.private_folder import PREFIX, private_folder, sweep, write_sign_in
from fwbill_tui.fireworks.secret import Secret

OWNER = """
import sys
from pathlib import Path
from fwbill_tui.fireworks.private_folder import private_folder, write_sign_in
from fwbill_tui.fireworks.secret import Secret
with private_folder(Path(sys.argv[1])) as folder:
    write_sign_in(folder / "home", Secret("fw_canary"))
    print("ready", flush=True)
    sys.stdin.read()
"""


def age(folder: Path) -> None:
    os.utime(folder, (1, 1))


def test_it_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with private_folder(tmp_path) as folder:
        write_sign_in(folder / "home", Secret("fw_canary"))
        paths = [folder, *folder.rglob("*")]
        assert {path.stat().st_mode & 0o077 for path in (folder, folder / "home/.fireworks/auth.ini")} == {0}
        assert len(paths) == 5
    assert list(tmp_path.iterdir()) == []


def test_it_is_gone_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), private_folder(tmp_path):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_program_left_is_swept_away_but_not_what_a_living_one_uses(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        (folder,) = tmp_path.iterdir()
        age(folder)
        sweep(tmp_path)
        assert folder.exists()
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    assert (folder / "home/.fireworks/auth.ini").exists()
    age(folder)
    with private_folder(tmp_path) as other:
        assert list(tmp_path.iterdir()) == [other]


def test_what_is_young_or_not_ours_stays(tmp_path: Path) -> None:
    young = tmp_path / f"{PREFIX}1-young"
    young.mkdir()
    old = tmp_path / f"{PREFIX}1-old"
    old.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = tmp_path / f"{PREFIX}1-link"
    link.symlink_to(elsewhere)
    file = tmp_path / f"{PREFIX}1-file"
    file.write_text("x")
    for path in (old, elsewhere, file):
        age(path)
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in (young, elsewhere, link, file))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    with pytest.raises(errors.StorageError, match="TMPDIR"), private_folder(tmp_path / "gone"):
        pass
