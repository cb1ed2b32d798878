"""A load that begins before there is a screen comes to what any load comes to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fwbill_tui.sources import head_start
from fwbill_tui.sources.head_start import HeadStart, file_source
from fwbill_tui.sources.launch import Launch
from fwbill_tui.sources.loading import load
from fwbill_tui.usage.names import ExportFormatError
from fwbill_tui.usage.query import Query, TimeRange
from fwbill_tui.usage.schema import Batch

HEADER = "start_time,usage_type,prompt_tokens\n"
ROW = "2026-10-01 09:00:00 UTC,TEXT,{}\n"


@pytest.fixture
def usage(tmp_path: Path) -> Path:
    path = tmp_path / "usage.csv"
    path.write_text(HEADER + "".join(ROW.format(number) for number in range(3_000)) + ROW.format("no number"))
    return path


def launch(*files: Path, **more: bool) -> Launch:
    return Launch(Query(), inputs=tuple(map(str, files)), **more)


@pytest.mark.parametrize("more", [{}, {"lazy": True}, {"skip_unreadable": True}])
def test_it_comes_to_what_a_load_comes_to(usage: Path, tmp_path: Path, more: dict[str, bool]) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    files = [usage, *([tmp_path / "other.csv"] if "skip_unreadable" in more else [])]
    given = launch(*files, **more)
    begun = HeadStart(given).finish(progress=lambda _: None, snapshot=lambda _: None)
    later = load(file_source(given.inputs, given), [TimeRange()])
    assert begun.ledger.event_count == later.ledger.event_count == 3_000
    assert begun.ledger.totals(Query()) == later.ledger.totals(Query())
    assert begun.ledger.rejected == later.ledger.rejected == 1
    assert begun.provenance.missing == later.provenance.missing
    assert begun.provenance.complete == later.provenance.complete


def test_what_it_cannot_read_is_raised_where_it_is_awaited(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    begun = HeadStart(launch(tmp_path / "other.csv"))
    with pytest.raises(ExportFormatError, match="start_time"):
        begun.finish(progress=lambda _: None, snapshot=lambda _: None)


def test_news_comes_while_it_reads_and_none_once_it_has_ended(usage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fwbill_tui.sources.files import FileSource

    go_on = threading.Event()
    original = FileSource.batches

    def slowly(self: FileSource, *args: object, **kwargs: object) -> Iterator[Batch]:
        yield from original(self, *args, **kwargs)  # type: ignore[arg-type]
        go_on.wait(10)

    monkeypatch.setattr(FileSource, "batches", slowly)
    told: list[int] = []

    def snapshot(ledger: object) -> None:
        told.append(ledger.event_count)  # type: ignore[attr-defined]
        go_on.set()

    begun = HeadStart(launch(usage))
    assert begun.finish(progress=lambda _: None, snapshot=snapshot).ledger.event_count == 3_000
    assert told == [3_000]

    begun = HeadStart(launch(usage))
    while not begun.ended:
        threading.Event().wait(0.005)
    loaded = begun.finish(progress=lambda _: pytest.fail("late"), snapshot=lambda _: pytest.fail("late"))
    assert loaded.ledger.event_count == 3_000


def test_the_last_snapshot_is_what_a_load_comes_to_unless_more_came_behind_it(usage: Path, tmp_path: Path) -> None:
    only_rejects = tmp_path / "z.csv"
    only_rejects.write_text(HEADER + ROW.format("no number"))
    for files, rejected in (([usage], 1), ([usage, only_rejects], 2)):
        given = launch(*files)
        snapshots: list[object] = []
        loaded = load(file_source(given.inputs, given), [TimeRange()], snapshot=snapshots.append)
        assert (loaded.ledger is snapshots[-1]) == (rejected == 1)
        assert loaded.ledger.rejected == rejected


def test_it_can_be_stopped(usage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fwbill_tui.sources.files import FileSource

    original = FileSource.batches

    def once_stopped(self: FileSource, wanted: TimeRange, /, *, cancelled: threading.Event, **more: object) -> Iterator[Batch]:
        assert cancelled.wait(10)
        return original(self, wanted, cancelled=cancelled, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(FileSource, "batches", once_stopped)
    begun = HeadStart(launch(usage))
    begun.cancelled.set()
    loaded = begun.finish(progress=lambda _: None, snapshot=lambda _: None)
    assert loaded.cancelled
    assert loaded.provenance.missing


def test_a_long_load_goes_on_behind_its_first_events_once_there_is_a_screen(usage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_start, "_LONG", 0)
    begun = HeadStart(launch(usage))
    threading.Event().wait(0.3)
    assert not begun.ended
    assert begun.finish(progress=lambda _: None, snapshot=lambda _: None).ledger.event_count == 3_000


def test_a_long_load_goes_on_in_the_end_where_no_screen_comes(usage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_start, "_LONG", 0)
    monkeypatch.setattr(head_start, "_PATIENCE", 0.1)
    begun = HeadStart(launch(usage))
    for _ in range(1000):
        if begun.ended:
            break
        threading.Event().wait(0.01)
    assert begun.ended
