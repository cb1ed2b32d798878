"""The sizes of a Parquet file's dictionaries are what its columns have, whoever wrote it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwbill_tui.usage.parquet_footer import chunks_of, largest_dictionaries, most_without_dictionary

FRAME = pl.DataFrame({
    "few": ["a", "b", None, "a"] * 500, "many": [f"label {number // 2}" for number in range(2000)], "none": [None] * 2000,
    "flag": [True, False, None, True] * 500, "share": [0.5, 0.25, None, 1.0] * 500,
}, schema_overrides={"none": pl.String})  # fmt: skip


def footer(file: bytes) -> bytes:
    length = int.from_bytes(file[-8:-4], "little")
    return file[-8 - length : -8]


def sizes(file: bytes) -> dict[str, int]:
    return largest_dictionaries(file, chunks_of(footer(file)))


def plain(file: bytes) -> dict[str, int]:
    return most_without_dictionary(chunks_of(footer(file)))


def written(row_group_size: int | None = None) -> bytes:
    file = BytesIO()
    FRAME.write_parquet(file, row_group_size=row_group_size)
    return file.getvalue()


@pytest.mark.parametrize(("rows", "many"), [(None, 1000), (1000, 500), (700, 350)])
def test_files_of_polars(rows: int | None, many: int) -> None:
    found = sizes(written(rows))
    assert (found["few"], found["many"], found["flag"]) == (2, many, 0)
    assert found["none"] <= 1
    assert "few" not in plain(written(rows))


def test_values_without_a_dictionary() -> None:
    file = BytesIO()
    pl.DataFrame({"all different": [f"label {number}" for number in range(1000)]}).write_parquet(file, row_group_size=600)
    assert plain(file.getvalue()) == {"all different": 600}


def test_files_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "made.parquet"
    FRAME.select("few", "many").write_csv(tmp_path / "made.csv")
    duckdb.sql(f"COPY (FROM '{tmp_path / 'made.csv'}') TO '{path}' (FORMAT parquet)")
    found = sizes(path.read_bytes())
    assert found["few"] == 2
    assert found["many"] in {0, 1000}  # as it likes
    assert plain(path.read_bytes()).get("many", 0) == (0 if found["many"] else 2000)


def test_a_program_that_goes_on_without_a_dictionary() -> None:
    file = (Path(__file__).parent / "data" / "partly_plain.parquet").read_bytes()
    assert sizes(file)["usage_type"] > 0
    assert plain(file) == {"usage_type": 1000}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damage_is_a_value_error(data: st.DataObject) -> None:
    whole = bytearray(written(700))
    for place in data.draw(st.lists(st.integers(4, len(whole) - 9), min_size=1, max_size=5)):
        whole[place] = data.draw(st.integers(0, 255))
    for read in (sizes, plain):
        try:
            found = read(bytes(whole))
        except ValueError:
            continue
        assert all(isinstance(name, str) and type(count) is int for name, count in found.items())
