"""Names of files and folders that lead nowhere: one line, whatever is wrong with them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from fwbill_tui.cli.main import run

HEADER = "email,start_time,usage_type\n"
ROW = "ana@x,2026-10-01 09:00:00 UTC,TEXT\n"
LONG = "x" * 300 + ".csv"
USER = "~nobody-of-that-name/x.csv"
ODD = os.fsdecode(b"n\xff")


@pytest.fixture(autouse=True)
def usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "usage.csv").write_text(HEADER + ROW)
    (tmp_path / "bad.csv").write_text(HEADER + ROW + ROW.replace("2026", "never"))
    (tmp_path / "there").symlink_to("back")
    (tmp_path / "back").symlink_to("there")
    return tmp_path


def fwbill(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = run(arguments, open_explorer=lambda _: 0)
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "reason"),
    [(LONG, "file name too long"), (USER, "there is no such user behind ~"), ("there", "too many levels of symbolic links")],
)
def test_a_file_that_cannot_be_there_is_one_line(capsys: pytest.CaptureFixture[str], name: str, reason: str) -> None:
    assert fwbill(capsys, "summary", name) == (1, f"fwbill: {name}: {reason}\n")
    if name != "there":
        assert fwbill(capsys, name) == (1, f"fwbill: {name}: {reason}\n")


@pytest.mark.parametrize("flags", [["--filename"], ["--no-clobber", "--filename"], ["--filename", "out.csv", "--rejects"]])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (LONG, "the file name is too long; choose a shorter one"),
        (USER, "there is no such user behind ~"),
        ("there", "its links lead in a circle; choose another name"),
        ("there/out.csv", "its links lead in a circle; choose another name"),
    ],
)
def test_a_name_that_cannot_be_written_to_is_one_line(
    capsys: pytest.CaptureFixture[str], usage: Path, flags: list[str], name: str, reason: str
) -> None:
    before = sorted(usage.iterdir())
    said = f"fwbill: cannot write {name}: {reason}. Nothing was written.\n"
    assert fwbill(capsys, "export", "bad.csv", *flags, name) == (1, said)
    assert sorted(usage.iterdir()) == before


def test_names_need_not_be_utf8(capsys: pytest.CaptureFixture[str], usage: Path) -> None:
    shutil.copy("bad.csv", f"{ODD}.csv")
    command = ("export", f"{ODD}.csv", "--filename", f"{ODD}-out.csv", "--rejects", f"{ODD}-rejects.csv", "--columns", "email")
    code, said = fwbill(capsys, *command)
    assert (code, said.count("\n")) == (0, 1)
    assert "; left out (all in n<U+DCFF>-rejects.csv)" in said
    assert (usage / f"{ODD}-out.csv").read_text() == "email\nana@x\n"
    assert r"n\udcff.csv,3,start_time" in (usage / f"{ODD}-rejects.csv").read_text(encoding="utf-8")


def test_what_is_searched_is_utf8_in_every_locale(usage: Path) -> None:
    (usage / "usage.csv").write_text(HEADER + ROW.replace("ana", "søren") + ROW, encoding="utf-8")
    environ = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for flags in (["--search", "SØREN"], ["--user", "søren@x"], ["--only", "user=søren@x"]):
        command = [sys.executable, "-m", "fwbill_tui", "summary", "usage.csv", "-o", "json", *flags]
        done = subprocess.run(command, capture_output=True, env=environ, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert json.loads(done.stdout)["totals"]["events"] == 1


@pytest.mark.parametrize("flags", [[], ["--rollup"], ["--lazy"]])
def test_a_parquet_file_whose_name_is_not_utf8_is_refused(capsys: pytest.CaptureFixture[str], flags: list[str]) -> None:
    pl.DataFrame({"start_time": ["2026-10-01 09:00:00 UTC"], "usage_type": ["TEXT"]}).write_parquet("usage.parquet")
    Path("usage.parquet").rename(f"{ODD}.parquet")
    said = "fwbill: n<U+DCFF>.parquet: its name is not UTF-8, as a Parquet file's has to be; rename it\n"
    assert fwbill(capsys, "summary", f"{ODD}.parquet", *flags) == (1, said)


def test_nothing_can_be_written_to_a_current_folder_that_was_removed(capsys: pytest.CaptureFixture[str], usage: Path) -> None:
    (usage / "gone").mkdir()
    os.chdir(usage / "gone")
    (usage / "gone").rmdir()
    why = "there is no such folder; make it first, or choose another. Nothing was written.\n"
    assert fwbill(capsys, "export", str(usage / "usage.csv")) == (1, f"fwbill: cannot write billing_metrics.csv: {why}")
    assert fwbill(capsys, "export", str(usage / "usage.csv"), "--filename", str(usage / "out.csv")) == (0, "")


def test_a_variable_that_names_no_folder_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, usage: Path
) -> None:
    monkeypatch.setenv("FWBILL_DATA_DIR", USER)
    said = f"fwbill: FWBILL_DATA_DIR names the folder {USER}: there is no such user behind ~; name another, from / on\n"
    assert fwbill(capsys, "archive", "list") == (2, said)
    monkeypatch.setenv("HOME", str(usage))
    for named, why in ((USER, "there is no such user behind ~"), ("there", "Too many levels of symbolic links")):
        monkeypatch.setenv("FIREWORKS_AUTH_FILE", named)
        code, said = fwbill(capsys, "accounts")
        assert code == 3
        assert f"file of FIREWORKS_AUTH_FILE ({named}): cannot be read: {why}" in said


@pytest.mark.parametrize("variable", ["FWBILL_DATA_DIR", "FWBILL_CONFIG_DIR"])
def test_the_screens_are_not_opened_where_a_variable_names_no_folder(usage: Path, variable: str) -> None:
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")
    screen, terminal = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-m", "fwbill_tui", "usage.csv"], stdin=terminal, stdout=terminal, stderr=subprocess.PIPE, cwd=usage,
        env=os.environ | {variable: USER},
    )  # fmt: skip
    said = program.communicate(timeout=60)[1].decode()
    os.close(terminal)
    os.close(screen)
    assert program.returncode == 2
    assert said == f"fwbill: {variable} names the folder {USER}: there is no such user behind ~; name another, from / on\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["summary", "locked/usage.csv"], "locked/usage.csv: permission denied"),
        (["summary", "locked"], "locked: permission denied"),
        (["summary", "."], "locked: permission denied"),
        (["summary", "locked/u*.csv"], "locked: permission denied"),
        (["summary", "*/usage.csv"], "locked/usage.csv: permission denied"),
        (["summary", "**/*.csv"], "locked: permission denied"),
        (["summary", "l*"], "locked: permission denied"),
        (["summary", "z*/*.csv"], "z-link: permission denied"),
        (["summary", "zlinks"], "zlinks/there: permission denied"),
        (["summary", "usage.csv", "locked/usage.csv", "--rejects", "r.csv"], "locked/usage.csv: permission denied"),
        (["export", "usage.csv", "--filename", "locked/out.csv"], "cannot write locked/out.csv: no permission"),
        (["export", "usage.csv", "--filename", "locked/out.csv", "--no-clobber"], "cannot write locked/out.csv: no permission"),
        (["summary", "bad.csv", "--rejects", "locked/rejects.csv"], "cannot write locked/rejects.csv: no permission"),
        (["locked/usage.csv"], "locked/usage.csv: permission denied"),
    ],
)
def test_a_folder_that_may_not_be_entered_is_one_line(usage: Path, arguments: list[str], said: str) -> None:
    done = with_a_locked_folder(usage, *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"fwbill: {said}")


@pytest.mark.parametrize(
    ("files", "events", "said"),
    [
        (["usage.csv", "locked"], 1, "locked"),
        (["usage.csv", "zlinks"], 1, "zlinks/there"),
        (["usage.csv", "locked/usage.csv"], 1, "locked/usage.csv"),
        (["*/*.csv", "usage.csv"], 1, "locked"),
        (["**/u*.csv"], 1, "locked"),
        (["locked"], 0, "locked"),
    ],
)
def test_a_folder_that_may_not_be_entered_is_left_out_aloud(usage: Path, files: list[str], events: int, said: str) -> None:
    done = with_a_locked_folder(usage, "summary", *files, "--skip-unreadable", "--rejects", "r.csv", "-o", "json")
    assert (done.returncode, json.loads(done.stdout)["source"]["complete"]) == (0, False)
    assert json.loads(done.stdout)["source"]["events"] == events
    assert f"fwbill: partial: {said}: permission denied\n" in done.stderr


def with_a_locked_folder(usage: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run fwbill beside a folder that it may not enter, a link to that, and a folder with a link into it."""
    command = [sys.executable, "-m", "fwbill_tui", *arguments]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may enter every folder, and setpriv is not there to take that away")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    (usage / "locked" / "within").mkdir(parents=True)
    shutil.copy("usage.csv", "locked")
    (usage / "z-link").symlink_to("locked")
    (usage / "zlinks").mkdir()
    (usage / "zlinks" / "there").symlink_to("../locked/within")
    (usage / "locked").chmod(0)
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    finally:
        (usage / "locked").chmod(0o700)
