"""`summary` and `export` on an account: the embedded server, real sockets, every refusal with its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fwbill_tui.cli.main import run
from fwbill_tui.demo.faults import Answer, Fault, Faults, Status, Truncated, refused
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.sources.launch import Launch
from fwbill_tui.usage.query import TimeRange

END = date(2026, 10, 31)
RANGE = ["--start-time", "2026-09-01", "--end-time", "2026-10-15"]
VARIABLES = ("API_KEY", "ACCOUNT_ID", "PROFILE", "AUTH_FILE", "BASE_URL", "GATEWAY_ADDR")
Fwbill = Callable[..., tuple[int, str, str]]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in VARIABLES:
        monkeypatch.delenv(f"FIREWORKS_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.fixture
def fwbill(capsysbinary: pytest.CaptureFixture[bytes]) -> Fwbill:
    def command(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments, open_explorer=lambda _: 0)
        out, err = capsysbinary.readouterr()
        return code, out.decode(), err.decode()

    return command


def reach(server: DemoServer, environment: pytest.MonkeyPatch, *, key: str | None = None, account: str | None = None) -> None:
    environment.setenv("FIREWORKS_BASE_URL", server.base_url)
    environment.setenv("FIREWORKS_GATEWAY_ADDR", server.gateway_addr)
    environment.setenv("FIREWORKS_API_KEY", key or server.api_key)
    if account:
        environment.setenv("FIREWORKS_ACCOUNT_ID", account)


@pytest.fixture(scope="module")
def healthy() -> Iterator[DemoServer]:
    with DemoServer(rows=3000, end=END) as server:
        yield server


@pytest.fixture
def server(healthy: DemoServer, environment: pytest.MonkeyPatch) -> DemoServer:
    reach(healthy, environment)
    return healthy


@pytest.mark.usefixtures("server")
def test_summary_and_export_agree_on_an_account(fwbill: Fwbill) -> None:
    code, out, err = fwbill("summary", "-a", "accounts/acme-prod", *RANGE, "-o", "json", "--group-by", "month")
    assert (code, err) == (0, "")
    summary = json.loads(out)
    assert summary["range"] == {"start": "2026-09-01T00:00:00Z", "end": "2026-10-15T00:00:00Z", "time_zone": "UTC"}
    assert summary["source"]["kind"] == "gateway"
    assert summary["source"]["complete"] is True
    assert summary["totals"]["events"] > 500
    assert [group["key"]["month"] for group in summary["groups"]] == ["2026-09", "2026-10"]

    assert fwbill("export", "-a", "acme-prod", *RANGE) == (0, "", "")
    again = json.loads(fwbill("summary", "billing_metrics.csv", "-o", "json")[1])
    assert again["totals"] == pytest.approx(summary["totals"])
    starts = [line.split(",")[1] for line in Path("billing_metrics.csv").read_text().splitlines()[1:] if line[0] != '"']
    assert starts == sorted(starts)


def test_sums_per_day_are_not_kept_and_so_never_taken_for_events(server: DemoServer, fwbill: Fwbill) -> None:
    """The gateway answers again a minute later: what was told by day meanwhile is in nobody's way."""
    day = ["-a", "acme-prod", "--range", "2026-10-14"]
    server.faults = Faults((Fault(Status("UNIMPLEMENTED"), "grpc.ExportBillingMetrics"),))
    code, out, _ = fwbill("summary", *day, "-o", "json")
    source = json.loads(out)["source"]
    assert (code, source["kind"], source["grain"]) == (5, "rest", "day")

    code, _, err = fwbill("export", *day, "--source", "archive")
    assert (code, Path("billing_metrics.csv").exists()) == (5, False)
    assert "not in the archive" in err

    server.faults = Faults()
    source = json.loads(fwbill("summary", *day, "-o", "json")[1])["source"]
    wanted = TimeRange(datetime(2026, 10, 14, tzinfo=UTC), datetime(2026, 10, 15, tzinfo=UTC))
    assert (source["kind"], source["account"], source["grain"], source["notes"]) == ("gateway", "acme-prod", "event", [])
    assert source["events"] == server.expected(wanted).height


