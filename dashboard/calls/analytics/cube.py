"""
Second level of the roll-up: calls by hour and caller, in memory; the data source of charts and metrics.

The first level, which is stored, has a row per source address, X-Tag and own number. It is read once for a snapshot:
``Snapshot.traffic`` keeps its keys without hours, for verdicts per address, and the cube keeps callers and hours. So
the cost of a page follows neither calls nor sources nor caller IDs. The cube is not stored, because callers change with
the inventory.

Hours are UTC hours. For a zone whose midnight does not fall on one of them (half-hour zones), a separate cube splits
the hours in which a day of the zone starts, so that its days are right. Its hours of the week cannot be derived from
them: see ``has_utc_hours``.

Columns hold small integers, sorted by hour, so that any query is a slice and a count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow

from dashboard.calls.attribution import attribute
from dashboard.calls.confirmed_callers import counted_callers
from dashboard.calls.replay.policy_evaluator import version_index
from dashboard.calls.store.engine import utc
from dashboard.calls.store.store import CELL_SUMS, HOUR_S, NO_CELLS, CallStore, Segments
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import FILE_ONLY, MONEY

Codes = npt.NDArray[np.int64]
GROUP: Final = (
    "who",
    "confirmed",
    "attributed_by",
    "direction",
    "origin",
    "policy",
    "outcome",
    "sip_status",
    "sip_reason",
)
"""Columns of a group of calls; hour and destination zone vary within it."""
DIMENSIONS: Final = ("who", "confirmed", "attributed_by", "direction", "origin", "policy", "outcome", "code", "zone")
CARRIER, IMPORTED = "carrier", "imported"
"""Origins: calls of the carrier's export, which count, and calls that only imported files have."""
MOST_CELLS = 4_000_000
"""Up to this many combinations are counted in a dense array; beyond it, only combinations that occur."""
QUARTER_S = 900
"""Zones differ from UTC by multiples of a quarter of an hour."""


@dataclass(frozen=True)
class CubePart:
    """Selection of calls, in hours that start in [since, until); omitted fields and empty texts do not filter."""

    since: datetime | None = None
    until: datetime | None = None
    who: str = ""
    outcome: str = ""
    code: str = ""
    zone: str = ""
    direction: str = "outbound"
    origin: str = CARRIER
    confirmed: str = ""
    attributed_by: str = ""
    policy: str = ""


ALL = CubePart()


