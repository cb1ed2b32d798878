"""The private folder that a key is handed over in, and what becomes of it after a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from fwbill_tui.fireworks import errors
from fwbill_tui.fireworks.private_folder import PREFIX, inner_folder, private_folder, write_sign_in
from fwbill_tui.fireworks.probe import firectl_version
from fwbill_tui.fireworks.secret import Secret
from fwbill_tui.owned_folder import sweep

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
        sweep(tmp_path, PREFIX)
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
    sweep(tmp_path, PREFIX)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in (young, elsewhere, link, file))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    with pytest.raises(errors.StorageError, match="TMPDIR"), private_folder(tmp_path / "gone"):
        pass
    with pytest.raises(errors.StorageError, match=r"No such file or directory.*TMPDIR"):
        inner_folder(tmp_path / "gone", "0")
    with pytest.raises(errors.StorageError, match="TMPDIR"):
        write_sign_in(tmp_path / "gone" / "home", Secret("fw_canary"))


def test_a_machine_without_a_temporary_folder_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/no/such/folder"])
    with pytest.raises(errors.StorageError, match=r"No usable temporary directory.*TMPDIR"), private_folder():
        pass
    with pytest.raises(errors.StorageError, match="TMPDIR"):
        firectl_version(Path(sys.executable), environ=os.environ)


def test_an_error_of_what_is_done_in_it_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), private_folder(tmp_path) as folder:
        (folder / "nothing").read_bytes()