def test_what_is_kept_is_read_without_a_sign_in_and_without_asking_anybody(
    server: DemoServer, fwbill: Fwbill, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = ["--range", "2026-10-14", "-o", "json"]
    fetched = json.loads(fwbill("summary", "-a", "acme-prod", *day)[1])
    monkeypatch.delenv("FIREWORKS_API_KEY")
    asked = len(server.requests)
    for named in (["-a", "acme-prod"], []):
        if not named:
            monkeypatch.setenv("FIREWORKS_ACCOUNT_ID", "acme-prod")
        code, out, _ = fwbill("summary", *named, *day, "--source", "archive")
        assert (code, json.loads(out)["totals"]) == (0, fetched["totals"])
    assert len(server.requests) == asked


def test_the_archive_asks_nobody_whose_it_is(
    server: DemoServer, environment: pytest.MonkeyPatch, fwbill: Fwbill, tmp_path: Path
) -> None:
    day = ["--range", "2026-10-14", "-o", "json"]
    server.forget_requests()
    code, out, err = fwbill("summary", *day, "--source", "archive")
    assert (code, out, f"nothing is kept of any account at {server.base_url.partition('//')[2]}" in err) == (4, "", True)
    assert server.requests == ()

    fetched = json.loads(fwbill("summary", "-a", "acme-prod", *day)[1])
    asked = len(server.requests)
    assert json.loads(fwbill("summary", *day, "--source", "archive")[1])["totals"] == fetched["totals"]
    environment.delenv("FIREWORKS_API_KEY")
    assert json.loads(fwbill("summary", *day, "--source", "archive")[1])["totals"] == fetched["totals"]
    assert len(server.requests) == asked

    environment.setenv("FIREWORKS_API_KEY", server.api_key)
    assert fwbill("summary", "-a", "acme-staging", *day)[0] == 0
    asked = len(server.requests)
    code, out, err = fwbill("export", "--range", "2026-10-14", "--source", "archive")
    assert (code, out) == (4, "")
    assert "choose one with --account-id: acme-prod, acme-staging" in err
    folder = tmp_path / "home" / ".fireworks" / "profiles" / "work"
    folder.mkdir(parents=True)
    (folder / "auth.ini").write_text(f"api_key = {server.api_key}\naccount_id = acme-prod\n")
    assert json.loads(fwbill("summary", "-p", "work", *day, "--source", "archive")[1])["totals"] == fetched["totals"]
    assert fwbill("summary", "-p", "home", *day, "--source", "archive")[0] == 3
    assert len(server.requests) == asked


def test_the_explorer_of_the_archive_opens_on_the_only_account_that_is_kept(
    server: DemoServer, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setattr("fwbill_tui.cli.explore.has_terminal", lambda: True)
    launched: list[Launch] = []
    opened = ["--source", "archive"]
    server.forget_requests()
    assert run(opened, open_explorer=lambda launch: launched.append(launch) or 0) == 4
    assert "nothing is kept of any account" in capsys.readouterr().err
    assert (launched, server.requests) == ([], ())

    assert run(["summary", "-a", "acme-prod", "--range", "2026-10-14"], open_explorer=lambda _: 0) == 0
    environment.delenv("FIREWORKS_API_KEY")
    server.forget_requests()
    assert run(opened, open_explorer=lambda launch: launched.append(launch) or 0) == 0
    assert (launched[0].account_id, launched[0].source, server.requests) == ("acme-prod", "archive", ())


def test_strict_minds_the_rows_of_the_range_alone(server: DemoServer, fwbill: Fwbill) -> None:
    """Days are fetched together and whole, and what could not be read of them is kept with all of them."""
    good, bad = (
        f"ana@x,2026-10-{day} 09:00:00 UTC,2026-10-{day} 09:00:00 UTC,TEXT,{count}\n" for day, count in ((17, 5), (18, "x"))
    )
    export = f"email,start_time,end_time,usage_type,prompt_tokens\n{good}{bad}"
    server.faults = Faults((Fault(Answer(200, export.encode()), "download"),))
    for _ in range(2):  # fetched, and kept
        code, out, err = fwbill("summary", "-a", "acme-prod", "--range", "2026-10-17..2026-10-18", "-o", "json")
        assert (code, json.loads(out)["source"]["rejected"], "1 row could not be read" in err) == (0, 1, True)
    server.faults = Faults()
    for day, hours, code in (("17", "00:00 23:59", 0), ("18", "00:00 23:59", 6), ("18", "10:00 12:00", 0)):
        edges = [f"2026-10-{day} {hour}:00" for hour in hours.split()]
        asked = ("summary", "-a", "acme-prod", "--start-time", edges[0], "--end-time", edges[1], "--strict")
        assert fwbill(*asked)[0] == fwbill(*asked, "--source", "archive")[0] == code


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (["--group-by", "hour"], "sums per day have no hours: group by day or month"),
        (["--where", "prompt_tokens>100000"], "no single events to ask for prompt_tokens>100000"),
    ],
)
def test_what_sums_per_day_cannot_answer_is_refused(server: DemoServer, fwbill: Fwbill, question: list[str], said: str) -> None:
    asked = ["summary", "-a", "acme-prod", "--range", "2026-10-17", *question]
    code, out, err = fwbill(*asked, "--source", "rest")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    server.faults = Faults((Fault(Status("UNIMPLEMENTED"), "grpc.ExportBillingMetrics"),))
    code, out, err = fwbill(*asked)
    server.faults = Faults()
    assert (code, out, err.count("\n")) == (5, "", 1)
    assert said in err
    assert "gateway export not used" in err


