"""Workloads: export files to typed Parquet with the bare engine and the peers, each in its own process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd

from tests.bench.apart import timed
from tests.bench.ingest_peers import TIMES, Found, pandas_c, pandas_pyarrow, polars, rows_in

FLUSH = "SET partitioned_write_flush_threshold = 20000"
"""DuckDB setting; without it the engine uses ten times as much memory for a write partitioned by day."""


def bare_engine(files: list[str], target: str) -> Found:
    """Copy with DuckDB to one file."""
    rows = f"SELECT * FROM read_csv({files!r})"  # noqa: S608 - paths of this benchmark
    return _copy(f"COPY ({rows}) TO '{target}/calls.parquet' (FORMAT parquet)", target)


def bare_engine_by_day(files: list[str], target: str) -> Found:
    """Copy with DuckDB to one folder per day."""
    rows = f"SELECT *, start_time::DATE AS day FROM read_csv({files!r})"  # noqa: S608 - paths of this benchmark
    return _copy(f"COPY ({rows}) TO '{target}/calls' (FORMAT parquet, PARTITION_BY (day))", target)


def pandas_only(files: list[str], target: str) -> Found:
    """Read and write with pandas, file by file, without any other processing."""
    Path(target).mkdir(parents=True)
    with timed() as watch:
        for path in files:
            frame = pd.read_csv(path, parse_dates=TIMES)
            frame["day"] = frame["start_time"].dt.date.astype("str")
            frame.to_parquet(target, partition_cols=["day"], index=False)
    return watch.seconds, _rows(target)


def polars_only(files: list[str], target: str) -> Found:
    """Read and write with Polars, streaming, without any other processing."""
    import polars as pl  # noqa: PLC0415 - a peer that may not be installed

    with timed() as watch:
        day = pl.col("start_time").dt.date().alias("day")
        parts = pl.PartitionBy(target, key="day")
        pl.scan_csv(files, try_parse_dates=True).with_columns(day).sink_parquet(parts, mkdir=True)
    return watch.seconds, _rows(target)


WAYS: dict[str, Callable[[list[str], str], Found]] = {
    "bare engine": bare_engine,
    "bare engine, by day": bare_engine_by_day,
    "pandas": pandas_c,
    "pandas with pyarrow": pandas_pyarrow,
    "Polars": polars,
    "pandas, reading and writing only": pandas_only,
    "Polars, reading and writing only": polars_only,
}
"""Every implementation except the product's, by name."""
NEED_POLARS = ("Polars", "Polars, reading and writing only")


def _copy(text: str, target: str) -> Found:
    Path(target).mkdir(parents=True)
    with timed() as watch, duckdb.connect() as connection:
        connection.execute(FLUSH)
        connection.execute(text)
    return watch.seconds, _rows(target)


def _rows(target: str) -> dict[str, int]:
    return {"rows": rows_in(Path(target).rglob("*.parquet"))}
