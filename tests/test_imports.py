"""What must start quickly does not import what is slow."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("polars", "textual", "rich", "httpx", "grpc", "keyring")

EXPLORE = (
    "from fwbill_tui.cli.main import run; from fwbill_tui.cli import explore, plain; "
    "explore.has_terminal = plain.has_terminal = lambda: True"
)


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import fwbill_tui.__main__, fwbill_tui.cli.main", ()),
        (f"{EXPLORE}; run([], open_explorer=lambda _: 0)", ()),
        (f"{EXPLORE}; run([sys.executable, '--range', '7d', '--model', 'x'], open_explorer=lambda _: 0)", ()),
        (f"{EXPLORE}; run([sys.executable], open_explorer=lambda _: 0)", ()),
        (f"{EXPLORE}; run(['demo'], open_explorer=lambda _: 0)", ()),
        ("import fwbill_tui.tui.app, fwbill_tui.tui.screens.login", ("textual", "rich")),
    ],
)
def test_heavy_packages_are_imported_late(statement: str, allowed: tuple[str, ...]) -> None:
    code = f"import sys; {statement}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= set(allowed)