@pytest.mark.usefixtures("server")
def test_sums_per_day_are_not_called_events(fwbill: Fwbill) -> None:
    asked = ["summary", "-a", "acme-prod", "--range", "2026-10-17", "--source", "rest"]
    source = json.loads(fwbill(*asked, "-o", "json")[1])["source"]
    assert source["day_sums"] == source["events"] > 0
    table = fwbill(*asked, "--group-by", "model", "--model", "*kimi*")[1]
    assert f"of {source['events']} day sums" in table
    assert "events" not in table


@pytest.mark.parametrize("command", ["summary", "export"])
def test_a_truncated_download_is_said_and_not_told_by_day(server: DemoServer, fwbill: Fwbill, command: str) -> None:
    server.faults = Faults((Fault(Truncated(), "download"),))
    code, out, err = fwbill(command, "-a", "acme-prod", "--range", "2026-10-17")
    server.faults = Faults()
    assert (code, out) == (5, "")
    assert err.startswith("fwbill: ")
    assert "only in part" in err


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_a_fall_back_cuts_days_in_the_zone_of_the_query(server: DemoServer, fwbill: Fwbill, zone: str) -> None:
    server.faults = Faults((Fault(Status("UNIMPLEMENTED"), "grpc.ExportBillingMetrics"),))
    question = ["-a", "acme-prod", "--range", "2026-10-12..2026-10-15", "--time-zone", zone, "--group-by", "day", "--sort", "day"]
    answers = [json.loads(fwbill("summary", *question, "-o", "json", *way)[1]) for way in ((), ("--source", "rest"))]
    server.faults = Faults()
    assert answers[0]["groups"] == answers[1]["groups"]
    assert answers[0]["totals"] == answers[1]["totals"]


def test_no_times_are_the_last_24_hours(server: DemoServer, fwbill: Fwbill) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    code, out, _ = fwbill("summary", "-a", server.account_ids[0], "-o", "json")
    shown = json.loads(out)["range"]
    start, end = (datetime.fromisoformat(shown[edge]) for edge in ("start", "end"))
    assert code == 0
    assert end - start == timedelta(hours=24)
    assert before <= end <= datetime.now(UTC)


