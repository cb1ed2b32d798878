"""firectl as a way to the export, against a stand-in program."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fwbill_tui.fireworks import errors
from fwbill_tui.fireworks.credentials import Credential, find_credentials
from fwbill_tui.fireworks.firectl import Firectl, find_firectl, whole_days
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.usage.query import TimeRange

KEY = "fw_canaryCANARYcanary"
WEEK = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 8, tzinfo=UTC))
HEADER = "start_time,usage_type,prompt_tokens\n"
ROWS = [f"2026-10-0{day} 10:00:00 UTC,TEXT,{day}\n" for day in range(1, 10)]


@pytest.fixture
def stand_in(firectl: Any) -> Any:
    firectl.serve(HEADER + "".join(ROWS))
    return firectl


@pytest.fixture
def opened(stand_in: Any, tmp_path: Path, quick: RetryPolicy) -> Iterator[Callable[..., Firectl]]:
    """Opens firectl on the stand-in; nothing of it may be left at the end."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()

    def make(credential: Credential | None = None, **options: Any) -> Firectl:
        environ = {"PATH": "/usr/bin:/bin", "FWBILL_FIRECTL": str(stand_in.program), "FIREWORKS_API_KEY": KEY, "LANG": "C"}
        options = {"environ": environ, "policy": quick, "workspace": workspace} | options
        return Firectl(credential or Credential.pasted(KEY), **options)

    yield make
    assert list(workspace.iterdir()) == []


def exported(firectl: Firectl, account: str = "acme-prod", **options: Any) -> str:
    with firectl:
        return firectl.export(account, WEEK, **options).read_text()


