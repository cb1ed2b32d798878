"""Days go in and come out, whole, private, and typed for the load they belong to."""

from __future__ import annotations

import os
import shutil
import stat
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path

import polars as pl
import pytest
from archive_support import NOW, Row, an_archive, contents, day, fetch, frame, left_over, same, texts, version
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fwbill_tui.archive.account import DAMAGED, MANIFEST, AccountArchive, days_of
from fwbill_tui.archive.archive import Archive
from fwbill_tui.archive.errors import ArchiveError, ArchiveLayoutError, DamagedManifestError
from fwbill_tui.usage.cells import TooManyLabels
from fwbill_tui.usage.names import COLUMNS
from fwbill_tui.usage.schema import EventTypes

ROWS = st.tuples(
    st.integers(0, 9).map(day),
    st.integers(0, 86_399),
    st.none() | st.sampled_from(["accounts/fireworks/models/kimi-k3", "été", "a,b", "x" * 300]),
    st.none() | st.integers(-(2**63), 2**63 - 1),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(ROWS, max_size=12), min_size=1, max_size=4))
def test_every_day_has_exactly_its_own_events(tmp_path: Path, batches: list[list[Row]]) -> None:
    archive = an_archive(tmp_path)
    shutil.rmtree(archive.folder, ignore_errors=True)
    dates = [day(number) for number in range(10)]
    types = EventTypes()
    archive.store(fetch(), days_of([frame(rows, types) for rows in batches], dates))
    expected: dict[date, list[Row]] = defaultdict(list)
    for row in chain.from_iterable(batches):
        expected[row[0]].append(row)
    found = contents(archive)
    assert list(found) == dates
    for on, events in found.items():
        assert texts(events).equals(texts(frame(expected[on])))
    assert {on: kept.rows for on, kept in archive.manifest().days.items()} == {on: len(expected[on]) for on in dates}
    assert left_over(archive) == set()


def test_identical_events_are_all_kept(tmp_path: Path) -> None:
    archive = an_archive(tmp_path)
    archive.store(fetch(), [(day(0), frame([(day(0), 5, "kimi", 7)] * 1000))])
    assert contents(archive)[day(0)].height == 1000


def test_events_have_the_types_of_the_load_in_one_chunk(tmp_path: Path) -> None:
    archive = an_archive(tmp_path)
    archive.store(fetch(), [(day(number), version(day(number), 1)) for number in range(80)])
    types = EventTypes()
    own = frame([(day(0), 1, "model-1", 1)], types)
    parts = list(archive.read(list(archive.manifest().days.values()), types))
    assert len(parts) > 1
    for part in parts:
        assert part.events.schema == types.frame_schema()
        assert part.events.n_chunks() == 1
        pl.concat([own, part.events])  # the same dictionaries


def test_further_columns_are_kept_where_they_have_values(tmp_path: Path) -> None:
    archive = an_archive(tmp_path)
    tagged = version(day(0), 1).with_columns(team=pl.lit("search"), empty=pl.lit(None, pl.String))
    archive.store(fetch(), days_of([tagged, version(day(1), 1)], [day(0), day(1), day(2)]))
    days = archive.manifest().days
    assert [kept.further for kept in days.values()] == [("team",), (), ()]
    (part,) = archive.read(list(days.values()), EventTypes())
    assert part.events.columns == [*COLUMNS, "team"]
    assert part.events["team"].to_list() == ["search"] * 20 + [None] * 20


def test_a_day_without_usage_is_known_and_has_no_file(tmp_path: Path) -> None:
    archive = an_archive(tmp_path)
    archive.store(fetch(), [(day(0), pl.DataFrame())])
    assert archive.day_states(day(0), day(1)) == {day(0): "have", day(1): "missing"}
    assert [path.name for path in archive.folder.iterdir()] == [MANIFEST]
    (part,) = archive.read(list(archive.manifest().days.values()), EventTypes())
    assert part.events.is_empty()
    assert [kept.date for kept in part.days] == [day(0)]


