"""Looking after the archive: what is there, is it sound, what may go."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from archive_support import HOST, NOW, an_archive, contents, day, fetch, same, version

from fwbill_tui.archive.account import MANIFEST
from fwbill_tui.archive.archive import Archive, archive_folder
from fwbill_tui.archive.errors import ArchiveError

LATER = NOW + timedelta(days=1)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    archive = Archive(tmp_path / "archive", clock=lambda: LATER)
    prod, staging = archive.account(HOST, "acme-prod"), archive.account("127.0.0.1:8080", "acme-staging")
    prod.store(fetch(1), [(day(number), version(day(number), 1)) for number in (0, 1, 4)])
    prod.store(fetch(2), [(NOW.date(), version(NOW.date(), 2))])
    staging.store(fetch(3), [(day(2), version(day(2), 3, rows=7))])
    return archive


def test_where_it_lies() -> None:
    assert archive_folder({"FWBILL_DATA_DIR": "/data/x"}) == Path("/data/x/archive")
    assert archive_folder({"FWBILL_DATA_DIR": "~/x"}) == Path.home() / "x" / "archive"
    assert archive_folder({"FWBILL_DATA_DIR": "x"}).is_absolute()
    usual = archive_folder({"FWBILL_DATA_DIR": ""})
    assert usual.is_absolute()
    assert "fwbill" in usual.parts[-2]


def test_looking_makes_nothing(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    assert archive.accounts() == []
    assert list(archive.verify()) == []
    assert archive.prune(timedelta(days=1)) == {}
    archive.forget(HOST, "acme-prod")
    assert archive.account(HOST, "acme-prod").day_states(day(0), day(1)) == {day(0): "missing", day(1): "missing"}
    assert list(tmp_path.iterdir()) == []


def test_the_list(archive: Archive) -> None:
    staging, prod = archive.accounts()
    assert (prod.host, prod.account, prod.days, prod.rows) == (HOST, "acme-prod", 4, 80)
    assert (prod.first, prod.last, prod.provisional) == (day(0), NOW.date(), 1)
    assert prod.missing == (NOW.date() - day(0)).days + 1 - 4
    assert prod.size == sum(path.stat().st_size for path in archive.account(HOST, "acme-prod").folder.iterdir())
    assert (staging.host, staging.account, staging.rows, staging.missing) == ("127.0.0.1:8080", "acme-staging", 7, 0)


def test_an_account_that_cannot_be_read_is_listed_with_its_problem(archive: Archive) -> None:
    (archive.account(HOST, "acme-prod").folder / MANIFEST).write_text("{}")
    staging, prod = archive.accounts()
    assert "is damaged" in prod.problem
    assert prod.size > 0
    assert staging.problem == ""
    assert [kept.account for kept, _ in archive.verify()] == ["acme-staging"]


def test_the_list_leaves_out_what_other_programs_remove_meanwhile(archive: Archive) -> None:
    """They sweep left-over files all the time, and now and then forget an account."""
    prod, ended = archive.account(HOST, "acme-prod"), threading.Event()

    def sweep() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            (prod.folder / f"left-over-{number % 50}.parquet").write_bytes(b"")
            (prod.folder / f"left-over-{(number + 25) % 50}.parquet").unlink(missing_ok=True)
            if number % 200 == 0:
                archive.forget("127.0.0.1:8080", "acme-staging")
                archive.account("127.0.0.1:8080", "acme-staging").store(fetch(3), [(day(2), version(day(2), 3, rows=7))])

    other = threading.Thread(target=sweep)
    other.start()
    try:
        listed = [archive.accounts() for _ in range(1_000)]
    finally:
        ended.set()
        other.join()
    assert {(each.account, each.days, each.problem) for accounts in listed for each in accounts} == {
        ("acme-prod", 4, ""), ("acme-staging", 1, ""),
    }  # fmt: skip
    assert {accounts[-1].account for accounts in listed} == {"acme-prod"}


def test_an_archive_that_cannot_be_looked_at_is_said(tmp_path: Path) -> None:
    archive = Archive(tmp_path / ("x" * 300))
    for look in (archive.accounts, lambda: archive.forget(HOST, "acme-prod")):
        with pytest.raises(ArchiveError, match="too long"):
            look()


def test_verify_names_what_is_damaged_and_changes_nothing(archive: Archive) -> None:
    assert [damages for _, damages in archive.verify()] == [[], []]
    prod = archive.account(HOST, "acme-prod")
    days = prod.manifest().days
    path, gone = prod.folder / days[day(1)].file, prod.folder / days[day(4)].file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 64
    path.write_bytes(data)
    gone.unlink()
    found = {kept.account: damages for kept, damages in archive.verify()}
    assert found["acme-staging"] == []
    assert [(damage.day.date, damage.file) for damage in found["acme-prod"]] == [(day(1), path), (day(4), gone)]
    assert [damage.reason for damage in found["acme-prod"]] == ["its checksum does not fit", "the file is gone"]
    assert prod.manifest().days == days


def test_prune_keeps_the_days_that_ended_lately(archive: Archive) -> None:
    age = LATER - NOW.replace(year=2026, month=10, day=2, hour=0)
    assert {kept.account: count for kept, count in archive.prune(age).items()} == {"acme-prod": 1, "acme-staging": 0}
    prod = archive.account(HOST, "acme-prod")
    assert list(prod.manifest().days) == [day(1), day(4), NOW.date()]
    assert len(list(prod.folder.glob("*.parquet"))) == 3
    archive.prune(timedelta(0))
    assert sum(summary.days for summary in archive.accounts()) == 0
    assert list(archive.root.glob("*/*/*.parquet")) == []


def test_forget_removes_one_account_with_everything(archive: Archive) -> None:
    prod = archive.account(HOST, "acme-prod")
    staging = contents(archive.account("127.0.0.1:8080", "acme-staging"))
    (prod.folder / MANIFEST).write_text("{}")
    prod.recover()
    prod.store(fetch(5), [(day(0), version(day(0), 5))])
    archive.forget(HOST, "acme")
    assert len([path for path in archive.root.rglob("*") if "acme-prod" in path.name]) == 2
    archive.forget(HOST, "acme-prod")
    assert [path for path in archive.root.rglob("*") if "acme-prod" in str(path)] == []
    assert same(contents(archive.account("127.0.0.1:8080", "acme-staging")), staging)
    prod.store(fetch(6), [(day(0), version(day(0), 6))])
    assert same(contents(prod), {day(0): version(day(0), 6)})


def test_forgetting_under_a_writer_leaves_no_half(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    prod = archive.account(HOST, "acme-prod")

    def days() -> object:
        yield day(7), version(day(7), 7)
        archive.forget(HOST, "acme-prod")
        yield day(8), version(day(8), 7)

    with pytest.raises(ArchiveError):
        prod.store(fetch(7), days())  # type: ignore[arg-type]
    assert prod.manifest().days == {}
    assert an_archive(archive.root).manifest().days == {}
