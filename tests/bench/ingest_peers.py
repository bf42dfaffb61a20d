"""
Workloads: the import with pandas and with Polars, as their own guides recommend.

The same files give the same result: trimmed text, numbers as digits, typed times and money, address and port split, an
outcome for each call, non-call rows and duplicate rows dropped; Parquet by day, the roll-up by hour, and the load of
each minute. Unlike in the product, money may be binary floating point, and bad rows are not reported. The roll-ups are
compared with the product's by row count and by sum of calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute
import pyarrow.parquet

from dashboard.sip.call_outcomes import ACL_WORD, SHORT_S, outcome
from tests.bench.apart import timed

TIMES = ["start_time", "end_time"]
TEXTS = (
    "direction",
    "destination",
    "callerid",
    "number_alias",
    "destination_name",
    "callerid_country",
    "line_information",
    "result",
    "call_fail_reason",
    "custom_x_tag",
    "customer_ip",
)
OUTCOMES = {status: outcome("", status, "") for status in range(100, 700)}
EARLIEST = "2000-01-01"
ADDRESS = r"^((?:\d{1,3}\.){3}\d{1,3}):(\d{1,5})$"
KEYS = [
    "hour_at",
    "direction",
    "source_ip",
    "custom_x_tag",
    "number",
    "outcome",
    "call_fail_sip_code",
    "call_fail_reason",
    "destination_name",
]
SUMS = {
    "calls": ("calls", "sum"),
    "short_calls": ("short_calls", "sum"),
    "duration": ("duration", "sum"),
    "billed_duration": ("billed_duration", "sum"),
    "total_cost": ("total_cost", "sum"),
    "first_at": ("first_at", "min"),
    "last_at": ("last_at", "max"),
}
Found = tuple[float, Any]


def pandas_c(files: list[str], target: str) -> Found:
    """Read with pandas and its C parser file by file, the usual way."""
    return _pandas(files, target, engine="c", parse_dates=TIMES)


def pandas_pyarrow(files: list[str], target: str) -> Found:
    """Read with pandas and the pyarrow parser, which recognizes times itself."""
    return _pandas(files, target, engine="pyarrow")


def polars(files: list[str], target: str) -> Found:
    """Stream with Polars: one plan with three sinks that share the scan."""
    import polars as pl  # noqa: PLC0415 - a peer that may not be installed

    with timed() as watch:
        calls = _polars_calls(files)
        traffic = calls.group_by(KEYS).agg(
            pl.len().alias("calls"),
            ((pl.col("outcome") == "answered") & (pl.col("duration") < SHORT_S)).sum().alias("short_calls"),
            pl.col("duration", "billed_duration", "total_cost").sum(),
            pl.col("start_time").min().alias("first_at"),
            pl.col("start_time").max().alias("last_at"),
        )
        twice = calls.group_by("day").agg(pl.len() - pl.col("row").n_unique())
        ends = [
            _by_day(calls.drop("row", "hour_at", "number"), f"{target}/calls"),
            _by_day(traffic.with_columns(day=pl.col("hour_at").dt.date()), f"{target}/traffic"),
            _polars_load(calls).sink_parquet(f"{target}/load.parquet", mkdir=True, lazy=True),
            twice,
        ]
        duplicates = pl.collect_all(ends, engine="streaming")[-1]["len"].sum()
    return watch.seconds, _told(target) | {"duplicates": duplicates}


def rolled(parts: Iterable[Path]) -> dict[str, int]:
    """Return the sum of calls and the number of rows of a roll-up, from its files."""
    counts = [pyarrow.parquet.ParquetFile(part).read(columns=["calls"])["calls"] for part in parts]
    return {"rolled": sum(pyarrow.compute.sum(each).as_py() for each in counts), "groups": sum(map(len, counts))}


def rows_in(parts: Iterable[Path]) -> int:
    """Count the written rows from the files themselves."""
    return sum(pyarrow.parquet.read_metadata(part).num_rows for part in parts)


def _told(target: str) -> dict[str, int]:
    calls, traffic = (Path(target, name).rglob("*.parquet") for name in ("calls", "traffic"))
    return {"rows": rows_in(calls), **rolled(traffic)}


def _pandas(files: Sequence[str], target: str, **options: Any) -> Found:
    with timed() as watch:
        added = []
        loads = []
        for path in files:
            frame = pd.read_csv(path, dtype=dict.fromkeys(TEXTS, "str"), keep_default_na=False, **options)
            calls = _pandas_calls(frame)
            calls.drop(columns=["hour_at", "number"]).to_parquet(f"{target}/calls", partition_cols=["day"], index=False)
            calls["calls"] = 1
            calls["short_calls"] = (calls["outcome"] == "answered") & (calls["duration"] < SHORT_S)
            calls["first_at"] = calls["last_at"] = calls["start_time"]
            added.append(_add_up(calls))
            loads.append(calls[["direction", "outcome", *TIMES]])
        traffic = _add_up(pd.concat(added))
        traffic["day"] = traffic["hour_at"].dt.date.astype("str")
        traffic.to_parquet(f"{target}/traffic", partition_cols=["day"], index=False)
        _pandas_load(pd.concat(loads)).to_parquet(f"{target}/load.parquet")
    return watch.seconds, _told(target)


def _pandas_calls(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.drop_duplicates()
    for name in TEXTS:
        frame[name] = frame[name].str.strip()
    frame["direction"] = frame["direction"].str.lower()
    for name in ("destination", "callerid"):
        frame[name] = frame[name].str.replace(r"\D", "", regex=True)
    frame[["source_ip", "source_port"]] = frame["customer_ip"].str.extract(ADDRESS)
    frame["source_port"] = pd.to_numeric(frame["source_port"])
    status = frame["call_fail_sip_code"]
    listed = (status == 403) & frame["call_fail_reason"].str.contains(ACL_WORD, case=False, regex=True)
    frame["outcome"] = status.map(OUTCOMES).mask(listed, "refused_auth").astype("str")
    sound = (
        frame["direction"].isin(["inbound", "outbound"])
        & frame["start_time"].between(EARLIEST, pd.Timestamp.now("UTC"))
        & frame["end_time"].ge(EARLIEST)
        & status.between(100, 699)
        & frame["source_ip"].notna()
        & frame[["duration", "total_cost"]].notna().all(axis=1)
    )
    frame = frame[sound].copy()
    untagged = frame["custom_x_tag"] == ""
    frame["number"] = np.where(
        frame["direction"] == "inbound", frame["destination"], np.where(untagged, frame["callerid"], "")
    )
    frame["hour_at"] = frame["start_time"].dt.floor("h")
    frame["day"] = frame["start_time"].dt.date.astype("str")
    return frame


def _add_up(calls: pd.DataFrame) -> pd.DataFrame:
    return calls.groupby(KEYS, sort=False, dropna=False).agg(**SUMS).reset_index()


def _pandas_load(calls: pd.DataFrame) -> pd.DataFrame:
    seconds = calls.groupby(["direction", "start_time"]).size().reset_index(name="calls")
    by_minute = [seconds["direction"], seconds["start_time"].dt.floor("min").rename("minute_at")]
    found = seconds.groupby(by_minute)["calls"].agg(calls="sum", peak_1s="max")
    answered = calls[calls["outcome"] == "answered"]
    ends = [answered[["direction", time]].set_axis(["direction", "at"], axis=1) for time in TIMES]
    steps = pd.concat([ends[0].assign(step=1), ends[1].assign(step=-1)])
    steps = steps.groupby(["direction", "at"])["step"].sum().reset_index()
    steps["running"] = steps.groupby("direction")["step"].cumsum()
    minutes = [steps["direction"], steps["at"].dt.floor("min").rename("minute_at")]
    return found.join(steps.groupby(minutes)["running"].max().rename("concurrent"), how="outer")


def _polars_calls(files: Sequence[str]) -> Any:
    import polars as pl  # noqa: PLC0415 - as above

    text = pl.col(TEXTS).fill_null("").str.strip_chars()
    status = pl.col("call_fail_sip_code")
    dtypes = dict.fromkeys(TEXTS, pl.String)
    listed = (status == 403) & pl.col("call_fail_reason").str.contains(f"(?i){ACL_WORD}")
    mapped = status.replace_strict(OUTCOMES, default="other", return_dtype=pl.String)
    untagged = pl.col("custom_x_tag") == ""
    return (
        pl.scan_csv(list(files), try_parse_dates=True, schema_overrides=dtypes)
        .with_columns(row=pl.struct(pl.all()).hash())
        .with_columns(text)
        .with_columns(
            pl.col("direction").str.to_lowercase(),
            pl.col("destination", "callerid").str.replace_all(r"\D", ""),
            source_ip=pl.col("customer_ip").str.extract(ADDRESS, 1),
            source_port=pl.col("customer_ip").str.extract(ADDRESS, 2).cast(pl.Int32),
            outcome=pl.when(listed).then(pl.lit("refused_auth")).otherwise(mapped),
            hour_at=pl.col("start_time").dt.truncate("1h"),
            day=pl.col("start_time").dt.date(),
        )
        .filter(
            pl.col("direction").is_in(["inbound", "outbound"]),
            pl.col("start_time").is_between(pl.datetime(2000, 1, 1, time_zone="UTC"), pl.lit(pd.Timestamp.now("UTC"))),
            pl.col("end_time").is_not_null(),
            status.is_between(100, 699),
            pl.col("source_ip").is_not_null(),
            pl.col("duration").is_not_null() & pl.col("total_cost").is_not_null(),
        )
        .with_columns(
            number=pl.when(pl.col("direction") == "inbound")
            .then(pl.col("destination"))
            .when(untagged)
            .then(pl.col("callerid"))
            .otherwise(pl.lit(""))
        )
    )


def _by_day(rows: Any, target: str) -> Any:
    import polars as pl  # noqa: PLC0415 - as above

    return rows.sink_parquet(pl.PartitionBy(target, key="day"), mkdir=True, lazy=True)


def _polars_load(calls: Any) -> Any:
    import polars as pl  # noqa: PLC0415 - as above

    minute = pl.col("at").dt.truncate("1m").alias("minute_at")
    starts = calls.group_by("direction", at=pl.col("start_time")).agg(calls=pl.len())
    starts = starts.group_by("direction", minute).agg(pl.col("calls").sum(), peak_1s=pl.col("calls").max())
    answered = calls.filter(pl.col("outcome") == "answered")
    ends = [answered.select("direction", at=pl.col(time), step=step) for time, step in zip(TIMES, (1, -1), strict=True)]
    steps = pl.concat(ends).group_by("direction", "at").agg(pl.col("step").sum()).sort("direction", "at")
    running = steps.with_columns(running=pl.col("step").cum_sum().over("direction"))
    most = running.group_by("direction", minute).agg(concurrent=pl.col("running").max())
    return starts.join(most, on=["direction", "minute_at"], how="full", coalesce=True)