def test_a_day_is_replaced_whole_and_its_old_file_goes(tmp_path: Path) -> None:
    archive = an_archive(tmp_path)
    archive.store(fetch(1), [(day(0), version(day(0), 1)), (day(1), version(day(1), 1))])
    archive.store(fetch(2), [(day(1), version(day(1), 2, rows=3))])
    assert same(contents(archive), {day(0): version(day(0), 1), day(1): version(day(1), 2, rows=3)})
    assert len(list(archive.folder.glob("*.parquet"))) == 2
    archive.store(fetch(3), [(day(1), pl.DataFrame())])
    assert contents(archive)[day(1)].is_empty()
    assert len(list(archive.folder.glob("*.parquet"))) == 1


def test_a_later_fetch_is_never_replaced_by_an_earlier_one(tmp_path: Path) -> None:
    archive = an_archive(tmp_path)
    archive.store(fetch(5), [(day(0), version(day(0), 5))])
    archive.store(fetch(3), [(day(0), version(day(0), 3)), (day(1), version(day(1), 3))])
    assert same(contents(archive), {day(0): version(day(0), 5), day(1): version(day(1), 3)})
    assert left_over(archive) == set()


def test_a_fetch_that_seems_to_be_from_the_future_is_replaced(tmp_path: Path) -> None:
    an_archive(tmp_path).store(fetch(1, at=NOW + timedelta(days=400)), [(day(0), version(day(0), 1))])
    archive = an_archive(tmp_path)
    assert archive.day_states(day(0), day(0)) == {day(0): "provisional"}
    archive.store(fetch(2), [(day(0), version(day(0), 2))])
    assert same(contents(archive), {day(0): version(day(0), 2)})
    assert archive.day_states(day(0), day(0)) == {day(0): "have"}


def test_day_states_end_today(tmp_path: Path) -> None:
    archive = an_archive(tmp_path, now=datetime(2026, 10, 4, 1, tzinfo=UTC))
    archive.store(fetch(at=datetime(2026, 10, 4, 0, tzinfo=UTC)), [(day(n), pl.DataFrame()) for n in (0, 1, 3)])
    states = archive.day_states(day(0), day(30))
    assert states == {day(0): "have", day(1): "provisional", day(2): "missing", day(3): "provisional"}
    assert archive.day_states(day(5), day(4)) == {}


