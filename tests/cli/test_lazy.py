"""`--lazy` from end to end: the same answers and the same files as from memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from fwbill_tui.cli.main import run
from fwbill_tui.demo.generator import write_csv
from fwbill_tui.sources.launch import Launch

Fwbill = Callable[..., tuple[int, str, str]]
FILTERS = [
    (),
    ("--model", "*kimi*", "--sort=-completion_tokens,user"),
    ("--where", "prompt_tokens>2000", "--sort=user,start_time"),
    ("--search", "-embed", "--range", "2026-01-01..2027-01-01", "--time-zone", "Asia/Kolkata"),
]


@pytest.fixture(autouse=True)
def _usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    write_csv(tmp_path / "usage.csv", 3_000)


@pytest.fixture
def fwbill(capsysbinary: pytest.CaptureFixture[bytes]) -> Fwbill:
    """Run a command in this process; gives exit code, stdout and stderr."""

    def command(*arguments: str, opened: Callable[[Launch], int] = lambda _: 0) -> tuple[int, str, str]:
        code = run(arguments, open_explorer=opened)
        out, err = capsysbinary.readouterr()
        return code, out.decode(), err.decode()

    return command


@pytest.mark.parametrize("flags", FILTERS, ids=str)
@pytest.mark.parametrize("kind", ["csv", "parquet", "ndjson"])
def test_exports_are_the_same_bytes(fwbill: Fwbill, flags: tuple[str, ...], kind: str) -> None:
    for name, lazy in ((f"memory.{kind}", ()), (f"disk.{kind}", ("--lazy",))):
        assert fwbill("export", "usage.csv", "--filename", name, *flags, *lazy)[0] == 0
    if kind == "parquet":
        assert pl.read_parquet("disk.parquet").equals(pl.read_parquet("memory.parquet"))
    else:
        assert Path(f"disk.{kind}").read_bytes() == Path(f"memory.{kind}").read_bytes()


@pytest.mark.parametrize(
    "flags", [*FILTERS[::3], ("--group-by", "day,user"), ("--where", "total_tokens>5000", "--group-by", "model")]
)
def test_summaries_are_the_same(fwbill: Fwbill, flags: tuple[str, ...]) -> None:
    in_memory, on_disk = (fwbill("summary", "usage.csv", "-o", "csv", *flags, *lazy) for lazy in ((), ("--lazy",)))
    assert in_memory == on_disk
    assert in_memory[0] == 0


def test_is_handed_to_the_explorer_and_refused_without_files(fwbill: Fwbill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fwbill_tui.cli.explore.has_terminal", lambda: True)
    assert fwbill("usage.csv", "--lazy", opened=lambda launch: 40 + launch.lazy)[0] == 41
    code, _, err = fwbill("summary", "--lazy")
    assert (code, "--lazy applies to files" in err) == (2, True)
    code, _, err = fwbill("summary", "--lazy", "--rollup", "usage.csv")
    assert (code, "--rollup" in err) == (2, True)


def test_nothing_is_left_in_the_temporary_folder(fwbill: Fwbill, tmp_path: Path) -> None:
    import gc

    fwbill("export", "usage.csv", "--lazy", "--filename", "out.csv")
    gc.collect()
    assert not list(tmp_path.glob("fwbill-events-*"))


def test_a_temporary_folder_that_is_not_there_is_one_line(fwbill: Fwbill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/no/such/folder")
    said = "fwbill: the events cannot be kept in /no/such/folder: there is no such folder; name another in TMPDIR\n"
    assert fwbill("export", "usage.csv", "--lazy", "--filename", "out.csv") == (1, "", said)
    assert not Path("out.csv").exists()
