"""Other programs that show tables, on the same file: each in an environment of its own in the cache folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import screen
from tests.benchmarks.data import Cache, environment
from tests.benchmarks.figures import Figure, Results, Sample
from tests.benchmarks.terminal import Terminal, TerminalTimeoutError

SECTION = "Beside other programs (the floor is the other program)"
_APPS = Path(__file__).with_name("peer_apps.py")
_PATIENCE = 90
"""Seconds in which a peer has to show rows, and after that, all of them."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A program: the package to install, its command (`bin` is where the package's commands are), and what it shows."""

    name: str
    package: str | None
    command: Callable[[Path, Path], Sequence[str]]
    keys: Callable[[Path], Sequence[str]] = lambda _: ()
    """What to press after the start to open the file."""
    shows_rows: Callable[[str], bool] = lambda seen: seen.count("2026-") > 10
    all_there: Callable[[int], Callable[[str], bool]] | None = None
    """Whether so many rows are all there; None where the program does not say, or reads only what it shows."""


PEERS = (
    Peer("visidata", "visidata", lambda bin_, file: [str(bin_ / "vd"), str(file)],
         all_there=lambda rows: lambda seen: f"{rows} rows" in seen),
    Peer("dataframe-textual", "dataframe-textual", lambda bin_, file: [str(bin_ / "dv"), str(file)]),
    Peer("harlequin", "harlequin", lambda bin_, _: [str(bin_ / "harlequin")],
         keys=lambda file: ["C-a", f"select * from '{file}'", "C-j"]),  # in place of what it remembers
    Peer("textual-fastdatatable", "textual-fastdatatable",
         lambda bin_, file: [str(bin_ / "python"), str(_APPS), "fast-data-table", str(file)]),
    Peer("Textual's DataTable", None, lambda _, file: [sys.executable, str(_APPS), "data-table", str(file)]),
    Peer("less", None, lambda _, file: ["less", "-S", str(file)]),
)  # fmt: skip


def measure(results: Results, cache: Cache, sizes: Sequence[int], repeats: int) -> None:
    """Every peer at every size, the smallest first; one that fails is not tried on more events."""
    for peer in PEERS:
        try:
            bin_ = _installed(peer, cache)
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            results.skip(peer.name, f"could not be installed: {error}")
            continue
        for rows in sorted(sizes):
            try:
                _measure(results, cache, peer, bin_, rows, repeats)
            except TerminalTimeoutError as error:
                results.skip(f"{peer.name} on {rows:,} events", str(error).partition(";")[0])
                break


def _installed(peer: Peer, cache: Cache) -> Path:
    """The folder of the peer's commands, installed if it is not there."""
    if peer.package is None:
        return Path()
    home = cache.folder / "peers" / peer.package
    done = home / "installed"
    if not done.exists():
        shutil.rmtree(home, ignore_errors=True)
        venv.create(home, with_pip=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", peer.package]
        subprocess.run(pip, check=True, capture_output=True)
        done.touch()
    return home / "bin"


def _measure(results: Results, cache: Cache, peer: Peer, bin_: Path, rows: int, repeats: int) -> None:
    path = cache.csv(rows)
    first: list[tuple[float, float]] = []
    all_: list[tuple[float, float]] = []
    for _ in range(repeats):
        with screen.explorer(cache, str(path)) as terminal:
            ours = terminal.wait_for(screen.has_rows), terminal.wait_for(screen.is_loaded(rows), timeout=600)
        with _opened(cache, peer, bin_, path) as terminal:
            first.append((ours[0], terminal.wait_for(peer.shows_rows, timeout=_PATIENCE)))
            if peer.all_there is not None:
                all_.append((ours[1], terminal.wait_for(peer.all_there(rows), timeout=2 * _PATIENCE)))

    def add(name: str, unit: str, pairs: Sequence[tuple[float, float]]) -> None:
        if pairs:
            one, other = (Sample.of(pair[side] for pair in pairs) for side in (0, 1))
            results.add(Figure(SECTION, name, unit, one, other, peer.name, rows=rows))

    add("start to first rows of CSV", "s", first)
    add("start to all of CSV there", "s", all_)
    with screen.explorer(cache, str(path)) as ours_, _opened(cache, peer, bin_, path) as theirs:
        ours_.wait_for(screen.is_loaded(rows), timeout=600)
        theirs.wait_for(peer.shows_rows, timeout=_PATIENCE)
        ours_.settle(1.0)
        theirs.settle(0.4, timeout=10)
        for name, key in (("arrow", "Down"), ("page down", "PageDown")):
            took = [tuple(screen.settled(one.watch(key, styled=True)) for one in (ours_, theirs)) for _ in range(4 * repeats)]
            add(f"{name}: key to painted", "ms", [(one, other) for one, other in took if one is not None and other is not None])


def _opened(cache: Cache, peer: Peer, bin_: Path, path: Path) -> Terminal:
    terminal = Terminal(peer.command(bin_, path), env=environment(cache.work), cwd=cache.work)
    if keys := peer.keys(path):
        try:
            terminal.wait_for(lambda seen: len(seen.split()) > 10, timeout=_PATIENCE)
            for key in keys:
                terminal.settle(0.4, timeout=10)  # calm between two blinks of a cursor
                terminal.press(key)
        except TerminalTimeoutError:
            terminal.close()
            raise
    return terminal