class Cube:
    """
    Calls by hour and caller, immutable and shared between sessions; created by ``build_cube`` or ``cube_of``.

    A row is hour x destination zone x group (``GROUP``). ``who`` is a PBX's name, or an unassigned address followed by
    ``UNASSIGNED``, and ``confirmed`` is ``yes`` or ``no`` (see ``confirmed_callers``); ``attributed_by`` is the rule of
    ``attribution``; ``policy`` is the start of the policy version in force (ISO 8601), ``""`` if none is known. The
    dimension ``code`` is the final SIP status with the first words of its reason.
    """

    def __init__(self, groups: pd.DataFrame, cells: pyarrow.Table, *, most_cells: int = MOST_CELLS) -> None:
        """
        Add up cells by hour, group and zone.

        Args:
            groups: Columns ``GROUP``; equal rows are one group.
            cells: As in ``Segments``, in any order; ``row`` is a position in ``groups``.
            most_cells: See ``MOST_CELLS``.
        """
        self._most_cells = most_cells
        groups, group_of_row = self._code_groups(groups)
        counted = [(groups[name] == getattr(ALL, name)).to_numpy() for name in ("direction", "origin")]
        self._counts: npt.NDArray[np.bool_] = counted[0] & counted[1]
        times = cells.column("hour_at").to_numpy().astype("datetime64[s]")
        self.hours: npt.NDArray[np.datetime64] = np.unique(times)
        """Hours that have calls, UTC without a zone; for a split hour the start of its parts."""
        zone = cells.column("zone").unify_dictionaries().combine_chunks()
        zones = zone.dictionary.to_pylist()
        order_of_zones = sorted(range(len(zones)), key=zones.__getitem__)
        rank_of_zone = np.argsort(np.array(order_of_zones, dtype="int64"))
        self._values = {name: sorted(groups[name].unique()) for name in DIMENSIONS if name != "zone"}
        self._values["zone"] = sorted(zones)
        self._codes = {
            name: pd.Categorical(groups[name], categories=values).codes.astype("int64")
            for name, values in self._values.items()
            if name != "zone"
        }
        group = group_of_row[cells.column("row").to_numpy()]
        sizes = (len(self.hours), len(groups), len(zones))
        key = np.where(self._counts[group], 0, sizes[0]).astype("int64") if len(groups) else group
        key += np.searchsorted(self.hours, times)
        key = (key * sizes[1] + group) * sizes[2] + (rank_of_zone[zone.indices.to_numpy()] if zones else 0)
        order = np.argsort(key, kind="stable")
        key = key[order]
        begins = np.flatnonzero(np.diff(key, prepend=-1))
        self._sums = {name: _added(cells.column(name).to_numpy()[order], begins) for name in CELL_SUMS}
        key, zone_codes = np.divmod(key[begins], max(1, sizes[2]))
        hour, group = np.divmod(key, max(1, sizes[1]))
        self._first_apart = int(np.searchsorted(hour, sizes[0]))
        """Position of the first row that does not count."""
        self._hour = _small(hour % max(1, sizes[0]))
        self._group = _small(group)
        self._zone = _small(zone_codes)
        self._zones_that_count = np.unique(self._zone[: self._first_apart])

    def _code_groups(self, groups: pd.DataFrame) -> tuple[pd.DataFrame, Codes]:
        """Return the distinct groups with their ``code``, and the group of each row of ``groups``."""
        labels = {
            pair: sip_status_label(None if pd.isna(pair[0]) else int(pair[0]), pair[1])
            for pair in groups[["sip_status", "sip_reason"]].drop_duplicates().itertuples(index=False, name=None)
        }
        pairs = list(zip(groups["sip_status"], groups["sip_reason"], strict=True))
        coded = groups.assign(code=pd.Series([labels[pair] for pair in pairs], index=groups.index, dtype="str"))
        names = [name for name in DIMENSIONS if name != "zone"]
        numbers = coded.groupby(names, sort=False).ngroup().to_numpy().astype("int64")
        first = ~coded.duplicated(names).to_numpy()
        statuses = coded[first].drop_duplicates("code")
        self._status_of = dict(zip(statuses["code"], statuses["sip_status"], strict=True))
        return coded.loc[first, names], numbers

    def values(self, name: str) -> list[str]:
        """Return the values of one of ``DIMENSIONS`` that occur in ``ALL``, sorted."""
        codes = self._zones_that_count if name == "zone" else np.unique(self._codes[name][self._counts])
        return [self._values[name][code] for code in codes]

    def statuses(self, codes: pd.Series) -> pd.Series:
        """Return the final SIP status of each value of the dimension ``code``; missing where a call had none."""
        return codes.map(self._status_of).astype("Int64")

    def sums(self, *names: str, part: CubePart = ALL, step: str = "", zone: ZoneInfo | None = None) -> pd.DataFrame:
        """
        Return sums by dimension and time.

        Args:
            names: The ``DIMENSIONS`` to group by.
            part: Selection of calls.
            step: Also group by time: ``hour``, ``day``, or ``week`` (the hour of the week, 0 is Monday's first).
            zone: Time zone of days and hours; UTC by default. For ``week``, a zone for which ``has_utc_hours`` is true.

        Returns:
            One row per combination that occurs: ``at`` if a step is given, ``names``, ``calls``, ``short_calls``,
            ``duration_s``, ``cost_usd``.
        """
        rows, mask = self._chosen(part)
        steps, labels = self._steps(step, zone)
        keys = [(steps[self._hour[rows]], len(labels))]
        keys += [(self._codes_of(name, rows), len(self._values[name])) for name in names]
        combined = np.zeros(len(keys[0][0]), dtype="int64")
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
        weights = {name: self._sums[name][rows] if mask is None else self._sums[name][rows][mask] for name in CELL_SUMS}
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

    def _codes_of(self, name: str, rows: slice | Codes) -> npt.NDArray[Any]:
        """Return the values of a dimension in some rows, as positions in ``_values``."""
        return self._zone[rows] if name == "zone" else self._codes[name][self._group[rows]]

    def _chosen(self, part: CubePart) -> tuple[slice | Codes, npt.NDArray[np.bool_] | None]:
        """Return the rows of the selected hours, and a mask of those that are selected (``None`` if all are)."""
        first = 0 if part.since is None else np.searchsorted(self.hours, np.datetime64(utc(part.since), "s"))
        last = (
            len(self.hours) if part.until is None else np.searchsorted(self.hours, np.datetime64(utc(part.until), "s"))
        )
        edges = np.array([first, max(first, last)], dtype="int64")
        counted, apart = self._hour[: self._first_apart], self._hour[self._first_apart :]
        begin, end = np.searchsorted(counted, edges).tolist()
        rows: slice | Codes = slice(begin, end)
        filters = {name: value for name in DIMENSIONS if (value := getattr(part, name))}
        if (part.direction, part.origin) == (ALL.direction, ALL.origin):
            del filters["direction"], filters["origin"]
        else:
            others = np.arange(*(np.searchsorted(apart, edges) + self._first_apart))
            rows = np.concatenate([np.arange(begin, end), others])
        zone = filters.pop("zone", "")
        mask = None
        if filters:
            selected = np.ones(len(self._counts), dtype=bool)
            for name, value in filters.items():
                selected &= self._codes[name] == self._position(name, value)
            mask = selected[self._group[rows]]
        if zone:
            matches = self._zone[rows] == self._position("zone", zone)
            mask = matches if mask is None else mask & matches
        return rows, mask

    def _position(self, name: str, value: str) -> int:
        """Return the position of a value of a dimension; -1 if it does not occur."""
        return self._values[name].index(value) if value in self._values[name] else -1

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


