"""
Cube of outbound calls by hour and caller, in memory: the data source of charts and metrics.

Hours are UTC hours. For a zone whose midnight does not fall on one of them (half-hour zones), a separate cube splits
the hours in which a day of the zone starts, so that its days are right. Its hours of the week cannot be derived from
them: see ``has_hours``.

Columns hold small integers, sorted by hour, so that any query is a slice and a count. Size grows with hours, callers,
outcomes and destinations, not with calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow

from dashboard.calls.confirmed_callers import callers
from dashboard.calls.store.engine import utc
from dashboard.calls.store.store import HOUR_S, CallStore, cuts_of, segments_of
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import MONEY

Codes = npt.NDArray[np.int64]
DIMENSIONS = ("who", "outcome", "code", "zone")
SUMS = ("calls", "short_calls", "duration_s", "cost_units")
MOST_CELLS = 4_000_000
"""Up to this many combinations are counted in a dense array; beyond it, only combinations that occur."""
QUARTER_S = 900
"""Zones differ from UTC by multiples of a quarter of an hour."""
EMPTY = pyarrow.table(
    {
        "hour_at": pyarrow.array([], pyarrow.timestamp("us")),
        "owner": pyarrow.array([], pyarrow.int64()),
        "outcome": pyarrow.array([], pyarrow.string()),
        "sip_status": pyarrow.array([], pyarrow.int16()),
        "sip_reason": pyarrow.array([], pyarrow.string()),
        "zone": pyarrow.array([], pyarrow.string()),
        **{name: pyarrow.array([], pyarrow.int64()) for name in SUMS},
    }
)


@dataclass(frozen=True)
class Part:
    """Selection of calls, in hours that start in [since, until); omitted fields do not filter."""

    since: datetime | None = None
    until: datetime | None = None
    who: str = ""
    outcome: str = ""
    code: str = ""
    zone: str = ""


ALL = Part()


class Cube:
    """
    Aggregated outbound calls, immutable and shared between sessions; created by ``build_cube``.

    A row is hour x caller x outcome x SIP code x destination zone. A caller is a PBX's name, or an unassigned address
    followed by ``UNASSIGNED`` (see ``confirmed_callers``); a code is the final SIP status with the first words of its
    reason.
    """

    def __init__(self, rows: pyarrow.Table, owners: Sequence[str], *, most_cells: int = MOST_CELLS) -> None:
        """
        Build the cube from the rows of ``sql/cube.sql``.

        Args:
            rows: Sorted by ``hour_at``.
            owners: The caller of each number in ``owner``.
            most_cells: See ``MOST_CELLS``.
        """
        self._most_cells = most_cells
        at = rows.column("hour_at").to_numpy().astype("datetime64[s]")
        self.hours = np.unique(at)
        """Hours that have calls, UTC without a zone; for a split hour the start of its parts."""
        self._hour: Codes = np.searchsorted(self.hours, at)
        self._codes: dict[str, Codes] = {}
        self._values: dict[str, list[str]] = {}
        self._dimension("who", rows.column("owner").to_numpy(), list(owners))
        for name in ("outcome", "zone"):
            encoded = rows.column(name).combine_chunks().dictionary_encode()
            self._dimension(name, encoded.indices.to_numpy(), encoded.dictionary.to_pylist())
        status, reason = (
            rows.column(name).combine_chunks().dictionary_encode() for name in ("sip_status", "sip_reason")
        )
        reasons = reason.dictionary.to_pylist() or [""]
        statuses = [*status.dictionary.to_pylist(), None]
        status_index = status.indices.fill_null(len(statuses) - 1).to_numpy()
        pairs, codes = np.unique(status_index * len(reasons) + reason.indices.to_numpy(), return_inverse=True)
        labels = [code_of(statuses[pair // len(reasons)], reasons[pair % len(reasons)]) for pair in pairs]
        self._dimension("code", codes, labels)
        self._status_of = dict(zip(labels, (statuses[pair // len(reasons)] for pair in pairs), strict=True))
        self._sums = {name: rows.column(name).to_numpy().astype("int64") for name in SUMS}

    def _dimension(self, name: str, codes: npt.NDArray[Any], values: list[str]) -> None:
        """Store a column as small integers; equal values share one code."""
        alike = {value: number for number, value in enumerate(dict.fromkeys(values))}
        renumbered = np.array([alike[value] for value in values], dtype="int64")
        self._values[name] = list(alike)
        self._codes[name] = (renumbered[codes] if len(values) else codes).astype("int32")

    def values(self, name: str) -> list[str]:
        """Return the values of one of ``DIMENSIONS``."""
        return self._values[name]

    def statuses(self, codes: pd.Series) -> pd.Series:
        """Return the final SIP status of each value of the dimension ``code``; missing where a call had none."""
        return codes.map(self._status_of).astype("Int64")

    def sums(self, *names: str, part: Part = ALL, step: str = "", zone: ZoneInfo | None = None) -> pd.DataFrame:
        """
        Return sums by dimension and time.

        Args:
            names: The ``DIMENSIONS`` to group by.
            part: Selection of calls.
            step: Also group by time: ``hour``, ``day``, or ``week`` (the hour of the week, 0 is Monday's first).
            zone: Time zone of days and hours; UTC by default. For ``week``, a zone for which ``has_hours`` is true.

        Returns:
            One row per combination that occurs: ``at`` if a step is given, ``names``, ``calls``, ``short_calls``,
            ``duration_s``, ``cost_usd``.
        """
        rows, mask = self._chosen(part)
        steps, labels = self._steps(step, zone)
        keys = [(steps[self._hour[rows]], len(labels)), *((self._codes[n][rows], len(self._values[n])) for n in names)]
        combined = np.zeros(rows.stop - rows.start, dtype="int64")
        cells = 1
        for codes, size in keys:
            combined = combined * max(1, size) + codes
            cells = cells * max(1, size)
        if mask is not None:
            combined = combined[mask]
        if cells > self._most_cells:
            present, combined = np.unique(combined, return_inverse=True)
            cells = len(present)
        else:
            present = np.arange(cells)
        weights = {name: self._sums[name][rows] if mask is None else self._sums[name][rows][mask] for name in SUMS}
        totals = {name: np.bincount(combined, weight, cells).astype("int64") for name, weight in weights.items()}
        occurs = np.flatnonzero(totals["calls"])
        columns: dict[str, Any] = {}
        remainder = present[occurs]
        for name, (_, size) in reversed(list(zip(("at", *names), keys, strict=True))):
            remainder, position = np.divmod(remainder, max(1, size))
            columns[name] = (
                labels.take(position) if name == "at" else np.array(self._values[name], dtype="object")[position]
            )
        frame = pd.DataFrame(
            {name: columns[name] for name in (("at", *names) if step else names)}, index=range(len(occurs))
        )
        frame = frame.astype(dict.fromkeys(names, "str"))
        cost = [Decimal(int(units)).scaleb(-8) for units in totals.pop("cost_units")[occurs]]
        return frame.assign(
            **{name: sums[occurs] for name, sums in totals.items()},
            cost_usd=pd.Series(cost, index=frame.index, dtype=MONEY),
        )

    def _chosen(self, part: Part) -> tuple[slice, npt.NDArray[np.bool_] | None]:
        """Return the rows of the selected hours, and a mask of those that count (``None`` if all do)."""
        first = 0 if part.since is None else np.searchsorted(self.hours, np.datetime64(utc(part.since), "s"))
        last = (
            len(self.hours) if part.until is None else np.searchsorted(self.hours, np.datetime64(utc(part.until), "s"))
        )
        edges = np.array([first, max(first, last)], dtype="int64")
        rows = slice(*np.searchsorted(self._hour, edges).tolist())
        mask = None
        for name in DIMENSIONS:
            if value := getattr(part, name):
                position = self._values[name].index(value) if value in self._values[name] else -1
                matches = self._codes[name][rows] == position
                mask = matches if mask is None else mask & matches
        return rows, mask

    def _steps(self, step: str, zone: ZoneInfo | None) -> tuple[Codes, pd.Index[Any]]:
        """Return the step number of each hour, and the steps."""
        if not step:
            return np.zeros(max(1, len(self.hours)), dtype="int64"), pd.Index([0])
        hours = pd.DatetimeIndex(self.hours).tz_localize("UTC")
        local = (hours.floor("h") if step == "hour" else hours).tz_convert(zone or ZoneInfo("UTC"))
        if step == "week":
            return (local.day_of_week * 24 + local.hour).to_numpy().astype("int64"), pd.RangeIndex(7 * 24)
        codes, labels = pd.factorize(local.normalize() if step == "day" else local)
        return codes.astype("int64"), labels


def has_hours(zone: ZoneInfo, since: datetime, until: datetime) -> bool:
    """Return whether the hours of a zone coincide with UTC hours between two times; those of half-hour zones do not."""
    hours = pd.date_range(since, max(since, until), freq="h").floor("h").tz_convert(zone)
    return bool((hours.minute == 0).all())


def midnights(zone: ZoneInfo, since: datetime, until: datetime) -> list[datetime]:
    """Return the starts of a zone's days between two times, in UTC, that do not fall on a UTC hour."""
    first, last = (pd.Timestamp(at).tz_convert(zone).tz_localize(None).normalize() for at in (since, until))
    days = pd.date_range(first, last, freq="D").tz_localize(zone, ambiguous=False, nonexistent="shift_forward")
    return [at.to_pydatetime() for at in days.tz_convert("UTC") if at.minute]


def build_cube(
    store: CallStore, snapshot: Snapshot, *, zone: ZoneInfo | None = None, most_cells: int = MOST_CELLS
) -> Cube:
    """
    Build the cube of a snapshot's calls.

    Args:
        store: Source of the snapshot's traffic.
        snapshot: Source of the owners; its traffic maps every key of the roll-up to its owner.
        zone: Time zone whose days must be right; those of zones with whole-hour offsets always are.
        most_cells: See ``MOST_CELLS``.
    """
    rows = snapshot.traffic[snapshot.traffic["direction"] == "outbound"]
    if rows.empty or snapshot.since is None:
        return Cube(EMPTY, [])
    codes, owners = pd.factorize(pd.Series(callers(snapshot, rows), index=rows.index))
    since = snapshot.window_start or snapshot.since
    begins = midnights(zone, since, snapshot.taken_at) if zone else []
    split_at = (*snapshot.split_at, *begins)
    cuts = cuts_of(snapshot.split_at)
    keys = rows[["source_ip", "x_tag", "number"]].assign(
        part=segments_of(rows["first_at"].dt.tz_localize(None), cuts), owner=codes
    )
    finer = pd.DataFrame({"part": [0, *segments_of(cuts_of(split_at), cuts)]}).rename_axis("segment").reset_index()
    owner_rows = keys.drop_duplicates().merge(finer, on="part").drop(columns="part")
    cells = store.rolled(
        "cube",
        since=since,
        until=None,
        split_at=split_at,
        tables={"owners": pyarrow.Table.from_pandas(owner_rows, preserve_index=False)},
        part_s=QUARTER_S if begins else HOUR_S,
    )
    return Cube(EMPTY if cells is None else cells, list(owners), most_cells=most_cells)


def code_of(status: int | None, reason: str) -> str:
    """Return the SIP status label: status and reason up to a dash, after which carriers put their address."""
    return f"{'no code' if status is None else status} {reason.split(' - ', maxsplit=1)[0]}".strip()
