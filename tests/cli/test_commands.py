"""`summary` and `export` on files: what they print and write, what they refuse, and with which exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from fwbill_tui.cli.main import run
from fwbill_tui.sources.launch import Launch
from fwbill_tui.usage.query import Query, SortKey

HEADER = (
    "email,start_time,end_time,usage_type,accelerator_type,accelerator_seconds,base_model_name,model_bucket,parameter_count,"
    "prompt_tokens,completion_tokens,cached_prompt_tokens,uncached_prompt_tokens"
)
KIMI, GLM = "accounts/fireworks/models/kimi-k3", "accounts/fireworks/models/glm-5p3"
ROWS = [
    f"ana@x,2026-10-01 09:00:00 UTC,2026-10-01 09:00:00 UTC,TEXT,,,{KIMI},Kimi K3,1000,1234567,89,1000000,234567",
    f'"Ops, EU",2026-10-02 23:30:00 UTC,2026-10-02 23:30:00 UTC,TEXT,,,{KIMI},Kimi K3,1000,10,1,0,10',
    f"ana@x,2026-11-01 00:00:00 UTC,2026-11-01 02:00:00.500 UTC,GPU,NVIDIA_H100_80GB,7200.5,{GLM},glm-5p3,,,,,",
]
BAD = "ana@x,yesterday,,TEXT,,,,,,,,,"


@pytest.fixture
def usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "usage.csv").write_text("\n".join([HEADER, *ROWS, ""]))
    (tmp_path / "bad.csv").write_text("\n".join([HEADER, ROWS[0], BAD, ROWS[1], ""]))
    return tmp_path


Fwbill = Callable[..., tuple[int, str, str]]


@pytest.fixture
def fwbill(capsysbinary: pytest.CaptureFixture[bytes]) -> Fwbill:
    """Run a command in this process; gives exit code, stdout and stderr."""

    def command(*arguments: str, opened: Callable[[Launch], int] = lambda _: 0) -> tuple[int, str, str]:
        code = run(arguments, open_explorer=opened)
        out, err = capsysbinary.readouterr()
        assert err.count(b"Traceback") == 0
        return code, out.decode(), err.decode()

    return command


# -- summary -----------------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("usage")
def test_summary_as_json_has_the_documented_shape(fwbill: Fwbill) -> None:
    code, out, err = fwbill("summary", "usage.csv", "--output", "json", "--group-by", "model", "--range", "2026-10")
    assert (code, err) == (0, "")
    measures = {
        "events": 2,
        "prompt_tokens": 1234577,
        "cached_prompt_tokens": 1000000,
        "uncached_prompt_tokens": 234577,
        "completion_tokens": 90,
        "total_tokens": 1234667,
        "accelerator_seconds": 0.0,
    }
    assert json.loads(out) == {
        "range": {"start": "2026-10-01T00:00:00Z", "end": "2026-11-01T00:00:00Z", "time_zone": "UTC"},
        "source": {"kind": "files", "events": 3, "rejected": 0, "complete": True},
        "totals": measures,
        "groups": [{"key": {"model": KIMI}, **measures}],
    }


@pytest.mark.usefixtures("usage")
def test_the_range_is_the_span_of_the_data_where_none_was_given(fwbill: Fwbill) -> None:
    out = json.loads(fwbill("summary", "usage.csv", "-o", "json")[1])
    assert out["range"] == {"start": "2026-10-01T09:00:00Z", "end": "2026-11-01T00:00:00.000001Z", "time_zone": "UTC"}
    assert out["groups"] == []
    out = json.loads(fwbill("summary", "usage.csv", "-o", "json", "--end-time", "2026-10-02")[1])
    assert out["range"]["end"] == "2026-10-02T00:00:00Z"


@pytest.mark.usefixtures("usage")
def test_groups_come_by_events_then_key_unless_sorted(fwbill: Fwbill) -> None:
    def keys(*flags: str) -> list[list[str]]:
        out = json.loads(fwbill("summary", "usage.csv", "-o", "json", *flags)[1])
        return [list(group["key"].values()) for group in out["groups"]]

    assert keys("--group-by", "user") == [["ana@x"], ["Ops, EU"]]
    assert keys("--group-by", "user", "--sort", "prompt_tokens") == [["Ops, EU"], ["ana@x"]]
    assert keys("--group-by", "user", "--sort", "-user") == [["ana@x"], ["Ops, EU"]]
    assert keys("--group-by", "accelerator") == [[None], ["NVIDIA_H100_80GB"]]
    assert keys("--group-by", "day,user", "--time-zone", "Asia/Kolkata") == [
        ["2026-10-01", "ana@x"],
        ["2026-10-03", "Ops, EU"],
        ["2026-11-01", "ana@x"],
    ]
    assert keys("--group-by", "month") == [["2026-10"], ["2026-11"]]
    assert keys("--group-by", "hour", "--range", "2026-10-01", "--time-zone", "Asia/Kolkata") == [["2026-10-01T14:00:00+05:30"]]


@pytest.mark.usefixtures("usage")
def test_summary_as_csv_and_as_a_table(fwbill: Fwbill) -> None:
    rows = list(csv.DictReader(io.StringIO(fwbill("summary", "usage.csv", "-o", "csv", "--group-by", "month,model")[1])))
    assert [(row["month"], row["model"], row["prompt_tokens"], row["accelerator_seconds"]) for row in rows] == [
        ("2026-10", KIMI, "1234577", "0"),
        ("2026-11", GLM, "0", "7200.5"),
    ]
    (row,) = csv.DictReader(io.StringIO(fwbill("summary", "usage.csv", "-o", "csv")[1]))
    assert (row["events"], row["total_tokens"]) == ("3", "1234667")
    assert fwbill("summary", "usage.csv", "--group-by", "model", "--time-zone", "Europe/Berlin")[1] == (
        "Oct 1 11:00 – Nov 1 2026 01:00:01 · Europe/Berlin\n"
        "3 events\n"
        "\n"
        "model    events     prompt     cached  uncached  completion      total  accel. hours\n"
        "kimi-k3       2  1,234,577  1,000,000   234,577          90  1,234,667          0.00\n"
        "glm-5p3       1          0          0         0           0          0          2.00\n"
        "total         3  1,234,577  1,000,000   234,577          90  1,234,667          2.00\n"
    )
    out = fwbill("summary", "usage.csv", "--user", "Ops*")[1]
    assert "1 of 3 events" in out
    assert "\nprompt tokens         10  1,234,577\n" in out


@pytest.mark.usefixtures("usage")
def test_sums_of_fractions_end_where_the_fractions_do(fwbill: Fwbill) -> None:
    rows = [ROWS[2].replace("7200.5", second) for second in ("0.1", "0.2", "0.3")]
    assert 0.1 + 0.2 + 0.3 != 0.6
    Path("fractions.csv").write_text("\n".join([HEADER, *rows, ""]))
    for flags in ([], ["--group-by", "model"]):
        (row,) = csv.DictReader(io.StringIO(fwbill("summary", "fractions.csv", "-o", "csv", *flags)[1]))
        assert row["accelerator_seconds"] == "0.6"
        out = json.loads(fwbill("summary", "fractions.csv", "-o", "json", *flags)[1])
        assert {each["accelerator_seconds"] for each in (out["totals"], *out["groups"])} == {0.6}
    fwbill("export", "fractions.csv", "--group-by", "model", "--filename", "groups.csv")
    assert Path("groups.csv").read_text().endswith(",0.6\n")


@pytest.mark.usefixtures("usage")
def test_text_from_the_data_is_harmless_in_a_table(fwbill: Fwbill) -> None:
    Path("evil.csv").write_text(f"{HEADER}\n\x1b]0;x\x07[red]\u202e,2026-10-01 00:00:00 UTC,,TEXT" + "," * 9 + "\n")
    code, out, _ = fwbill("summary", "evil.csv", "--group-by", "user")
    assert code == 0
    assert "␛]0;x␇[red]<U+202E>" in out
    assert not set(out) & set("\x1b\x07\u202e")


@pytest.mark.usefixtures("usage")
def test_only_models_are_shortened_in_a_table(fwbill: Fwbill) -> None:
    Path("slashed.csv").write_text(f"{HEADER}\n[red]bold[/] a@x.dev,2026-10-01 00:00:00 UTC,,TEXT,,,{KIMI}" + "," * 6 + "\n")
    out = fwbill("summary", "slashed.csv", "--group-by", "user,model")[1]
    assert "\n[red]bold[/] a@x.dev  kimi-k3 " in out


@pytest.mark.usefixtures("usage")
def test_a_value_that_matches_nothing_is_said(fwbill: Fwbill) -> None:
    code, out, err = fwbill("summary", "usage.csv", "-o", "json", "--model", "kimi-k4")
    assert code == 0
    assert json.loads(out)["totals"]["events"] == 0
    assert err == "fwbill: no model matches 'kimi-k4'; did you mean 'kimi-k3'?\n"


@pytest.mark.usefixtures("usage")
def test_a_search_in_no_dimension_is_said(fwbill: Fwbill) -> None:
    code, _, err = fwbill("summary", "usage.csv", "--search", "foo:kimi")
    assert code == 0
    assert err == "fwbill: --search: there is no dimension 'foo', so that word is looked for as it stands, with its colon\n"
    for known in ("model:kimi", "type:text", "base_model_name:kimi", "12:30", '"foo:kimi"'):
        assert fwbill("summary", "usage.csv", "--search", known)[::2] == (0, "")


# -- export ------------------------------------------------------------------------------------------------------------
def test_export_writes_what_firectl_would(usage: Path, fwbill: Fwbill) -> None:
    assert fwbill("export", "usage.csv") == (0, "", "")
    written = usage / "billing_metrics.csv"
    assert written.read_bytes() == (usage / "usage.csv").read_bytes()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_export_keeps_the_order_of_files_unless_sorted(usage: Path, fwbill: Fwbill) -> None:
    (usage / "reversed.csv").write_text("\n".join([HEADER, *reversed(ROWS), ""]))
    assert fwbill("export", "reversed.csv", "usage.csv", "--filename", "-")[1].splitlines() == [HEADER, *reversed(ROWS), *ROWS]
    assert fwbill("export", "reversed.csv", "--sort", "start_time", "--filename", "-")[1].splitlines() == [HEADER, *ROWS]


def test_export_takes_filters_columns_and_groups(usage: Path, fwbill: Fwbill) -> None:
    flags = ["--start-time", "2026-10-01", "--end-time", "2026-11-01"]
    flags += ["--columns", "user,prompt_tokens", "--sort", "prompt_tokens"]
    assert fwbill("export", "usage.csv", "--filename", "-", *flags)[1] == 'email,prompt_tokens\n"Ops, EU",10\nana@x,1234567\n'
    code, _, _ = fwbill("export", "usage.csv", "--group-by", "month", "--filename", "groups.parquet")
    assert code == 0
    assert pl.read_parquet(usage / "groups.parquet").get_column("events").to_list() == [2, 1]
    out = fwbill("export", "usage.csv", "--format", "ndjson", "--filename", "-", "--user", "Ops, EU")[1]
    assert json.loads(out)["start_time"] == "2026-10-02T23:30:00Z"


def test_an_existing_file_is_replaced_unless_told_not_to(usage: Path, fwbill: Fwbill) -> None:
    (usage / "old.csv").write_text("old")
    code, _, err = fwbill("export", "usage.csv", "--filename", "old.csv", "--no-clobber")
    assert (code, err) == (1, "fwbill: old.csv is there already; it was left as it is\n")
    assert (usage / "old.csv").read_text() == "old"
    assert fwbill("export", "usage.csv", "--filename", "old.csv")[0] == 0
    assert (usage / "old.csv").read_text() != "old"


@pytest.mark.usefixtures("usage")
def test_a_disk_that_is_full_is_one_line(fwbill: Fwbill) -> None:
    code, out, err = fwbill("export", "usage.csv", "--filename", "/dev/full")
    assert (code, out) == (1, "")
    assert err.startswith("fwbill: cannot write /dev/full: the disk is full")
    assert err.count("\n") == 1


def test_formulas_are_neutralised_on_request(usage: Path, fwbill: Fwbill) -> None:
    (usage / "formula.csv").write_text("\n".join([HEADER, "=cmd()" + ROWS[0].removeprefix("ana@x"), ""]))
    assert "\n=cmd()," in fwbill("export", "formula.csv", "--filename", "-")[1]
    assert "\n'=cmd()," in fwbill("export", "formula.csv", "--filename", "-", "--neutralise-formulas")[1]


# -- rejected rows and unreadable files --------------------------------------------------------------------------------
def test_rejected_rows_are_said_counted_and_written(usage: Path, fwbill: Fwbill) -> None:
    code, out, err = fwbill("summary", "bad.csv", "-o", "json", "--rejects", "rejects.csv")
    assert code == 0
    assert json.loads(out)["source"] == {"kind": "files", "events": 2, "rejected": 1, "complete": True}
    assert err.startswith("fwbill: 1 row could not be read; the first: bad.csv:3: start_time: ")
    (row,) = csv.DictReader((usage / "rejects.csv").read_text().splitlines())
    assert (row["line"], row["column"], row["text"]) == ("3", "start_time", BAD)


def test_more_rejected_rows_than_are_kept_are_not_promised(usage: Path, fwbill: Fwbill) -> None:
    (usage / "worse.csv").write_text("\n".join([HEADER, ROWS[0], *[BAD] * 10_500, ""]))
    err = fwbill("summary", "worse.csv", "--rejects", "rejects.csv")[2]
    assert err.startswith("fwbill: 10,500 rows could not be read; the first: worse.csv:3: ")
    assert err.endswith("; left out (the first 10,000 in rejects.csv)\n")
    assert err.count("\n") == 1
    assert len((usage / "rejects.csv").read_text().splitlines()) == 10_001
    assert fwbill("summary", "worse.csv")[2].endswith("; left out (--rejects FILE writes the first 10,000)\n")
    assert fwbill("summary", "bad.csv")[2].endswith("; left out (--rejects FILE writes all)\n")


def test_strict_makes_rejected_rows_an_error(usage: Path, fwbill: Fwbill) -> None:
    code, out, err = fwbill("export", "bad.csv", "--strict", "--rejects", "rejects.csv", "--filename", "out.csv")
    assert (code, out) == (6, "")
    assert "1 row could not be read" in err
    assert not (usage / "out.csv").exists()
    assert (usage / "rejects.csv").exists()
    assert fwbill("summary", "usage.csv", "--strict")[0] == 0
    assert fwbill("summary", "bad.csv", "--rejects", "nowhere/rejects.csv")[0] == 1


def test_an_unreadable_file_ends_it_unless_told_to_go_on(usage: Path, fwbill: Fwbill) -> None:
    (usage / "other.csv").write_text("a,b\n1,2\n")
    code, out, err = fwbill("summary", "usage.csv", "other.csv")
    assert (code, out) == (1, "")
    assert err.startswith("fwbill: other.csv: ")
    code, out, err = fwbill("summary", "usage.csv", "other.csv", "--skip-unreadable", "-o", "json")
    assert code == 0
    assert json.loads(out)["source"] == {"kind": "files", "events": 3, "rejected": 0, "complete": False}
    assert "other.csv" in err


@pytest.mark.usefixtures("usage")
def test_a_format_that_is_said_goes_before_the_name(fwbill: Fwbill) -> None:
    assert fwbill("export", "usage.csv", "--filename", "usage.json", "--format", "ndjson") == (0, "", "")
    assert json.loads(Path("usage.json").read_text().splitlines()[0])["email"] == "ana@x"


def test_rejected_rows_and_events_may_go_into_one_pipe(usage: Path, fwbill: Fwbill) -> None:
    os.mkfifo(usage / "pipe")
    both_ends = os.open(usage / "pipe", os.O_RDWR)  # what is written waits in the pipe, and nobody waits for the other end
    try:
        assert fwbill("export", "bad.csv", "--filename", "pipe", "--rejects", "pipe")[0] == 0
        assert os.read(both_ends, 1 << 16).startswith(b"source,line,column,reason,text\n")
    finally:
        os.close(both_ends)


@pytest.mark.parametrize("named", [".", "*.csv"])
def test_a_folder_and_a_pattern_do_not_wait_for_a_pipe(usage: Path, fwbill: Fwbill, named: str) -> None:
    (usage / "bad.csv").unlink()
    os.mkfifo(usage / "pipe.csv")
    code, out, err = fwbill("summary", named)
    assert (code, out) == (1, "")
    assert "pipe.csv: a pipe or a device, which is read only where it is named itself; --skip-unreadable goes on" in err
    code, out, err = fwbill("summary", named, "--skip-unreadable")
    assert "3 events" in out
    assert "pipe.csv" in err


def test_the_heading_of_a_further_column_does_not_steer_the_terminal(usage: Path, fwbill: Fwbill) -> None:
    Path("usage.csv").write_text("email,start_time,usage_type,no\x1b[31mte\na@x,2026-10-01 10:00:00 UTC,T,v\n")
    code, out, _ = fwbill("summary", "usage.csv", "--group-by", "no\x1b[31mte")
    assert code == 0
    assert "\x1b" not in out


def test_streams_are_written_on_by_whatever_name(usage: Path) -> None:
    command = [sys.executable, "-m", "fwbill_tui", "export", "usage.csv", "--filename"]
    whole = (usage / "usage.csv").read_bytes()
    done = subprocess.run([*command, "/dev/stdout"], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, whole, b"")
    done = subprocess.run([*command, "/dev/stderr"], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", whole)
    (usage / "log.csv").write_bytes(b"before\n")
    with (usage / "log.csv").open("ab") as log:
        assert subprocess.run([*command, "/dev/stdout"], stdout=log, check=False).returncode == 0
    assert (usage / "log.csv").read_bytes() == b"before\n" + whole


@pytest.mark.usefixtures("usage")
def test_an_empty_name_is_no_file(fwbill: Fwbill) -> None:
    for words in (["summary", ""], ["export", "usage.csv", ""], [""]):
        code, out, err = fwbill(*words)
        assert (code, out) == (2, "")
        assert "a FILE has no name" in err


@pytest.mark.usefixtures("usage")
def test_sums_that_json_cannot_tell_are_null(fwbill: Fwbill) -> None:
    huge = f"ana@x,2026-10-01 09:00:00 UTC,,GPU,,1e308,{GLM},,,,,,"
    Path("huge.csv").write_text("\n".join([HEADER, huge, huge, ROWS[0], ""]))

    def refuse(word: str) -> None:
        raise AssertionError(word)

    code, out, _ = fwbill("summary", "huge.csv", "-o", "json", "--group-by", "model")
    answer = json.loads(out, parse_constant=refuse)
    assert code == 0
    assert answer["totals"]["accelerator_seconds"] is None
    assert [group["accelerator_seconds"] for group in answer["groups"]] == [None, 0.0]


@pytest.mark.usefixtures("usage")
def test_one_event_is_one_event(fwbill: Fwbill) -> None:
    Path("one.csv").write_text(f"{HEADER}\n{ROWS[0]}\n")
    assert fwbill("summary", "one.csv")[1].splitlines()[1] == "1 event"
    assert fwbill("summary", "one.csv", "--user", "ana@x")[1].splitlines()[1] == "1 of 1 event"


# -- refusals ----------------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("usage")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("summary usage.csv --sort model", 2, "add --group-by"),
        ("summary usage.csv --columns email", 2, "No such option"),
        ("summary usage.csv --group-by price", 2, "cannot group by 'price'"),
        ("summary usage.csv --group-by model --sort start_time", 2, "cannot sort by 'start_time'"),
        ("summary usage.csv --only price=5", 2, "summary: there is no dimension 'price'"),
        ("export usage.csv --columns email,email", 2, "'email' more than once"),
        ("export usage.csv --columns=", 2, "--columns names no column"),
        ("summary usage.csv --group-by=", 2, "one or two"),
        ("export usage.csv --filename=", 2, "--filename is empty"),
        ("export usage.csv --filename out.csv.gz", 2, "no .gz is written"),
        ("export usage.csv --filename out.csv.ZST", 2, "no .zst is written"),
        ("export usage.csv --filename out.xlsx", 2, ".csv, .parquet, .ndjson, .jsonl"),
        ("export usage.csv --filename out.json", 2, "or say --format"),
        ("export usage.csv --filename out.csv.gz --format rollup", 2, ".parquet or .csv"),
        ("export usage.csv --filename usage.csv", 2, "--filename would replace usage.csv"),
        ("export . --filename ./bad.csv", 2, "--filename would replace bad.csv"),
        ("export usage.csv --filename link.csv", 2, "--filename would replace usage.csv"),
        ("export bad.csv --rejects bad.csv", 2, "--rejects would replace bad.csv"),
        ("summary *.csv --rejects bad.csv", 2, "--rejects would replace bad.csv"),
        ("bad.csv --rejects bad.csv", 2, "--rejects would replace bad.csv"),
        ("export bad.csv --rejects new.csv --filename ./new.csv", 2, "are the same file"),
        ("export bad.csv --rejects -", 2, "give it a name"),
        ("summary usage.csv --group-by", 2, "summary: Option '--group-by' requires an argument (see `fwbill summary --help`)"),
        ("usage.csv --range", 2, "Option '--range' requires an argument (see `fwbill --help`)"),
        ("export usage.csv --sort price", 2, "cannot sort by 'price'"),
        ("export usage.csv --columns email,price", 2, "no column 'price'"),
        ("export usage.csv --columns email --group-by model", 2, "--columns cannot apply"),
        ("export usage.csv --format parquet --neutralise-formulas", 2, "applies to CSV"),
        ("export usage.csv --filename - --no-clobber", 2, "cannot apply to standard output"),
        ("export usage.csv --filename nowhere/x.csv", 1, "no such folder"),
        ("export usage.csv --filename .", 1, "that is a folder"),
        ("summary usage.csv -a acme", 2, "--account-id cannot apply to files"),
        ("summary usage.csv -p work", 2, "--profile cannot apply to files"),
        ("summary --skip-unreadable", 2, "applies to files"),
        ("summary nosuch.csv", 1, "nosuch.csv: no such file"),
        ("sumary usage.csv", 2, "did you mean `fwbill summary`?"),
        ("--range 7d summary", 2, "write it first: fwbill summary"),
        ("usage.csv", 2, "needs a terminal"),
        ("demo", 2, "needs a terminal"),
        ("demo --rows 5", 2, "1000<=x<=10000000"),
        ("export --api-key fw_topsecret", 2, "Set FIREWORKS_API_KEY"),
        ("export --api-key=fw_topsecret", 2, "Set FIREWORKS_API_KEY"),
        ("login fw_4bVbRGlrNCYZpX7Zq2kT", 2, "an API key is no argument"),
        ("fw_4bVbRGlrNCYZpX7Zq2kT", 1, "an API key is no argument"),
        ("summary --range fw_4bVbRGlrNCYZpX7Zq2kT", 2, "an API key is no argument"),
        ("--api-key fw_topsecret", 2, "Set FIREWORKS_API_KEY"),
        ("summary --api-key", 2, "Set FIREWORKS_API_KEY"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_a_code(fwbill: Fwbill, words: str, code: int, said: str) -> None:
    Path("link.csv").symlink_to("usage.csv")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    got, out, err = fwbill(*words.split())
    assert (got, out) == (code, "")
    assert {path: path.read_bytes() for path in Path().iterdir()} == before
    assert said in err
    assert err.startswith("fwbill: ")
    assert err.count("\n") == 1
    assert "topsecret" not in err
    assert "fw_4bV" not in err


# -- the explorer ------------------------------------------------------------------------------------------------------
@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fwbill_tui.cli.explore.has_terminal", lambda: True)


@pytest.mark.usefixtures("usage", "terminal")
def test_the_explorer_is_launched_with_what_was_asked(fwbill: Fwbill) -> None:
    launched: list[Launch] = []

    def opened(launch: Launch) -> int:
        launched.append(launch)
        return 6

    assert fwbill("usage.csv", "--user", "ana@x", "--sort", "model", "--strict", opened=opened)[0] == 6
    expected = Query(sort=(SortKey("base_model_name"),)).choose("user", ["ana@x"])
    assert launched.pop() == Launch(query=expected, inputs=("usage.csv",), strict=True)
    fwbill(opened=opened)
    assert launched.pop() == Launch(query=Query())
    fwbill("-a", "acme", "-p", "work", opened=opened)
    assert launched.pop() == Launch(query=Query(), account_id="acme", profile="work")
    fwbill("demo", "--rows", "5000", "--group-by", "model", opened=opened)
    assert launched.pop() == Launch(query=Query(group_by=("model",)), demo_rows=5000)


@pytest.mark.usefixtures("terminal")
def test_a_file_may_be_called_like_a_command(usage: Path, fwbill: Fwbill) -> None:
    (usage / "summary").write_bytes((usage / "usage.csv").read_bytes())
    launched: list[Launch] = []
    fwbill("./summary", opened=lambda launch: launched.append(launch) or 0)
    assert launched[0].inputs == ("./summary",)


@pytest.mark.usefixtures("usage")
def test_a_fault_of_its_own_is_one_line_with_its_place(fwbill: Fwbill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fwbill_tui.cli.explore.has_terminal", lambda: True)

    def broken(_: Launch) -> int:
        raise KeyError("fw_not_to_be_shown")

    code, out, err = fwbill("usage.csv", opened=broken)
    assert (code, out) == (1, "")
    assert err.startswith("fwbill: ended by a fault of its own (KeyError at test_commands.py:")
    assert err.count("\n") == 1
    assert "fw_not_to_be_shown" not in err


@pytest.mark.usefixtures("usage")
def test_a_panic_of_polars_is_one_line(fwbill: Fwbill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fwbill_tui.cli.explore.has_terminal", lambda: True)

    def broken(_: Launch) -> int:
        raise pl.exceptions.PanicException("called `Option::unwrap()` on a `None` value")

    code, _, err = fwbill("usage.csv", opened=broken)
    assert code == 1
    assert err.startswith("fwbill: ended by a fault of its own (PanicException at ")
