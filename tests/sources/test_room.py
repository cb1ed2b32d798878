"""How much memory a process may still take, in control groups of both versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from fwbill_tui.sources import room

GIB = 1 << 30


def group(folder: Path, version: int, *, limit: str, used: int, cache: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = (
        ("memory.max", "memory.current", "file")
        if version == 2
        else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache")
    )
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {cache}\n")


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(room, "_CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(room, "_OWN_GROUPS", tmp_path / "own")
    return tmp_path


def test_a_container_that_sees_its_own_group_as_the_root(groups: Path) -> None:
    group(groups / "cgroup", 2, limit=str(2 * GIB), used=GIB, cache=GIB // 4)
    (groups / "own").write_text("0::/\n")
    assert room._of_container() == GIB + GIB // 4
    assert room.free_memory() is not None
    assert room.free_memory() <= GIB + GIB // 4  # type: ignore[operator]


def test_the_tightest_of_the_groups_around_it_counts(groups: Path) -> None:
    group(groups / "cgroup/user.slice", 2, limit=str(GIB), used=GIB // 2, cache=0)
    group(groups / "cgroup/user.slice/run.scope", 2, limit="max", used=GIB // 2, cache=0)
    (groups / "own").write_text("0::/user.slice/run.scope\n")
    assert room._of_container() == GIB // 2


def test_version_one_beside_version_two(groups: Path) -> None:
    group(groups / "cgroup/memory", 1, limit="9223372036854771712", used=GIB, cache=0)
    group(groups / "cgroup/memory/job", 1, limit=str(2 * GIB), used=GIB, cache=10)
    (groups / "own").write_text("12:cpu,cpuacct:/job\n4:memory:/job\n0::/\n")
    assert room._of_container() == GIB + 10


def test_a_container_whose_path_is_that_of_the_machine(groups: Path) -> None:
    group(groups / "cgroup/memory", 1, limit=str(GIB), used=0, cache=0)
    (groups / "own").write_text("4:memory:/docker/0123\n")
    assert room._of_container() == GIB


@pytest.mark.parametrize("own", [None, "0::/\n", "4:memory:/x\n"])
def test_without_groups_nothing_is_said(groups: Path, own: str | None) -> None:
    if own is not None:
        (groups / "own").write_text(own)
    assert room._of_container() is None
