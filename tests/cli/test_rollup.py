"""`--rollup` and `--format rollup` from end to end, on files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from fwbill_tui.cli.main import run
from fwbill_tui.demo.generator import write_csv
from fwbill_tui.sources.launch import Launch

Fwbill = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "usage.csv", 3_000)


@pytest.fixture
def fwbill(capsysbinary: pytest.CaptureFixture[bytes]) -> Fwbill:
    """Run a command in this process; gives exit code, stdout and stderr."""

    def command(*arguments: str, opened: Callable[[Launch], int] = lambda _: 0) -> tuple[int, str, str]:
        code = run(arguments, open_explorer=opened)
        out, err = capsysbinary.readouterr()
        return code, out.decode(), err.decode()

    return command


@pytest.mark.parametrize("name", ["r.parquet", "r.csv"])
def test_a_rollup_of_events_sums_to_the_same(fwbill: Fwbill, name: str) -> None:
    assert fwbill("export", "usage.csv", "--format", "rollup", "--filename", name) == (0, "", "")
    flags = ("--group-by", "model,day", "--search", "-gpt", "-o", "json")
    ours = json.loads(fwbill("summary", "usage.csv", *flags)[1])
    theirs = json.loads(fwbill("summary", "--rollup", name, *flags)[1])
    assert theirs["totals"] == ours["totals"]
    assert theirs["groups"] == ours["groups"]
    assert theirs["source"]["kind"] == "rollup"


@pytest.mark.parametrize("lazy", [(), ("--lazy",)], ids=["in memory", "on disk"])
def test_every_dimension_is_in_a_rollup_and_what_is_left_out_is_said(fwbill: Fwbill, lazy: tuple[str, ...]) -> None:
    events = pl.read_csv("usage.csv", infer_schema=False).with_row_index("number")
    few, many, free = (pl.col("number").mod(count).cast(pl.String) for count in (7, 100, 2_000))
    events.select(pl.exclude("number"), few.alias("team"), many.alias("deployment"), free.alias("request")).write_csv("more.csv")
    code, _, err = fwbill("export", "more.csv", *lazy, "--format", "rollup", "--search", "-gpt", "--filename", "r.parquet")
    assert (code, err) == (0, "fwbill: left out of the rollup, as they hold free text: request\n")
    for names in ("deployment,day", "team,model"):
        ours = json.loads(fwbill("summary", "more.csv", "--search", "-gpt", "--group-by", names, "-o", "json")[1])
        theirs = json.loads(fwbill("summary", "--rollup", "r.parquet", "--group-by", names, "-o", "json")[1])
        assert theirs["groups"] == ours["groups"]
        assert len(ours["groups"]) > 10


def test_filters_and_range_apply_to_what_is_summed(fwbill: Fwbill) -> None:
    assert fwbill("export", "usage.csv", "--format", "rollup", "--model", "*kimi*", "--where", "prompt_tokens>9000")[0] == 0
    ours = json.loads(fwbill("summary", "usage.csv", "--model", "*kimi*", "--where", "prompt_tokens>9000", "-o", "json")[1])
    theirs = json.loads(fwbill("summary", "--rollup", "usage_rollup.parquet", "-o", "json")[1])
    assert theirs["totals"] == ours["totals"]
    assert ours["totals"]["events"] > 0


def test_a_half_hour_zone_gets_a_rollup_it_can_read(fwbill: Fwbill) -> None:
    fwbill("export", "usage.csv", "--format", "rollup", "--time-zone", "Asia/Kolkata", "--filename", "fine.parquet")
    fwbill("export", "usage.csv", "--format", "rollup", "--filename", "hours.parquet")
    flags = ("--time-zone", "Asia/Kolkata", "--group-by", "day", "-o", "csv")
    assert fwbill("summary", "--rollup", "fine.parquet", *flags)[1] == fwbill("summary", "usage.csv", *flags)[1]
    code, out, err = fwbill("summary", "--rollup", "hours.parquet", *flags)
    assert (code, out) == (2, "")
    assert "buckets of an hour, which days in Asia/Kolkata cut in two" in err


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Australia/Lord_Howe"])  # half an hour off, the other a part of the year
def test_where_no_day_is_cut_any_zone_will_do(fwbill: Fwbill, zone: str) -> None:
    fwbill("export", "usage.csv", "--format", "rollup", "--filename", "hours.parquet")
    for flags in (["--group-by", "model", "-o", "csv"], ["-o", "csv"], ["--range", "everything", "--user", "*", "-o", "csv"]):
        asked = ("summary", "--rollup", "hours.parquet", "--time-zone", zone, *flags)
        assert fwbill(*asked) == fwbill("summary", "usage.csv", *flags)
    code, _, err = fwbill("summary", "--rollup", "hours.parquet", "--time-zone", "Asia/Kolkata", "--range", "2026-10-05")
    assert (code, "cuts in two" in err) == (2, True)


def test_a_rollup_of_days_has_no_hours(fwbill: Fwbill) -> None:
    fwbill("export", "usage.csv", "--format", "rollup", "--filename", "hours.parquet")
    days = pl.read_parquet("hours.parquet").with_columns(pl.col("bucket").dt.truncate("1d"))
    days.write_parquet("days.parquet")
    code, out, err = fwbill("summary", "--rollup", "days.parquet", "--group-by", "hour")
    assert (code, out) == (2, "")
    assert "no hours: group by day or month" in err
    by_day = ("--group-by", "day", "-o", "csv")
    assert fwbill("summary", "--rollup", "days.parquet", *by_day) == fwbill("summary", "usage.csv", *by_day)


def test_what_is_exported_from_a_rollup_is_one(fwbill: Fwbill) -> None:
    fwbill("export", "usage.csv", "--format", "rollup", "--filename", "r.parquet")
    assert fwbill("export", "--rollup", "r.parquet", "--search", "kimi", "--sort=-events", "--filename", "kimi.csv")[0] == 0
    written = pl.read_csv("kimi.csv")
    assert written.columns == pl.read_parquet("r.parquet").columns
    assert written.get_column("events").is_sorted(descending=True)
    ours = fwbill("summary", "usage.csv", "--search", "kimi", "-o", "csv")
    assert fwbill("summary", "--rollup", "kimi.csv", "-o", "csv") == ours


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("summary", "--rollup"), "--rollup says what the FILEs are"),
        (("summary", "--rollup", "usage.csv", "--strict"), "--strict cannot apply to rollups"),
        (("summary", "--rollup", "usage.csv", "--rejects", "no.csv"), "--rejects cannot apply to rollups"),
        (("export", "usage.csv", "--format", "rollup", "--group-by", "model"), "--group-by cannot apply to a rollup"),
        (("export", "usage.csv", "--format", "rollup", "--sort", "model"), "--sort cannot apply to a rollup"),
        (("export", "usage.csv", "--format", "rollup", "--columns", "model"), "--columns cannot apply to a rollup"),
        (("export", "usage.csv", "--format", "rollup", "--filename", "r.ndjson"), "a rollup is written as Parquet or CSV"),
    ],
)
def test_flags_that_cannot_apply_are_refused(fwbill: Fwbill, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = fwbill(*arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_a_condition_on_events_is_refused(fwbill: Fwbill) -> None:
    fwbill("export", "usage.csv", "--format", "rollup")
    code, out, err = fwbill("summary", "--rollup", "usage_rollup.parquet", "--where", "prompt_tokens>1")
    assert (code, out) == (2, "")
    assert "a rollup has no single events" in err


def test_sums_that_no_rollup_file_holds_are_not_written(fwbill: Fwbill) -> None:
    event = f"2026-10-01 09:00:00 UTC,TEXT,{2**63 - 1}\n"
    Path("many.csv").write_text(f"start_time,usage_type,prompt_tokens\n{event * 2}")
    code, out, err = fwbill("export", "many.csv", "--format", "rollup")
    assert (code, out) == (2, "")
    assert "sums of prompt_tokens, uncached_prompt_tokens do not fit the 64 bits that a rollup has for them" in err
    assert err.count("\n") == 1
    assert not Path("usage_rollup.parquet").exists()


def test_events_and_rollups_are_not_confused(fwbill: Fwbill) -> None:
    fwbill("export", "usage.csv", "--format", "rollup")
    assert "leave --rollup out" in fwbill("summary", "--rollup", "usage.csv")[2]
    assert "add --rollup" in fwbill("summary", "usage_rollup.parquet")[2]


def test_the_explorer_is_told(fwbill: Fwbill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fwbill_tui.cli.explore.has_terminal", lambda: True)
    launched: list[Launch] = []
    fwbill("--rollup", "usage.csv", opened=lambda launch: launched.append(launch) or 0)
    assert launched[0].rollup
    assert launched[0].inputs == ("usage.csv",)
