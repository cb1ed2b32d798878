"""The one SQL statement of "When one machine is not enough", run by other engines: both must give the rollup we compute.

DuckDB comes with the test extra. PySpark, which weighs half a gigabyte and needs Java 17, comes with the extra `engines`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import fwbill_tui.usage
from fwbill_tui.sources.files import FileSource, RollupSource
from fwbill_tui.sources.loading import load
from fwbill_tui.usage.query import EVERYTHING, Query
from fwbill_tui.usage.rollup_ledger import COLUMNS

SQL = (Path(fwbill_tui.usage.__file__).parent / "rollup.sql").read_text()
ROWS = 6_000
# Nights on which clocks change somewhere, the ends of hours, days and years.
AROUND = [
    datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 4, 4, 15, 30, tzinfo=UTC), datetime(2025, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]  # fmt: skip


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Usage events as a warehouse has them: empty cells of both kinds, splits that are missing, whole or in part."""
    chance = random.Random(7)

    def label(*known: str) -> str | None:
        return chance.choice([*known, *known, "", None])

    def event() -> dict[str, Any]:
        start = chance.choice(AROUND) + timedelta(minutes=chance.randint(-150, 150), microseconds=chance.randint(-3, 3))
        prompt = chance.choice([None, 0, 1, chance.randint(0, 10**6), 2**53 + chance.randint(0, 9)])
        cached = chance.choice([None, 0, chance.randint(0, 10**6)])
        return {
            "email": label("ana@acme.dev", "größe@acme.dev", 'O\'Brien, "Bo"'),
            "start_time": start,
            "end_time": chance.choice([None, start + timedelta(seconds=3)]),
            "usage_type": chance.choice(["TEXT", "GPU", "text"]),
            "accelerator_type": label("NVIDIA_H100_80GB"),
            # Multiples of a quarter add up exactly in any order.
            "accelerator_seconds": chance.choice([None, 0.0, chance.randint(0, 10**7) / 4]),
            "base_model_name": label("accounts/fireworks/models/kimi-k3", "accounts/acme/models/*"),
            "model_bucket": label("Kimi K3"),
            "parameter_count": chance.choice([None, 10**12]),
            "prompt_tokens": prompt,
            "completion_tokens": chance.choice([None, chance.randint(0, 10**6)]),
            "cached_prompt_tokens": cached,
            "uncached_prompt_tokens": chance.choice([None, chance.randint(0, 10**6)]),
        }

    rows = [event() for _ in range(ROWS)]
    rows += rows[:50]  # identical events are legitimate
    rows += [{**rows[0], "usage_type": nothing} for nothing in ("", None)] + [{**rows[0], "start_time": None}]
    path = tmp_path_factory.mktemp("warehouse") / "events.parquet"
    schema = pl.Schema({name: pl.Int64() for name in rows[0] if name.endswith(("tokens", "count"))})
    times = {name: pl.Datetime("us", "UTC") for name in ("start_time", "end_time")}
    pl.DataFrame(rows, schema_overrides={**schema, **times}, infer_schema_length=None).write_parquet(path)
    return path


def with_duckdb(events: Path, to: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute(f"CREATE VIEW usage_events AS SELECT * FROM '{events}'")
        engine.execute(f"COPY ({SQL}) TO '{to}' (FORMAT {to.suffix[1:]})")


def with_spark(events: Path, to: Path) -> None:
    sql = pytest.importorskip("pyspark.sql", reason="PySpark comes with the extra `engines`")
    options = {
        "spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "1", "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.memory": "1g",
        "spark.sql.warehouse.dir": str(to.parent / "warehouse"), "spark.log.level": "ERROR",
    }  # fmt: skip
    builder = sql.SparkSession.builder.master("local[2]")
    for name, value in options.items():
        builder = builder.config(name, value)
    engine = builder.getOrCreate()
    try:
        engine.read.parquet(str(events)).createOrReplaceTempView("usage_events")
        engine.sql(SQL).write.parquet(str(to))  # a folder of parts
    finally:
        engine.stop()


@pytest.mark.filterwarnings("ignore")  # of the engines' own making
# Spark's own CSV escapes quotes by backslashes, as no other program reads them.
@pytest.mark.parametrize(("engine", "kind"), [(with_duckdb, "parquet"), (with_duckdb, "csv"), (with_spark, "parquet")])
def test_the_engine_gives_our_rollup(engine: Callable[[Path, Path], None], kind: str, events: Path, tmp_path: Path) -> None:
    made = tmp_path / f"rollup.{kind}"
    engine(events, made)
    ours = load(FileSource([str(events)]), [EVERYTHING]).ledger
    assert ours.rejected == 3
    assert ours.events.height == ROWS + 50
    theirs = load(RollupSource([str(made)]), [EVERYTHING]).ledger
    assert theirs.events.height > 1_000
    assert_frame_equal(theirs.rollup(Query()), ours.rollup(Query()), check_exact=True)


def test_the_readme_has_the_statement() -> None:
    assert f"```sql\n{SQL}```" in (Path(__file__).parents[2] / "README.md").read_text()


def test_the_statement_gives_the_documented_columns(events: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as engine:
        engine.execute(f"CREATE VIEW usage_events AS SELECT * FROM '{events}'")
        assert tuple(row[0] for row in engine.execute(f"DESCRIBE {SQL}").fetchall()) == COLUMNS
