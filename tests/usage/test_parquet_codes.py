"""Label columns of Parquet files, read as codes, are the labels that the files have."""

from __future__ import annotations

from io import BytesIO

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwbill_tui.usage.cells import TooManyLabels
from fwbill_tui.usage.parquet_codes import coded
from fwbill_tui.usage.schema import EventTypes

SCHEMA = {"email": pl.String, "usage_type": pl.String, "prompt_tokens": pl.Int64, "base_model_name": pl.String, "note": pl.String}
TYPE = ["usage_type"]
some_labels = st.sampled_from(["", "llama-v3p1-8b-instruct", "\ud7ff\U0010ffff", "ARROW:schema"])
labels = st.one_of(st.none(), st.text(max_size=3), some_labels)


def written(frame: pl.DataFrame, row_group_size: int | None = None) -> BytesIO:
    file = BytesIO()
    frame.write_parquet(file, row_group_size=row_group_size)
    return file


def read(copy: BytesIO | None) -> pl.DataFrame:
    assert copy is not None
    return pl.scan_parquet(copy).collect()


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.lists(st.tuples(labels, labels, st.integers(-5, 5), labels, labels), max_size=30), min_size=1, max_size=3),
    st.booleans(),
    st.sampled_from([None, 7]),
)
def test_files_of_one_load_keep_their_labels(files: list[list[tuple[object, ...]]], wide: bool, rows: int | None) -> None:
    types = EventTypes(wide=wide)
    for cells in files:
        frame = pl.DataFrame(cells, schema=SCHEMA, orient="row")
        found = read(coded(written(frame, rows), list(SCHEMA), types))
        assert found.schema == {name: types.of(name) if name != "note" else pl.String() for name in SCHEMA}
        assert found.cast(SCHEMA).equals(frame)


def test_columns_have_our_names_in_their_order() -> None:
    file = written(pl.DataFrame({" Model ": ["a", None], "usage_type": ["b", "c"]}))
    types = EventTypes()
    cells = read(coded(file, ["base_model_name", "usage_type"], types)).rename({" Model ": "base_model_name"})
    assert cells.schema == {name: types.of(name) for name in ("base_model_name", "usage_type")}
    assert cells.cast(pl.String).rows() == [("a", "b"), (None, "c")]


@pytest.mark.parametrize(("labels", "group"), [(65_536, None), (70_000, None), (70_000, 50_000)])
def test_more_labels_than_narrow_codes_can_number(labels: int, group: int | None) -> None:
    file = written(pl.DataFrame({"usage_type": [f"type {number // 2}" for number in range(2 * labels)]}), group)
    with pytest.raises((TooManyLabels, pl.exceptions.ComputeError), match=r"in usage_type|more categories than"):
        read(coded(file, TYPE, EventTypes()))
    assert read(coded(file, TYPE, EventTypes(wide=True)))["usage_type"].n_unique() == labels


def test_more_labels_than_narrow_codes_can_number_outside_of_dictionaries(capfd: pytest.CaptureFixture[str]) -> None:
    names = ["usage_type", "base_model_name"]
    frame = pl.DataFrame({"usage_type": [f"type {number}" for number in range(70_000)]}).with_columns(base_model_name=pl.lit("m"))
    types = EventTypes()
    found = read(coded(written(frame), names, types))
    assert found.schema == {"usage_type": pl.String, "base_model_name": types.of("base_model_name")}
    assert found.cast(pl.String).equals(frame)
    assert capfd.readouterr().err == ""
    assert read(coded(written(frame, 40_000), names[:1], EventTypes(wide=True)))["usage_type"].n_unique() == 70_000


def test_as_many_labels_as_narrow_codes_can_number() -> None:
    file = written(pl.DataFrame({"usage_type": [f"type {number // 2}" for number in range(2 * 65_535)]}))
    assert read(coded(file, TYPE, EventTypes()))["usage_type"].n_unique() == 65_535


@pytest.mark.parametrize("damage", [
    (b"ARROW:schema", b"ARROW:SCHEMA"),  # as in a file of a program that does not write it
    (b"\x18\x0cARROW:schema\x18", b"\x18\x0cARROW:schema\x19"),
    (b"PAR1", b"PAR2"),
], ids=["no entry", "an entry that is no text", "no magic"])  # fmt: skip
def test_footers_that_say_nothing(damage: tuple[bytes, bytes]) -> None:
    whole = written(pl.DataFrame({"usage_type": ["a"]})).getvalue()
    assert whole.replace(*damage) != whole
    assert coded(BytesIO(whole.replace(*damage)), TYPE, EventTypes()) is None


def test_a_damaged_footer_is_refused_or_read_as_polars_reads_it() -> None:
    whole = written(pl.DataFrame({"usage_type": ["a", "b"]})).getvalue()
    key = whole.rfind(b"ARROW:schema")
    # Where the entry begins; and the name of the program that wrote the file, which is at the end and does not matter.
    places = [*range(key - 4, key + 21), *range(len(whole) - 48, len(whole) - 8)]
    outcomes: set[str] = set()

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from(places), st.integers(0, 255)), min_size=1, max_size=3))
    def damaged(bytes_: list[tuple[int, int]]) -> None:
        file = bytearray(whole)
        for place, byte in bytes_:
            file[place] = byte
        try:
            copy = coded(BytesIO(bytes(file)), TYPE, EventTypes())
        except Exception as error:
            pytest.fail(f"{error!r}")
        if copy is not None:
            assert read(copy).cast(pl.String).rows() == read(BytesIO(bytes(file))).rows() == [("a",), ("b",)]
        outcomes.add("refused" if copy is None else "read" if file != whole else "whole")

    damaged()
    assert {"refused", "read"} <= outcomes


def test_files_without_labels_as_text_are_left_alone() -> None:
    types = EventTypes()
    assert coded(written(pl.DataFrame({"prompt_tokens": [1], "note": ["x"]})), ["prompt_tokens", "note"], types) is None
    assert coded(written(pl.DataFrame({"usage_type": ["x"]}, schema={"usage_type": pl.Categorical})), TYPE, types) is None
    assert coded(BytesIO(b"PAR1\xff\xff\xff\x00PAR1"), TYPE, types) is None


def test_files_of_very_many_row_groups_are_left_alone() -> None:
    frame = pl.DataFrame({"usage_type": ["x"], **{f"note {number}": ["x"] for number in range(200)}})
    assert coded(written(frame), list(frame.columns), EventTypes()) is not None
    many = pl.concat([frame] * 100)
    assert coded(written(many, 1), list(frame.columns), EventTypes()) is None
