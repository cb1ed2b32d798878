"""What must be quick loads nothing heavy, and endings from outside are clean."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROW = "ana@x,2026-10-01 09:00:00 UTC,,TEXT,,,m,,,1,1,0,1\n"
HEADER = (
    "email,start_time,end_time,usage_type,accelerator_type,accelerator_seconds,base_model_name,model_bucket,parameter_count,"
    "prompt_tokens,completion_tokens,cached_prompt_tokens,uncached_prompt_tokens\n"
)
PROGRAM = [sys.executable, "-m", "fwbill_tui"]


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["--help"], {}, "Explore the billing"),
        (["summary", "--help"], {}, "--group-by"),
        (["--version"], {}, "fwbill "),
        ([], {"_FWBILL_COMPLETE": "bash_source"}, "complete"),
        ([], {"_FWBILL_COMPLETE": "bash_complete", "COMP_WORDS": "fwbill ex", "COMP_CWORD": "1"}, "plain,export"),
        ([], {"_FWBILL_COMPLETE": "bash_complete", "COMP_WORDS": "fwbill --use", "COMP_CWORD": "1"}, "plain,--user"),
        ([], {"_FWBILL_COMPLETE": "bash_complete", "COMP_WORDS": "fwbill export --form", "COMP_CWORD": "2"}, "plain,--format"),
        ([], {"_FWBILL_COMPLETE": "bash_complete", "COMP_WORDS": "fwbill usage.csv --mod", "COMP_CWORD": "2"}, "plain,--model"),
    ],
)
def test_help_version_and_completion_load_neither_textual_nor_polars(
    arguments: list[str], environment: dict[str, str], said: str
) -> None:
    program = (
        "import atexit, sys\n"
        "heavy = {'textual', 'rich', 'polars', 'httpx', 'grpc'}\n"
        "atexit.register(lambda: print('loaded', sorted(heavy & set(sys.modules)), file=sys.stderr))\n"
        "from fwbill_tui.__main__ import main\n"
        "sys.argv = ['fwbill', *sys.argv[1:]]\n"
        "main()\n"
    )
    command = [sys.executable, "-c", program, *arguments]
    result = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert said in result.stdout
    assert result.stderr == "loaded []\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_signals_end_the_work_in_one_line_and_leave_nothing(tmp_path: Path, number: int, code: int) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "usage.csv").write_text(HEADER + ROW * 20_000)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "usage.csv").write_text("old")
    # Stops in the middle of the writing, which is where it matters, and says so.
    program = (
        "import signal, sys\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # `nohup` has it ignored in all that it starts
        "from fwbill_tui.export import slices\n"
        "from fwbill_tui.cli.main import run\n"
        "slices.SLICE_ROWS = 1000\n"
        "def slowly(*a, **k):\n"
        "    for number, frame in enumerate(original(*a, **k)):\n"
        "        yield frame\n"
        "        if number == 3:\n"
        "            print('writing', flush=True)\n"
        "            k['cancelled'].wait(60)\n"
        "import fwbill_tui.export.writing as writing\n"
        "original, writing.slices = slices.slices, slowly\n"
        "sys.exit(run(sys.argv[1:], open_explorer=lambda _: 0))\n"
    )
    arguments = ["export", str(tmp_path / "in"), "--filename", str(tmp_path / "out" / "usage.csv")]
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(number)
        err = process.stderr.read().decode()
    assert (process.returncode, err.count("fwbill: ")) == (code, 1), err
    # Once in some two hundred times ctrl+c finds Polars (2.1) where it panics, and says so itself.
    assert err.count("\n") == 1 or (number == signal.SIGINT and "POLARS_ABORT_KEYBOARD_INTERRUPT" in err), err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["usage.csv"]
    assert (tmp_path / "out" / "usage.csv").read_text() == "old"


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path, kind: str) -> None:
    (tmp_path / "usage.csv").write_text(HEADER + "".join(ROW.replace("ana", f"{number * 7919}") for number in range(60_000)))
    command = [*PROGRAM, "export", str(tmp_path / "usage.csv"), "--filename", "-", "--format", kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_standard_input_is_an_export_like_any_other() -> None:
    command = [*PROGRAM, "summary", "-", "-o", "csv"]
    result = subprocess.run(command, input=(HEADER + ROW).encode(), capture_output=True, check=True)
    assert result.stdout.splitlines()[1] == b"1,1,0,1,1,2,0"


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["export", "usage.csv", "--filename", "-", "--columns", "email"], ["email", "␛[31mx"]),
        (["export", "usage.csv", "--filename", "-", "--format", "parquet"], ["fwbill: this format is not for a terminal"]),
        (["summary", "usage.csv", "--output", "json", "--group-by", "user"], ['"user": "\\u001b[31mx"']),
    ],
)
def test_a_terminal_gets_nothing_that_steers_it(tmp_path: Path, arguments: list[str], shown: list[str]) -> None:
    (tmp_path / "usage.csv").write_text(HEADER + ROW.replace("ana@x", "\x1b[31mx"))
    parent, child = pty.openpty()
    with subprocess.Popen([*PROGRAM, *arguments], cwd=tmp_path, stdout=child, stderr=child, stdin=subprocess.DEVNULL) as process:
        process.wait()
    os.close(child)
    os.set_blocking(parent, False)
    seen = os.read(parent, 100_000).decode()
    os.close(parent)
    assert "\x1b" not in seen
    assert all(text in seen for text in shown)


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    command = [*PROGRAM, "accounts", "--log-file", str(tmp_path / "no" / "log")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("fwbill: cannot write the log to ")
    assert done.stderr.endswith(": No such file or directory\n")


def test_what_comes_through_a_pipe_is_explored_with_keys_from_the_terminal(tmp_path: Path) -> None:
    read, write = os.pipe()
    child, screen = pty.fork()
    if not child:
        os.chdir(tmp_path)
        os.dup2(read, 0)
        os.close(write)
        os.execve(PROGRAM[0], [*PROGRAM, "-"], os.environ | {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "36"})
    os.close(read)
    with os.fdopen(write, "w") as stream:
        stream.write(HEADER + ROW * 1_234)
    seen = b""
    try:
        while b"1,234" not in seen:
            seen += os.read(screen, 1 << 16)
        os.write(screen, b"q")
        while os.read(screen, 1 << 16):
            pass
    except OSError:  # the terminal is gone with the program
        pass
    assert b"1,234" in seen
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(screen)