@pytest.mark.parametrize("flags", [("--range", "everything"), ("--range", "..2026-09-01")])
@pytest.mark.parametrize("command", [("summary",), ("export",), ()], ids=["summary", "export", "explorer"])
def test_an_account_needs_a_first_day(
    server: DemoServer, fwbill: Fwbill, flags: tuple[str, str], command: tuple[str, ...]
) -> None:
    server.forget_requests()
    code, out, err = fwbill(*command, "-a", "acme-prod", *flags)
    assert (code, out) == (2, "")
    assert "has no first day, which an account needs" in err
    assert err.count("\n") == 1
    assert server.requests == ()
    assert not Path("billing_metrics.csv").exists()


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("grouped", [(), ("--group-by", "model")])
def test_an_empty_answer_is_no_column_of_zeros(fwbill: Fwbill, grouped: tuple[str, ...]) -> None:
    flags = ("-a", "acme-prod", "--range", "2026-01", *grouped)
    assert fwbill("summary", *flags) == (0, "acme-prod · Jan 1 – Jan 31 2026 · UTC\nno usage in this range\n", "")
    code, out, err = fwbill("summary", *flags, "-o", "json")
    assert (code, err) == (0, "")
    assert json.loads(out)["totals"]["events"] == 0


@pytest.mark.usefixtures("server")
def test_an_end_time_alone_asks_for_the_24_hours_before_it_as_firectl_does(fwbill: Fwbill) -> None:
    code, out, _ = fwbill("summary", "-a", "acme-prod", "--end-time", "2026-10-02 06:00:00", "-o", "json")
    assert code == 0
    assert json.loads(out)["range"] == {"start": "2026-10-01T06:00:00Z", "end": "2026-10-02T06:00:00Z", "time_zone": "UTC"}


@pytest.mark.usefixtures("server")
def test_a_range_with_an_open_end_ends_now(fwbill: Fwbill) -> None:
    code, out, _ = fwbill("summary", "-a", "acme-prod", "--range", "2026-10-01..", "-o", "json")
    assert code == 0
    assert json.loads(out)["range"]["start"] == "2026-10-01T00:00:00Z"
    assert json.loads(out)["totals"]["events"] > 100


@pytest.mark.usefixtures("server")
def test_no_times_are_whole_days_where_usage_is_told_by_day(fwbill: Fwbill) -> None:
    before = datetime.now(UTC)
    zone = "Asia/Kolkata"
    code, out, _ = fwbill("summary", "-a", "acme-prod", "-o", "json", "--source", "rest", "--time-zone", zone)
    shown, complete = json.loads(out)["range"], json.loads(out)["source"]["complete"]
    start, end = (datetime.fromisoformat(shown[edge]).astimezone(ZoneInfo(zone)) for edge in ("start", "end"))
    assert (code, complete) == (0, True)
    assert start.time() == end.time() == time()
    assert start <= before - timedelta(hours=24) < before <= end


def test_the_account_is_found_or_must_be_chosen(server: DemoServer, environment: pytest.MonkeyPatch, fwbill: Fwbill) -> None:
    code, _, err = fwbill("summary", *RANGE)
    assert code == 4
    assert "choose one with --account-id: acme-prod, acme-staging" in err
    reach(server, environment, key=server.staging_key)
    assert fwbill("summary", *RANGE)[0] == 0


def test_a_profile_that_is_named_is_used_or_refused(
    server: DemoServer, environment: pytest.MonkeyPatch, fwbill: Fwbill, tmp_path: Path
) -> None:
    environment.setenv("FIREWORKS_API_KEY", "fw_wrong_everywhere_1234")
    folder = tmp_path / "home" / ".fireworks" / "profiles" / "work"
    folder.mkdir(parents=True)
    (folder / "auth.ini").write_text(f"api_key = {server.api_key}\naccount_id = acme-staging\n")
    assert fwbill("summary", "-p", "work", *RANGE)[0] == 0
    code, _, err = fwbill("summary", "-p", "home", *RANGE)
    assert code == 3
    assert "profile home" in err


