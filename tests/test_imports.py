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

PLAIN = "from fwbill_tui.cli.main import run; from fwbill_tui.cli import plain; plain.has_terminal = lambda: True"


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import fwbill_tui.__main__, fwbill_tui.cli.main", ()),
        (f"{EXPLORE}; run([], open_explorer=lambda _: 0)", ()),
        (f"{EXPLORE}; run([sys.executable, '--range', '7d', '--model', 'x'], open_explorer=lambda _: 0)", ()),
        (f"{EXPLORE}; run([sys.executable], open_explorer=lambda _: 0)", ()),
        (f"{EXPLORE}; run(['demo'], open_explorer=lambda _: 0)", ()),
        ("import fwbill_tui.tui.app, fwbill_tui.tui.screens.login", ("textual", "rich")),
        ("import fwbill_tui.sources.head_start", ("polars",)),
        ("import fwbill_tui.tui.app, fwbill_tui.tui.screens.explorer", ("textual", "rich", "polars")),
    ],
)
def test_heavy_packages_are_imported_late(statement: str, allowed: tuple[str, ...]) -> None:
    code = f"import sys; {statement}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= set(allowed)


@pytest.mark.parametrize(
    ("statement", "needless"),
    [
        (f"{PLAIN}; run([], open_explorer=lambda _: 0)", ("click", "fwbill_tui.fireworks")),
        (f"{PLAIN}; run([sys.executable], open_explorer=lambda _: 0)", ("click", "fwbill_tui.fireworks")),
        (
            "import fwbill_tui.tui.app, fwbill_tui.tui.screens.login",
            ("fwbill_tui.tui.screens.open_files", "fwbill_tui.tui.screens.explorer", "fwbill_tui.fireworks.rest"),
        ),
        (
            "import fwbill_tui.tui.app, fwbill_tui.tui.screens.explorer",
            ("fwbill_tui.archive", "fwbill_tui.fireworks.credentials", "fwbill_tui.tui.screens.login", "fwbill_tui.demo"),
        ),
    ],
)
def test_the_first_screen_waits_for_nothing_it_does_not_show(statement: str, needless: tuple[str, ...]) -> None:
    code = f"import sys; {statement}; print(*[name for name in {needless!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
