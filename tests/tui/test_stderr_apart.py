"""What is not Python's stays off the screen."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import os, sys
from fwbill_tui.tui.stderr_apart import stderr_apart
print("before", file=sys.stderr)
with stderr_apart():
    os.write(2, b"thread panicked")
    print("painted", file=sys.__stderr__)
    print("said", file=sys.stderr, end="")
os.write(2, b", and after")
print(" all", file=sys.stderr)
"""


def test_only_python_reaches_the_terminal_while_screens_are_up() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert done.stderr == "before\npainted\nsaid, and after all\n"