def test_a_profile_that_nobody_chose_is_used_where_it_is_the_only_way_in_alone(
    server: DemoServer, environment: pytest.MonkeyPatch, fwbill: Fwbill, tmp_path: Path
) -> None:
    environment.delenv("FIREWORKS_API_KEY")
    folder = tmp_path / "home" / ".fireworks"

    def write(place: str, text: str) -> None:
        (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / place / "auth.ini").write_text(text)

    def account() -> str:
        return str(json.loads(fwbill("accounts", "-o", "json")[1])["credential"]["account_id"])

    write("profiles/st", f"api_key = {server.api_key}\naccount_id = acme-staging\n")
    assert account() == "acme-staging"
    environment.setenv("FIREWORKS_ACCOUNT_ID", "acme-prod")
    assert account() == "acme-prod"
    environment.delenv("FIREWORKS_ACCOUNT_ID")
    write("profiles/other", f"api_key = {server.api_key}\naccount_id = acme-prod\n")
    code, out, err = fwbill("summary", *RANGE)
    assert (code, out) == (4, "")
    assert "several firectl profiles can sign in: choose one with --profile: other, st" in err
    assert fwbill("summary", "-p", "st", *RANGE)[0] == 0
    write(".", "id_token = a\nrefresh_token = b\naccount_id = acme-prod\n")
    assert account() == "acme-prod", "another profile may stand in for the default one on its account"
    (folder / "profiles" / "other" / "auth.ini").unlink()
    code, _, err = fwbill("summary", *RANGE)
    assert code != 0, "but not on another"
    assert "firectl" in err
    assert fwbill("summary", "-p", "", *RANGE)[0] == 2


def test_a_sign_in_file_that_is_named_is_used_or_refused(
    server: DemoServer, environment: pytest.MonkeyPatch, fwbill: Fwbill, tmp_path: Path
) -> None:
    environment.delenv("FIREWORKS_API_KEY")
    folder = tmp_path / "home" / ".fireworks"
    folder.mkdir(parents=True)
    (folder / "auth.ini").write_text(f"api_key = {server.api_key}\naccount_id = acme-prod\n")
    assert fwbill("summary", *RANGE)[0] == 0
    environment.setenv("FIREWORKS_AUTH_FILE", str(tmp_path / "gone.ini"))
    server.forget_requests()
    code, out, err = fwbill("summary", *RANGE)
    assert (code, out) == (3, "")
    assert f"file of FIREWORKS_AUTH_FILE ({tmp_path / 'gone.ini'}): there is no such file" in err
    environment.setenv("FIREWORKS_API_KEY", "no key at all")
    assert fwbill("summary", *RANGE)[:2] == (3, "")
    assert server.requests == ()


@pytest.mark.usefixtures("server")
def test_what_cannot_be_a_profile_is_refused_by_its_flag(fwbill: Fwbill) -> None:
    code, _, err = fwbill("summary", "-p", "../..", *RANGE)
    assert code == 3
    assert "firectl profile (--profile or FIREWORKS_PROFILE): that is not the name of a profile" in err


def test_no_sign_in_is_told_what_to_do(environment: pytest.MonkeyPatch, fwbill: Fwbill) -> None:
    code, out, err = fwbill("export")
    assert (code, out) == (3, "")
    assert "set FIREWORKS_API_KEY" in err


