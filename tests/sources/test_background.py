"""What reads and writes in the background lets the screen go first."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from fwbill_tui.sources.background import after_the_screen

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="niceness is counted by thread on Linux alone")


def test_a_thread_and_those_it_starts_go_after_the_others() -> None:
    before = _niceness()
    seen: list[int] = []

    def work() -> None:
        after_the_screen()
        seen.append(_niceness())
        child = threading.Thread(target=lambda: seen.append(_niceness()))
        child.start()
        child.join()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    later = min(before + 5, 19)
    assert seen == [later, later]
    assert _niceness() == before


def test_where_that_is_forbidden_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "setpriority", refuse)
    after_the_screen()


def _niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