@pytest.mark.skipif(os.name == "nt", reason="no such permissions")
def test_everything_is_private_whatever_was_there(tmp_path: Path) -> None:
    root = tmp_path / "data" / "archive"
    root.mkdir(parents=True)
    root.chmod(0o755)
    archive = an_archive(root)
    old = os.umask(0)
    try:
        archive.store(fetch(), [(day(0), version(day(0), 1))])
        (damaged,) = archive.manifest().days.values()
        (archive.folder / damaged.file).write_bytes(b"no")
        (part,) = archive.read([damaged], EventTypes())
        archive.set_aside(part.damaged)
    finally:
        os.umask(old)
    for path in (root, *root.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a bit": lambda path: path.write_bytes(bytes([*path.read_bytes()[:99], path.read_bytes()[99] ^ 1, *path.read_bytes()[100:]])),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty": lambda path: path.write_bytes(b""),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "another": lambda path: version(day(1), 9).write_parquet(path),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_named_set_aside_and_its_day_missing(tmp_path: Path, damage: str) -> None:
    archive = an_archive(tmp_path)
    archive.store(fetch(), [(day(number), version(day(number), 1)) for number in range(3)])
    kept = archive.manifest().days[day(1)]
    DAMAGE[damage](archive.folder / kept.file)
    (part,) = archive.read([archive.manifest().days[day(number)] for number in range(3)], EventTypes())
    assert [found.date for found in part.days] == [day(0), day(2)]
    assert texts(part.events).equals(texts(pl.concat([texts(version(day(0), 1)), texts(version(day(2), 1))])))
    (found,) = part.damaged
    assert str(day(1)) in str(found)
    assert kept.file in str(found)

    archive.set_aside(part.damaged)
    assert archive.day_states(day(0), day(2))[day(1)] == "missing"
    assert not (archive.folder / kept.file).exists()
    assert (archive.folder / DAMAGED / kept.file).exists() == (damage != "gone")
    archive.store(fetch(2), [(day(1), version(day(1), 2))])
    assert contents(archive)[day(1)]["prompt_tokens"].unique().to_list() == [2]


def test_a_day_that_was_fetched_again_meanwhile_is_not_set_aside(tmp_path: Path) -> None:
    archive = an_archive(tmp_path)
    archive.store(fetch(), [(day(0), version(day(0), 1))])
    (archive.folder / archive.manifest().days[day(0)].file).write_bytes(b"no")
    (part,) = archive.read(list(archive.manifest().days.values()), EventTypes())
    archive.store(fetch(2), [(day(0), version(day(0), 2))])
    archive.set_aside(part.damaged)
    assert same(contents(archive), {day(0): version(day(0), 2)})


def test_a_reader_goes_on_when_days_are_replaced_under_it(tmp_path: Path) -> None:
    archive = an_archive(tmp_path)
    archive.store(fetch(), [(day(number), version(day(number), 1)) for number in range(80)])
    before = list(archive.manifest().days.values())
    archive.store(fetch(2), [(day(number), version(day(number), 2)) for number in range(79)])
    archive.drop([day(5)])
    found: dict[date, str] = {}
    gone: list[date] = []
    for part in archive.read(before, EventTypes()):
        found |= {kept.date: kept.fetch.key for kept in part.days}
        gone += [damage.day.date for damage in part.damaged]
    assert gone == [day(5)]  # and not a day without usage
    assert len(found) == 80 - 1
    assert found[day(0)] == fetch(2).key
    assert found[day(79)] == fetch(1).key


def test_too_many_labels_for_the_narrow_types_are_said_as_such(tmp_path: Path) -> None:
    archive = an_archive(tmp_path)
    archive.store(fetch(), [(day(0), frame(((day(0), 0, f"m{number}", 1) for number in range(66_000)), EventTypes(wide=True)))])
    with pytest.raises(TooManyLabels):
        contents(archive)
    assert contents(archive, EventTypes(wide=True))[day(0)].height == 66_000


# -- what others leave behind --------------------------------------------------------------------------------------------
def test_left_overs_go_when_they_are_old_and_not_before(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    archive = an_archive(tmp_path, now=now)
    archive.store(fetch(at=NOW - timedelta(days=1)), [(day(0), version(day(0), 1))])
    names = [f"{day(3)}.{'00' * 8}.parquet", ".manifest.json.0123456789ab.part"]
    for name in names:
        (archive.folder / name).write_bytes(b"x")
    archive.store(fetch(2), [(day(1), version(day(1), 1))])
    assert left_over(archive) == set(names)
    ahead = (now + timedelta(days=3)).timestamp()
    os.utime(archive.folder / names[0], (ahead, ahead))  # by a clock that was ahead: not old
    os.utime(archive.folder / names[1], (0, 0))
    os.utime(archive.folder / archive.manifest().days[day(0)].file, (0, 0))
    archive.store(fetch(3), [(day(2), version(day(2), 1))])
    assert left_over(archive) == {names[0]}
    assert list(contents(archive)) == [day(0), day(1), day(2)]


def test_a_file_swept_away_before_it_was_named_is_not_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop slept for a night between writing a day and naming it."""
    archive = an_archive(tmp_path)
    archive.store(fetch(), [(day(0), version(day(0), 1))])
    rename = AccountArchive._name

    def late(self: AccountArchive, *arguments: object) -> None:
        for path in self.folder.glob(f"{day(1)}*"):
            path.unlink()
        rename(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(AccountArchive, "_name", late)
    with pytest.raises(ArchiveError, match="was removed while"):
        archive.store(fetch(2), [(day(1), version(day(1), 2)), (day(2), version(day(2), 2))])
    assert same(contents(archive), {day(0): version(day(0), 1)})


def test_a_damaged_manifest_is_moved_away_with_all_its_files(tmp_path: Path) -> None:
    archive = an_archive(tmp_path)
    archive.store(fetch(), [(day(0), version(day(0), 1))])
    path = archive.folder / MANIFEST
    path.write_bytes(path.read_bytes().replace(b'"rows": 20', b'"rows": 21'))
    with pytest.raises(DamagedManifestError, match=r"manifest\.json is damaged"):
        archive.manifest()
    with pytest.raises(DamagedManifestError):
        archive.store(fetch(2), [(day(1), version(day(1), 2))])
    assert len(list(archive.folder.glob("*.parquet"))) >= 1  # nothing is swept that the manifest may have named
    aside = archive.recover()
    assert aside is not None
    assert len(list(aside.glob(f"{day(0)}.*.parquet"))) == 1
    assert archive.manifest().days == {}
    assert archive.recover() is None
    archive.store(fetch(3), [(day(0), version(day(0), 3))])
    assert same(contents(archive), {day(0): version(day(0), 3)})


def test_another_layout_is_left_alone(tmp_path: Path) -> None:
    archive = an_archive(tmp_path)
    archive.store(fetch(), [(day(0), version(day(0), 1))])
    path = archive.folder / MANIFEST
    path.write_bytes(path.read_bytes().replace(b'"fwbill archive": 1', b'"fwbill archive": 7'))
    before = {file: file.read_bytes() for file in archive.folder.iterdir()}
    for act in (archive.manifest, archive.recover, lambda: archive.store(fetch(2), [(day(1), version(day(1), 2))])):
        with pytest.raises(ArchiveLayoutError, match="update this one"):
            act()
    archive._remove_unnamed(file.name for file in before)
    after = {file: file.read_bytes() for file in archive.folder.iterdir()}
    assert before.items() <= after.items()


def test_two_accounts_never_share_a_folder(tmp_path: Path) -> None:
    """As on a file system that takes upper case for lower case."""
    archive, other = an_archive(tmp_path), an_archive(tmp_path, account="ACME-prod")
    archive.store(fetch(), [(day(0), version(day(0), 1))])
    if not other.folder.exists():
        archive.folder.rename(other.folder)
    with pytest.raises(ArchiveError, match="belongs to acme-prod"):
        other.manifest()
    with pytest.raises(ArchiveError, match="belongs to acme-prod"):
        other.store(fetch(2), [(day(1), version(day(1), 1))])


@pytest.mark.parametrize("account", ["..", ".", "", "a/b", "a\\b", "../x", "a\0", "x" * 200, "-rf", "ü"])
def test_an_account_that_is_no_name_never_becomes_a_path(tmp_path: Path, account: str) -> None:
    with pytest.raises(ArchiveError, match="form of an account id"):
        Archive(tmp_path).account("api.fireworks.ai", account)


@pytest.mark.parametrize("host", ["127.0.0.1:4433", "[::1]:80", "..", "a/../../b", "~", "demo"])
def test_a_host_is_one_folder_below_the_root(tmp_path: Path, host: str) -> None:
    folder = Archive(tmp_path).account(host, "acme").folder
    assert folder.resolve().relative_to(tmp_path.resolve()).parts[1:] == ("acme",)
    assert not folder.parent.name.startswith(".")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions bind no one here")
def test_a_folder_that_may_not_be_written_to_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ArchiveError, match="FWBILL_DATA_DIR"):
            an_archive(tmp_path / "archive").store(fetch(), [(day(0), version(day(0), 1))])
    finally:
        tmp_path.chmod(0o700)


def test_a_file_in_place_of_the_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("")
    with pytest.raises(ArchiveError, match="archive"):
        an_archive(tmp_path / "archive").store(fetch(), [(day(0), version(day(0), 1))])
    with pytest.raises(ArchiveError, match="archive"):
        an_archive(tmp_path / "archive").manifest()