def has_utc_hours(zone: ZoneInfo, since: datetime, until: datetime) -> bool:
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
    Read the roll-up and build the cube of a snapshot's calls.

    Args:
        store: Source of the snapshot's traffic.
        snapshot: Window, changes and inventory.
        zone: Time zone whose days must be right; those of zones with whole-hour offsets always are.
        most_cells: See ``MOST_CELLS``.
    """
    since = snapshot.window_start or snapshot.since
    if since is None:
        return empty_cube()
    begins = midnights(zone, since, snapshot.taken_at) if zone else []
    readings = [
        store.segments(
            since=since,
            split_at=(*snapshot.split_at, *begins),
            file_only=file_only,
            part_s=QUARTER_S if begins else HOUR_S,
        )
        for file_only in (False, True)
    ]
    inventory = {name: getattr(snapshot, name) for name in ("pbxs", "pbx_addresses", "pbx_numbers")}
    attributed = [replace(reading, rows=attribute(reading.rows, **inventory)) for reading in readings]
    return cube_of(snapshot, attributed, most_cells=most_cells)


def cube_of(snapshot: Snapshot, readings: Sequence[Segments], *, most_cells: int = MOST_CELLS) -> Cube:
    """
    Build a cube from roll-ups as read from the store.

    Args:
        snapshot: Policy versions and inventory.
        readings: Attributed, and split at least at the instants at which a policy or an address changed.
        most_cells: See ``MOST_CELLS``.
    """
    groups = [groups_of(snapshot, reading.rows) for reading in readings]
    starts = np.cumsum([0, *map(len, groups)])
    cells = [
        reading.cells.set_column(
            reading.cells.schema.get_field_index("row"),
            "row",
            pyarrow.array(reading.cells.column("row").to_numpy() + start),
        )
        for reading, start in zip(readings, starts[:-1], strict=True)
    ]
    return Cube(pd.concat(groups, ignore_index=True), pyarrow.concat_tables(cells), most_cells=most_cells)


def empty_cube() -> Cube:
    """Return a cube without calls."""
    return Cube(pd.DataFrame({name: pd.Series(dtype="str") for name in GROUP}), NO_CELLS)


def groups_of(snapshot: Snapshot, rows: pd.DataFrame) -> pd.DataFrame:
    """
    Return the group of each row of the roll-up.

    Args:
        snapshot: Policy versions and inventory.
        rows: TRAFFIC, attributed and split as in ``cube_of``.
    """
    callers = counted_callers(snapshot, rows)
    starts = [version.valid_from.isoformat() for version in snapshot.versions]
    versions = version_index(rows["first_at"], snapshot.versions)
    groups = rows.assign(
        who=callers["who"],
        confirmed=callers["confirmed"].map({True: "yes", False: "no"}),
        origin=rows["provenance"].map({"": CARRIER, FILE_ONLY: IMPORTED}),
        policy=[starts[version] if version >= 0 else "" for version in versions],
    )
    return groups[list(GROUP)].astype(dict.fromkeys(("confirmed", "origin", "policy"), "str"))


def _added(values: npt.NDArray[Any], begins: Codes) -> npt.NDArray[Any]:
    """Return the sums of values from each position to the next."""
    return _small(np.add.reduceat(values.astype("int64"), begins) if len(begins) else values)


def _small(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return whole numbers in the smallest type that holds them."""
    least, most = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    return values.astype(np.promote_types(np.min_scalar_type(least), np.min_scalar_type(most)))


def sip_status_label(status: int | None, reason: str) -> str:
    """Return the SIP status label: status and reason up to a dash, after which carriers put their address."""
    return f"{'no code' if status is None else status} {reason.split(' - ', maxsplit=1)[0]}".strip()