def ended(pid: int) -> bool:
    """Whether a process has ended, a moment after it was told to."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.01)
    return False


def test_a_week_is_exported_whole(stand_in: Any, opened: Any) -> None:
    sizes: list[int] = []
    text = exported(opened(), on_bytes=sizes.append)
    assert text == HEADER + "".join(ROWS[:7])
    assert sizes[-1] == len(text)
    (call,) = stand_in.calls
    _, *arguments, output = call["argv"]
    assert arguments == [
        "billing", "export-metrics", "-a", "acme-prod", "--start-time", "2026-10-01", "--end-time", "2026-10-08", "--filename",
    ]  # fmt: skip
    assert Path(output).is_absolute()


def test_the_key_is_in_a_private_file_alone(stand_in: Any, opened: Any, tmp_path: Path) -> None:
    exported(opened())
    (call,) = stand_in.calls
    assert call["sign_in"] == f"[fireworks]\napi_key = {KEY}\n"
    assert call["modes"] == ["0o700", "0o700", "0o600"]
    assert KEY not in repr(call["argv"]) + repr(call["environ"])
    assert Path(call["environ"]["HOME"]).is_relative_to(tmp_path / "workspace")
    assert not {name for name in call["environ"] if name.startswith(("FIREWORKS", "FWBILL"))}


def test_it_runs_in_a_group_of_its_own(stand_in: Any, opened: Any) -> None:
    exported(opened())
    (call,) = stand_in.calls
    assert call["group"] == call["pid"] != os.getpgrp()


@pytest.mark.parametrize("shows_help", [False, True])
def test_the_older_spelling_is_found_and_remembered(stand_in: Any, opened: Any, shows_help: bool) -> None:
    stand_in.behave(spelling=["export", "billing-metrics"], help=shows_help)
    with opened() as firectl:
        for _ in range(2):
            firectl.export("acme-prod", WEEK)
    assert [call["argv"][1] for call in stand_in.calls] == ["billing", "export", "export"]


def test_a_firectl_without_the_command_is_said(stand_in: Any, opened: Any) -> None:
    stand_in.behave(spelling=["something", "else"])
    with pytest.raises(errors.ToolMissing, match="install a newer one"):
        exported(opened())


@pytest.mark.parametrize(
    ("says", "kind", "calls"),
    [
        ("rpc error: code = PermissionDenied desc = no access to account", errors.NoPermission, 1),
        ("Error: rpc error: code = Unauthenticated desc = bad key", errors.SignInRefused, 1),
        ("rpc error: code = NotFound desc = account not found", errors.NoSuchAccount, 1),
        ("rpc error: code = Unimplemented desc = unknown method", errors.Unimplemented, 1),
        ("rpc error: code = InvalidArgument desc = more than 31 days", errors.RequestRefused, 1),
        ("rpc error: code = ResourceExhausted desc = slow down", errors.TooManyRequests, 10),
        ("rpc error: code = DeadlineExceeded desc = context deadline exceeded", errors.TimedOut, 2),
        ('rpc error: code = Unavailable desc = connection error: dial tcp: lookup gateway: no such host', errors.NetworkError, 5),
        ("rpc error: code = Unavailable desc = x509: certificate signed by unknown authority", errors.UntrustedConnection, 1),
        ("rpc error: code = Canceled desc = stopped", errors.ServiceError, 5),
        ("Error: not logged in. Please run firectl login", errors.SignInRefused, 1),
        ("Error: 403 Forbidden", errors.NoPermission, 1),
        ("dial tcp 10.0.0.1:443: connect: connection refused", errors.NetworkError, 5),
        ("tls: failed to verify certificate", errors.UntrustedConnection, 1),
        ("open /x/1.csv: permission denied", errors.StorageError, 1),
        ("write 0.csv: no space left on device", errors.StorageError, 1),
        ("", errors.ToolFailed, 1),
        ("rpc error: code = Whatever desc = new", errors.ToolFailed, 1),
        ("\x1b[31mpanic: \x00\x07 runtime error: index out of range\x1b[0m\ngoroutine 1 [running]:", errors.ToolFailed, 1),
    ],
)  # fmt: skip
def test_what_it_says_is_understood(stand_in: Any, opened: Any, says: str, kind: type[errors.FireworksError], calls: int) -> None:
    stand_in.behave(failures=-1, says=says)
    with pytest.raises(kind) as caught:
        exported(opened())
    assert type(caught.value) is kind
    assert str(caught.value).isprintable()
    assert len(stand_in.calls) == calls


def test_a_crash_is_quoted_by_its_most_telling_line(stand_in: Any, opened: Any) -> None:
    stand_in.behave(failures=-1, says="loading\nError: the sky fell\nUsage:\n  firectl [flags]", status=3)
    with pytest.raises(errors.ToolFailed, match=r'failed with status 3; it says "Error: the sky fell"'):
        exported(opened())


def test_secrets_are_not_echoed(stand_in: Any, opened: Any) -> None:
    odd = "odd-key-without-prefix"
    token = "eyJhbGciOiJSUzI1NiJ9." + "x" * 50 + ".sig"
    stand_in.behave(failures=-1, says=f"Error: I got {odd} and {token} and {KEY}")
    with pytest.raises(errors.ToolFailed) as caught:
        exported(opened(Credential.pasted(odd)))
    for secret in (odd, token, "eyJ", KEY):
        assert secret not in str(caught.value) + repr(caught.value)


def test_a_wrong_account_is_no_permission(opened: Any) -> None:
    with pytest.raises(errors.NoPermission, match="not accessible"):
        exported(opened(), "somebody-else")


def test_passing_trouble_is_tried_again(stand_in: Any, opened: Any) -> None:
    stand_in.behave(failures=2, says="rpc error: code = Unavailable desc = connection reset")
    waits: list[float] = []
    assert exported(opened(), on_wait=lambda seconds, _: waits.append(seconds)).count("\n") == 8
    assert len(waits) == 2


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ({"part": 0.6}, "ends within a line"),
        ({"part": 0.0}, "an empty file"),
        ({"writes": False}, "wrote no file"),
        ({"writes": False, "says": "exported"}, "wrote no file"),
    ],
)
def test_a_success_without_a_whole_file_is_none(stand_in: Any, opened: Any, behaviour: dict[str, Any], said: str) -> None:
    stand_in.behave(**behaviour)
    with pytest.raises(errors.UnexpectedAnswer, match=said):
        exported(opened())


def test_a_file_whose_writer_was_killed_is_not_taken(stand_in: Any, opened: Any) -> None:
    stand_in.behave(killed=True)
    with pytest.raises(errors.ToolFailed, match="ended by signal 9"):
        exported(opened())


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_hang_is_ended_with_all_it_started(stand_in: Any, opened: Any, stubborn: bool) -> None:
    stand_in.behave(hangs=True, stubborn=stubborn)
    with pytest.raises(errors.TimedOut, match="nothing came"):
        exported(opened(quiet_limit=0.4, policy=RetryPolicy(attempts=1, timeouts=1)))
    (call,) = stand_in.calls
    assert stand_in.child
    assert ended(call["pid"])
    assert ended(stand_in.child)


def test_a_cancel_ends_it_soon(stand_in: Any, opened: Any) -> None:
    stand_in.behave(hangs=True)
    cancelled = threading.Event()

    def when_it_hangs() -> None:
        deadline = time.monotonic() + 10
        while not stand_in.child and time.monotonic() < deadline:
            time.sleep(0.01)
        cancelled.set()

    watcher = threading.Thread(target=when_it_hangs)
    watcher.start()
    with pytest.raises(errors.Cancelled):
        exported(opened(cancelled=cancelled))
    watcher.join()
    assert ended(stand_in.calls[0]["pid"])
    assert ended(stand_in.child)


def test_it_is_found_by_name_and_on_path(stand_in: Any, tmp_path: Path) -> None:
    folder = str(stand_in.program.parent)
    assert find_firectl({"PATH": folder}) == stand_in.program
    assert find_firectl({"PATH": "", "FWBILL_FIRECTL": str(stand_in.program)}) == stand_in.program
    assert find_firectl({"PATH": str(tmp_path)}) is None
    with pytest.raises(errors.ToolMissing, match="FWBILL_FIRECTL"):
        find_firectl({"PATH": folder, "FWBILL_FIRECTL": "/nowhere/firectl"})
    with pytest.raises(
        errors.ToolMissing, match=r"FWBILL_FIRECTL: ~no-such-user/firectl cannot be found \(there is no such user"
    ):
        find_firectl({"PATH": folder, "FWBILL_FIRECTL": "~no-such-user/firectl"})


def test_without_firectl_that_is_said(opened: Any, tmp_path: Path) -> None:
    with pytest.raises(errors.ToolMissing, match="not installed, or not on PATH: install firectl, or name it in FWBILL_FIRECTL"):
        exported(opened(environ={"PATH": str(tmp_path)}))


def test_a_program_that_cannot_be_started_is_said(stand_in: Any, opened: Any) -> None:
    stand_in.program.write_bytes(b"\x7fELF of another machine")
    with pytest.raises(errors.ToolMissing, match="cannot be started"):
        exported(opened())


@pytest.mark.parametrize("profile", ["default", "work"])
def test_a_browser_sign_in_is_used_where_it_is(stand_in: Any, opened: Any, tmp_path: Path, profile: str) -> None:
    folder = tmp_path / "user" / ".fireworks" / ("" if profile == "default" else f"profiles/{profile}")
    folder.mkdir(parents=True)
    (folder / "auth.ini").write_text("account_id = acme-prod\nid_token = eyJ.eyJ.sig\n")
    (credential,) = find_credentials({}, tmp_path / "user")
    assert (credential.kind, credential.profile) == ("sso", profile)
    exported(opened(credential, home=tmp_path / "user"))
    (call,) = stand_in.calls
    assert "id_token" in call["sign_in"]
    assert call["environ"]["HOME"] == str(tmp_path / "user")
    assert ("-p" in call["argv"]) == (profile != "default")
    assert call["argv"][call["argv"].index("-a") + 1] == "acme-prod"
    assert (folder / "auth.ini").exists()

    stand_in.behave(failures=-1, says="rpc error: code = Unauthenticated desc = token expired")
    with pytest.raises(errors.SignInRefused, match="sign in again with `firectl login`"):
        exported(opened(credential, home=tmp_path / "user"))


def test_a_browser_sign_in_elsewhere_is_refused(opened: Any) -> None:
    credential = Credential.pasted(KEY)._replace(key=None, kind="sso", origin="file of FIREWORKS_AUTH_FILE", problem="SSO")
    with pytest.raises(errors.SignInRefused, match="firectl login"):
        exported(opened(credential))


def test_only_whole_days_are_asked_for(opened: Any) -> None:
    noon = TimeRange(datetime(2026, 10, 1, 12, tzinfo=UTC), datetime(2026, 10, 2, 0, 0, 1, tzinfo=UTC))
    assert whole_days(noon) == TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 3, tzinfo=UTC))
    assert whole_days(WEEK) == WEEK
    with opened() as firectl, pytest.raises(ValueError, match="whole UTC days"):
        firectl.export("acme-prod", noon)
