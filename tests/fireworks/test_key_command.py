"""Real commands that print a key, or do anything else."""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwbill_tui.fireworks.errors import BadAccountId, BadKey, BadSetting, Cancelled, FireworksError
from fwbill_tui.fireworks.key_command import key_of_command

KEY = "fw_3ZcanaryCANARY1234"


def python(program: str, *arguments: str) -> str:
    """A command line that runs a Python program."""
    return shlex.join([sys.executable, "-c", program, *arguments])


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n"])
def test_the_key_is_what_the_command_prints(ending: str) -> None:
    found = key_of_command(python(f"import sys; sys.stdout.write({KEY + ending!r})"), account="accounts/acme")
    assert found.require_key().reveal() == KEY
    assert (found.origin, found.account_id, found.usable) == ("--api-key-command", "acme", True)
    assert found.place.startswith("output of python")
    assert KEY not in repr(found)


def test_words_are_split_as_a_shell_would_but_no_shell_runs(tmp_path: Path) -> None:
    program = "import sys; sys.stdout.write(sys.argv[1].replace('$HOME;|>', '').replace(' ', ''))"
    found = key_of_command(python(program, f"{KEY} $HOME;|>") + f" > {tmp_path}/x")
    assert found.require_key().reveal() == KEY
    assert list(tmp_path.iterdir()) == []


def test_the_command_gets_no_input_and_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFERENCE", KEY)
    found = key_of_command(python("import sys, os; print(os.environ['REFERENCE'] + sys.stdin.read())"))
    assert found.require_key().reveal() == KEY


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("pass", "printed nothing"),
        (f"print('{KEY}'); print('url: x')", "did not print a key alone"),
        (f"print('key: {KEY}')", "did not print a key alone"),
        ("import sys; sys.stdout.buffer.write(bytes([255, 254, 200]))", "did not print text"),
        (f"print('{KEY}'); raise SystemExit(3)", "ended with exit code 3"),
        (f"import sys; print('{KEY}'); sys.exit('not logged in: {KEY}')", 'exit code 1, saying "not logged in: [redacted]"'),
        ("import sys; print('plainSecretValue'); sys.exit('no: plainSecretValue')", 'saying "no: [redacted]"'),
        ("import sys; sys.exit('first\\n\\x1b[31mred\\x07')", 'saying "[31mred"'),
        ("import os; os.kill(os.getpid(), 15)", "was ended by signal 15"),
        ("while True: print('y' * 9999)", "prints far more than a key"),
    ],
)
def test_what_goes_wrong_is_one_line_without_the_key(program: str, said: str) -> None:
    with pytest.raises(BadKey) as caught:
        key_of_command(python(program))
    message = str(caught.value)
    assert said in message
    assert message.isprintable()
    assert KEY not in message
    assert program not in message


@pytest.mark.parametrize(
    ("command", "kind", "said"),
    [
        ("", BadSetting, "is empty"),
        ("   ", BadSetting, "is empty"),
        ("'pass", BadSetting, "cannot be split"),
        ("/nowhere/at/all x", BadKey, "No such file"),
        ("/etc/passwd", BadKey, "Permission denied"),
        ("a\0b", BadKey, "its name is not valid"),
    ],
)
def test_what_is_no_command(command: str, kind: type[FireworksError], said: str) -> None:
    with pytest.raises(kind, match=said):
        key_of_command(command)


def test_a_time_limit_and_a_cancel_end_it(tmp_path: Path) -> None:
    marks = tmp_path / "ended"
    program = f"import time, atexit; print('x', flush=True); time.sleep(30); open({str(marks)!r}, 'w')"
    with pytest.raises(BadKey, match=r"did not end within 0\.1 s"):
        key_of_command(python(program), time_limit=0.1)
    cancelled = threading.Event()
    threading.Timer(0.1, cancelled.set).start()
    with pytest.raises(Cancelled):
        key_of_command(python(program), cancelled=cancelled)


def test_a_child_of_the_command_that_holds_its_output_is_not_waited_for_without_end() -> None:
    program = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(2)'])"
    with pytest.raises(BadKey, match="did not end within"):
        key_of_command(python(program), time_limit=0.5)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


def test_what_a_command_leaves_behind_does_not_keep_its_key_back(fifo: Path) -> None:
    left_behind = f"(read line < {shlex.quote(str(fifo))}) & echo {KEY}"
    try:
        assert key_of_command(shlex.join(["sh", "-c", left_behind])).require_key().reveal() == KEY
    finally:
        fifo.open("w").close()  # it was left alone, and ends here


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_the_command_has_started_ends_with_it(fifo: Path, number: int) -> None:
    waiting = f"sh -c 'echo up; exec sleep 3600' > {shlex.quote(str(fifo))}; echo {KEY}"
    command = [sys.executable, "-m", "fwbill_tui", "accounts", "--api-key-command", shlex.join(["sh", "-c", waiting])]
    program = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE)
    with fifo.open("rb", buffering=0) as held:
        assert held.readline() == b"up\n"
        program.send_signal(number)
        ended, _, _ = select.select([held], [], [], 60)  # when nobody holds the other end any more
        assert ended
        assert held.read() == b""
    assert program.communicate()[1].count(b"\n") == 1
    assert program.returncode == 128 + number


def test_the_command_may_ask_on_the_terminal() -> None:
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")
    program = (
        "import fcntl, sys, termios\n"
        "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "from fwbill_tui.fireworks.key_command import key_of_command\n"
        "print('the key', key_of_command(sys.argv[1]).require_key().reveal()[::-1])\n"
    )
    asks = "stty -echo < /dev/tty; echo 'Passphrase:' > /dev/tty; read line < /dev/tty; echo $line"
    ours, terminal = pty.openpty()
    asking = subprocess.Popen(
        [sys.executable, "-c", program, shlex.join(["sh", "-c", asks])],
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    said = b""
    try:
        while b"Passphrase:" not in said:
            said += os.read(ours, 1000)
        os.write(ours, f"{KEY}\n".encode())
        while (wanted := f"the key {KEY[::-1]}".encode()) not in said:
            said += os.read(ours, 1000)
    finally:
        asking.kill()
        asking.wait()
        os.close(ours)
    assert wanted in said


def test_a_bad_account_is_refused() -> None:
    with pytest.raises(BadAccountId):
        key_of_command(python(f"print('{KEY}')"), account="../x")


@settings(deadline=None, max_examples=30)
@given(st.text(max_size=40))
def test_no_text_is_anything_but_a_command_or_refused(text: str) -> None:
    """Only what is not even tried to be run: names that cannot be there."""
    with pytest.raises(FireworksError):
        key_of_command(f"/nowhere/{text}")