@pytest.mark.parametrize(
    ("status", "code"),
    [("UNAUTHENTICATED", 5), ("PERMISSION_DENIED", 4), ("NOT_FOUND", 4), ("UNIMPLEMENTED", 5), ("INVALID_ARGUMENT", 5)],
)
def test_refusals_have_their_exit_codes(environment: pytest.MonkeyPatch, fwbill: Fwbill, status: str, code: int) -> None:
    faults = Faults((Fault(Status(status), route="grpc.ExportBillingMetrics"),))
    with DemoServer(rows=1000, end=END, faults=faults) as server:
        reach(server, environment, account="acme-prod")
        Path("billing_metrics.csv").write_text("old")
        got, out, err = fwbill("export", *RANGE)
    assert (got, out) == (code, "")
    assert err.count("\n") == 1
    assert server.api_key not in err
    assert Path("billing_metrics.csv").read_text() == "old"


def test_an_export_says_what_failed_and_not_only_what_it_lacks_for_that(environment: pytest.MonkeyPatch, fwbill: Fwbill) -> None:
    faults = Faults((Fault(Status("UNIMPLEMENTED"), "grpc*"),))
    with DemoServer(rows=1000, end=END, faults=faults) as server:
        reach(server, environment, account="acme-prod")
        times = ("--start-time", "2026-10-01T06:00:00Z", "--end-time", "2026-10-03")
        code, _, err = fwbill("export", "--no-archive", *times)
    assert code == 5
    assert "choose whole days" in err
    assert "gateway export not used" in err


def test_a_wrong_key_and_a_wrong_address(server: DemoServer, environment: pytest.MonkeyPatch, fwbill: Fwbill) -> None:
    reach(server, environment, key="fw_0123456789abcdefghij")
    assert fwbill("summary", *RANGE)[0] == 3
    reach(server, environment, key="not a key")
    code, _, err = fwbill("summary", *RANGE)
    assert code == 3
    assert "not a key" not in err
    reach(server, environment)
    environment.setenv("FIREWORKS_BASE_URL", "http://example.com")
    assert fwbill("summary", *RANGE)[0] == 2
    assert fwbill("summary", "-a", "../x", *RANGE)[0] == 2


def test_a_window_that_is_missing_is_said_and_no_file_is_written(environment: pytest.MonkeyPatch, fwbill: Fwbill) -> None:
    october = TimeRange(datetime(2026, 10, 10, tzinfo=UTC), datetime(2026, 10, 11, tzinfo=UTC))
    faults = Faults((Fault(Status("INVALID_ARGUMENT"), route="grpc.ExportBillingMetrics", window=october),))
    with DemoServer(rows=1000, end=END, faults=faults) as server:
        reach(server, environment, account="acme-prod")
        code, out, err = fwbill("summary", *RANGE, "-o", "json")
        assert code == 5
        assert json.loads(out)["source"]["complete"] is False
        assert err.startswith("fwbill: partial: Oct 2 – Oct 14 2026 · UTC is missing: ")
        code, out, err = fwbill("export", *RANGE)
        assert (code, out) == (5, "")
        assert "nothing was written, because Oct 2 – Oct 14 2026" in err
        assert not Path("billing_metrics.csv").exists()


@pytest.mark.usefixtures("server")
def test_a_damaged_day_is_said_in_our_own_words(fwbill: Fwbill) -> None:
    command = [sys.executable, "-m", "fwbill_tui", "summary", "-a", "acme-prod", *RANGE]
    assert fwbill(*command[3:])[0] == 0
    day = next(Path(os.environ["FWBILL_DATA_DIR"]).rglob("*.parquet"))
    day.write_bytes(day.read_bytes()[:-9] + b"x" * 9)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "damaged" in done.stderr
    assert all(line.startswith("fwbill: ") for line in done.stderr.splitlines())


def test_a_refusal_of_the_accounts_call_has_its_code(environment: pytest.MonkeyPatch, fwbill: Fwbill) -> None:
    with DemoServer(rows=1000, end=END, faults=Faults((refused(401),))) as server:
        reach(server, environment)
        assert fwbill("summary", *RANGE)[0] == 3
