"""How long the event loop stands still: the real app under Pilot, with a heartbeat in its loop, in a fresh process."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Iterator

from textual import events

from fwbill_tui.sources.launch import Launch
from fwbill_tui.tui.app import FwbillApp
from fwbill_tui.tui.widgets.totals import TotalsPanel
from fwbill_tui.usage.query import Query
from tests.benchmarks import child
from tests.benchmarks.data import Cache
from tests.benchmarks.figures import Figure, Goal, Results, Sample

SECTION = "The event loop (the app under Pilot, scripted use)"
_BEAT = 0.002
_SCRIPT = (
    ["/", "k", "i", "m", "i", "backspace", "backspace", "backspace", "backspace", "enter"],
    ["down"] * 20,
    ["pagedown"] * 10,
    ["end", "pageup", "up", "home"],
    ["right", "s", "right", "s", "s", "right", "s", "escape"],
    ["m", "down", "space", "down", "space", "escape", "x"],
    ["t", "enter", "escape", "x"],
    ["u", "a", "n", "a", "space", "escape", "escape", "pagedown", "x"],
    ["right", "right", "f", "z", "Z", "x", "escape"],
    ["down", "enter", "escape"],
    ["d", "escape"],
    ["question_mark", "escape"],
)
_WORST = 8
_TYPING = 0.06
"""Seconds between keys."""


def _keys(seconds: float) -> Iterator[str]:
    """Keys of the script's parts in an order that is the same in every run, for so long."""
    chance = random.Random(7)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield from chance.choice(_SCRIPT)


def explore(path: str, seconds: str) -> dict[str, object]:
    """Open a file and use the explorer for so many seconds. Returns the gaps beyond a beat, in ms, and what was pressed.

    `loading` is the longest gap while the file was being read, with the CPU time of the loop's thread in it; `worst` the
    longest ones of the use with their keys.
    """
    return asyncio.run(_explore(path, float(seconds)))


async def _explore(path: str, seconds: float) -> dict[str, object]:
    app = FwbillApp(Launch(query=Query(), inputs=(path,)))
    doing, gaps = "loading", [(0.0, 0.0, "")]

    async def beat() -> None:
        last, busy = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(_BEAT)
            now, cpu = time.perf_counter(), time.thread_time()
            gaps.append(((now - last - _BEAT) * 1e3, (cpu - busy) * 1e3, doing))
            last, busy = now, cpu

    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        gaps.clear()
        beating = asyncio.create_task(beat())
        loaded = False
        while not loaded:
            await asyncio.sleep(0.05)
            loaded = any(not panel.partial and panel.totals.events for panel in app.screen.query(TotalsPanel))
        await asyncio.sleep(1)
        loading = max(gaps)[:2]
        gaps.clear()
        gc.collect()
        pressed = 0
        for key in _keys(seconds):
            doing = key
            pressed += 1
            app.post_message(events.Key(key, key if len(key) == 1 else None))
            await asyncio.sleep(_TYPING)
        beating.cancel()
    worst = [[round(gap), round(cpu), key] for gap, cpu, key in sorted(gaps, reverse=True)[:_WORST]]
    busiest = max((cpu, key) for _, cpu, key in gaps)
    return {"loading": loading, "longest": max(gaps)[0], "busiest": busiest, "pressed": pressed, "worst": worst}


def measure(results: Results, cache: Cache, rows: int, seconds: float) -> None:
    """The longest stall while a CSV is loaded and while the explorer is used."""
    found = child.run("stalls.explore", cache.csv(rows), seconds, work=cache.work).returned
    worst = ", ".join(f"{key} {gap}/{cpu}" for gap, cpu, key in found["worst"])
    loading, busy = found["loading"]
    use, load = Sample.of([found["longest"]]), Sample.of([loading])
    name, goals = f"longest stall in {seconds:g} s of use, {found['pressed']:,} keys", (Goal("max", 50),)
    results.add(Figure(SECTION, name, "ms", use, goals=goals, rows=rows, note=f"worst, and their CPU: {worst}"))
    busiest, key = found["busiest"]
    name = "most CPU of the loop's thread in one stall"
    results.add(Figure(SECTION, name, "ms", Sample.of([busiest]), rows=rows, note=f"after {key}"))
    note = f"{busy:.0f} ms of CPU in it"
    results.add(Figure(SECTION, "longest stall while the CSV loads", "ms", load, goals=goals, rows=rows, note=note))
