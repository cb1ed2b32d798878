"""Names of open files: what they were redirected to is written on, never replaced."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fwbill_tui.user_paths import descriptor_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no such names")
HEADER = "start_time,usage_type"
GOOD, BAD = "2026-10-01 00:00:00 UTC,TEXT", "never,TEXT"


@pytest.mark.parametrize(
    ("name", "descriptor"),
    [("/dev/stdout", 1), ("//dev/stdout", 1), ("/dev/./stderr", 2), ("/dev/fd/3", 3), ("/proc/self/fd/12", 12),
     ("/dev/fd/x", None), ("dev/fd/3", None), ("/dev/null", None), ("/dev/fd/3/x", None), ("usage.csv", None), ("-", None)],
)  # fmt: skip
def test_names_of_open_files(name: str, descriptor: int | None) -> None:
    assert descriptor_of(name) == descriptor
    assert descriptor_of(Path(name)) == descriptor


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "usage.csv").write_text("\n".join((HEADER, GOOD, BAD)) + "\n")
    (tmp_path / "log").write_text("precious\n")
    (tmp_path / "log").chmod(0o640)
    return tmp_path


def run(folder: Path, redirected: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = f'exec "$@" {redirected}'
    return subprocess.run(
        ["sh", "-c", command, "sh", sys.executable, "-m", "fwbill_tui", *arguments], cwd=folder, capture_output=True, check=False,
        env={**os.environ, "FWBILL_DATA_DIR": str(folder / "data"), "FWBILL_CONFIG_DIR": str(folder / "config")},
    )  # fmt: skip


@pytest.mark.parametrize(("name", "redirected"), [
    ("/dev/stderr", "2>>log"), ("/dev/fd/3", "3>>log"), ("/proc/self/fd/2", "2>>log"), ("//dev/stdout", ">>log"),
    ("/dev/./stdout", ">>log"),
])  # fmt: skip
def test_an_export_to_an_open_file_is_added_to_it(folder: Path, name: str, redirected: str) -> None:
    done = run(folder, redirected, "export", "usage.csv", "--filename", name)
    assert done.returncode == 0, done.stderr
    text = (folder / "log").read_text()
    assert text.startswith("precious\n")
    assert "\nemail,start_time," in text
    assert "2026-10-01 00:00:00 UTC,,TEXT" in text
    assert (folder / "log").stat().st_mode & 0o777 == 0o640


def test_rejects_and_totals_share_what_stdout_was_redirected_to(folder: Path) -> None:
    done = run(folder, ">>log", "summary", "usage.csv", "-o", "csv", "--rejects", "/dev/stdout")
    assert done.returncode == 0, done.stderr
    text = (folder / "log").read_text()
    assert text.startswith("precious\n")
    assert BAD in text
    assert "events" in text
    assert (folder / "log").stat().st_mode & 0o777 == 0o640


def test_rejects_on_stderr_stand_among_what_is_said_there(folder: Path) -> None:
    done = run(folder, "2>>log", "summary", "usage.csv", "--rejects", "/dev/stderr")
    assert done.returncode == 0
    text = (folder / "log").read_text()
    assert text.startswith("precious\n")
    assert BAD in text


def test_standard_input_with_very_many_labels_is_read_in_one_go(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    with path.open("w") as file:
        file.write(f"{HEADER},base_model_name\n")
        file.writelines(f"{GOOD},m{number}\n" for number in range(70_000))
    with path.open("rb") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "fwbill_tui", "summary", "-", "-o", "csv"], stdin=stream, capture_output=True, check=False,
            env={**os.environ, "FWBILL_DATA_DIR": str(tmp_path / "data"), "FWBILL_CONFIG_DIR": str(tmp_path / "config")},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"70000" in done.stdout


def test_a_name_of_any_letters_in_any_locale(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fwbill_tui", "export", "usage.csv", "--filename", "öut-漢.csv"], cwd=folder, capture_output=True,
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "FWBILL_DATA_DIR": str(folder / "data"),
             "FWBILL_CONFIG_DIR": str(folder / "config")}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (folder / "öut-漢.csv").stat().st_size > 0
