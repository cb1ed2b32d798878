"""A file that was cut inside its last number reads well, with a wrong number in it: that its last line does not end is said."""

from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path

import pytest

from fwbill_tui.cli.main import run

WHOLE = (
    "email,start_time,usage_type,prompt_tokens\nana@x,2026-10-01 09:00:00 UTC,TEXT,120\nbo@x,2026-10-01 09:00:00 UTC,TEXT,4500\n"
)
CUT = WHOLE[:-3]
SAID = "the last line has no line end; it may be cut"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "whole.csv").write_text(WHOLE)
    (tmp_path / "cut.csv").write_text(CUT)
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(CUT.encode()))
    return tmp_path


@pytest.mark.parametrize("flags", [[], ["--lazy"], ["--group-by", "model"], ["--where", "prompt_tokens>1"], ["-o", "json"]])
def test_a_summary_says_so(capsys: pytest.CaptureFixture[str], flags: list[str]) -> None:
    for name in ("cut.csv", "cut.csv.gz"):
        assert run(["summary", name, *flags], open_explorer=lambda _: 0) == 0
        assert capsys.readouterr().err == f"fwbill: {name}: {SAID}\n"
    assert run(["summary", "whole.csv", *flags], open_explorer=lambda _: 0) == 0
    assert capsys.readouterr().err == ""


def test_of_several_files_the_first_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", ".", "--strict", "--filename", "out.parquet"], open_explorer=lambda _: 0) == 0
    assert capsys.readouterr().err == f"fwbill: cut.csv and 1 other file: {SAID}\n"


def test_what_is_piped_in_needs_no_line_end(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CUT.encode())))
    assert run(["summary", "-", "-o", "json"], open_explorer=lambda _: 0) == 0
    said = capsys.readouterr()
    assert (json.loads(said.out)["totals"]["prompt_tokens"], said.err) == (165, "")
