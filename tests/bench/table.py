"""The table of the benchmarks: a row a work, our time beside its floor and its peers, each target met or not."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

HEADER = ("Work", "Size", "Ours", "Floor", "Peers", "Ratios", "Memory")
PACKAGES = ("duckdb", "numpy", "pandas", "polars", "pyarrow", "streamlit")
MINUTE = 60
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Time:
    """What one way of doing a work took: the median of its turns."""

    name: str
    seconds: float | None = None
    """``None`` where it was not measured; ``note`` says why."""
    memory_mb: float | None = None
    """Peak of its process."""
    note: str = ""

    def __str__(self) -> str:
        """Say it in a unit that fits."""
        if self.seconds is None:
            return f"{self.name} {NOT_MEASURED} ({self.note})".strip()
        return f"{self.name} {said(self.seconds)}".strip() + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True)
class Ratio:
    """A figure that counts, with its target where it has one."""

    name: str
    value: float | None
    most: float | None = None
    least: float | None = None
    unit: str = "x"

    @property
    def met(self) -> bool | None:
        """Whether the target is met; ``None`` without a target or a value."""
        if self.value is None or (self.most is None and self.least is None):
            return None
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    def __str__(self) -> str:
        """Say the figure, its target, and whether it is met."""
        value = NOT_MEASURED if self.value is None else f"{number(self.value)}{self.unit}"
        if self.most is None and self.least is None:
            return f"{self.name} {value}"
        target = f"≤ {number(self.most)}" if self.most is not None else f"≥ {number(self.least or 0)}"
        mark = {True: "✓", False: "**✗ missed**", None: ""}[self.met]
        return f"{self.name} {value} ({target}) {mark}".strip()


@dataclass(frozen=True)
class Row:
    """One work of one size."""

    work: str
    size: str
    ours: Time
    floor: tuple[Time, ...] = ()
    peers: tuple[Time, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    memory: str = ""
    """Said by itself; the peaks of ``ours``, ``floor`` and ``peers`` where it is empty."""
    wrong: tuple[str, ...] = ()
    """Counts that are not what they must be, as sentences."""

    @property
    def missed(self) -> list[str]:
        """Targets that are missed."""
        return [f"{self.work}: {ratio}" for ratio in self.ratios if ratio.met is False]

    def cells(self) -> tuple[str, ...]:
        """Return what the columns of ``HEADER`` say."""
        peaks = [
            f"{time.name or 'ours'} {mb(time.memory_mb)}"
            for time in (self.ours, *self.floor, *self.peers)
            if time.memory_mb is not None
        ]
        ratios = [*map(str, self.ratios), *(f"**wrong: {fault}**" for fault in self.wrong)]
        return (
            self.work,
            self.size,
            str(self.ours),
            "<br>".join(map(str, self.floor)),
            "<br>".join(map(str, self.peers)),
            "<br>".join(ratios),
            self.memory or "<br>".join(peaks),
        )


def ratio_to(ours: Time, other: Time, *, most: float | None = None, least: float | None = None) -> Ratio:
    """Return ours / other with an upper target, or how many times faster ours is with a lower one."""
    both = ours.seconds and other.seconds
    if least is not None:
        return Ratio(f"faster than {other.name}", other.seconds / ours.seconds if both else None, least=least)
    return Ratio(f"ours / {other.name}", ours.seconds / other.seconds if both else None, most=most)


def markdown(rows: list[Row]) -> str:
    """Return the table and the machine, to be pasted into ``docs/performance.md``."""
    lines = [HEADER, ("---",) * len(HEADER), *(row.cells() for row in rows)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{table}\n\n{machine_words()}\n"


def as_json(rows: list[Row]) -> dict[str, Any]:
    """Return every number, with the machine."""
    met = [{"ratios": [asdict(ratio) | {"met": ratio.met} for ratio in row.ratios]} for row in rows]
    return {"machine": machine(), "rows": [asdict(row) | more for row, more in zip(rows, met, strict=True)]}


def machine() -> dict[str, Any]:
    """Return what the numbers were taken on."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = ""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "packages": versions,
    }


def _processor() -> str:
    """Return the processor's name, where the system tells it, else its architecture."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]} ({platform.machine()})" if names else platform.machine()


def machine_words() -> str:
    """Say the machine in a line."""
    found = machine()
    packages = ", ".join(f"{name} {kept}" for name, kept in found["packages"].items() if kept)
    return (
        f"Taken on {found['cores']} cores of {found['processor']}, {found['memory_gb']} GB of memory, "
        f"{found['system']}, Python {found['python']}, {packages}."
    )


def said(seconds: float) -> str:
    """Say a time in a unit that fits."""
    if seconds >= 2 * MINUTE:
        return f"{seconds / MINUTE:.1f} min"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def mb(value: float | None) -> str:
    """Say an amount of memory."""
    return NOT_MEASURED if value is None else f"{value:,.0f} MB"


def number(value: float) -> str:
    """Say a ratio with as many digits as matter."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 10 else f"{value:.2f}".removesuffix(".00")


def calls_words(calls: int) -> str:
    """Say how many calls."""
    million, thousand = 1_000_000, 1_000
    if calls % million == 0:
        return f"{calls // million} million calls"
    return f"{calls // thousand} thousand calls" if calls % thousand == 0 else f"{calls:,} calls"
