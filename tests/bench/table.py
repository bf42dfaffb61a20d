"""Table of the benchmarks: a row per workload with our time, its floor, its peers, and whether targets are met."""

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
    """Median time of the turns of one implementation."""

    name: str
    seconds: float | None = None
    """``None`` if not measured; ``note`` has the reason."""
    memory_mb: float | None = None
    """Peak memory of its process in MB."""
    note: str = ""

    def __str__(self) -> str:
        """Format the time in a suitable unit."""
        if self.seconds is None:
            return f"{self.name} {NOT_MEASURED} ({self.note})".strip()
        return f"{self.name} {said(self.seconds)}".strip() + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True)
class Ratio:
    """Measured figure, with its target if it has one."""

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
        """Format the figure, its target, and whether it is met."""
        value = NOT_MEASURED if self.value is None else f"{number(self.value)}{self.unit}"
        if self.most is None and self.least is None:
            return f"{self.name} {value}"
        target = f"≤ {number(self.most)}" if self.most is not None else f"≥ {number(self.least or 0)}"
        mark = {True: "✓", False: "**✗ missed**", None: ""}[self.met]
        return f"{self.name} {value} ({target}) {mark}".strip()


@dataclass(frozen=True)
class Row:
    """One workload at one size."""

    work: str
    size: str
    ours: Time
    floor: tuple[Time, ...] = ()
    peers: tuple[Time, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    memory: str = ""
    """Text of the memory column; if empty, the peaks of ``ours``, ``floor`` and ``peers``."""
    wrong: tuple[str, ...] = ()
    """Counts that are wrong, as sentences."""

    @property
    def missed(self) -> list[str]:
        """Missed targets."""
        return [f"{self.work}: {ratio}" for ratio in self.ratios if ratio.met is False]

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the columns of ``HEADER``."""
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
    """Return ours / other with an upper target, or other / ours (the speedup) with a lower one."""
    both = ours.seconds and other.seconds
    if least is not None:
        return Ratio(f"faster than {other.name}", other.seconds / ours.seconds if both else None, least=least)
    return Ratio(f"ours / {other.name}", ours.seconds / other.seconds if both else None, most=most)


def markdown(rows: list[Row]) -> str:
    """Return the table and the machine, in the form of ``docs/performance.md``."""
    lines = [HEADER, ("---",) * len(HEADER), *(row.cells() for row in rows)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{table}\n\n{machine_words()}\n"


def as_json(rows: list[Row]) -> dict[str, Any]:
    """Return every number and the machine."""
    met = [{"ratios": [asdict(ratio) | {"met": ratio.met} for ratio in row.ratios]} for row in rows]
    return {"machine": machine(), "rows": [asdict(row) | more for row, more in zip(rows, met, strict=True)]}


def machine() -> dict[str, Any]:
    """Return a description of the machine of this run."""
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
    """Return the processor's name from the system, else its architecture."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]} ({platform.machine()})" if names else platform.machine()


def machine_words() -> str:
    """Return the machine in one line."""
    found = machine()
    packages = ", ".join(f"{name} {kept}" for name, kept in found["packages"].items() if kept)
    return (
        f"Taken on {found['cores']} cores of {found['processor']}, {found['memory_gb']} GB of memory, "
        f"{found['system']}, Python {found['python']}, {packages}."
    )


def said(seconds: float) -> str:
    """Format a time in a suitable unit."""
    if seconds >= 2 * MINUTE:
        return f"{seconds / MINUTE:.1f} min"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def mb(value: float | None) -> str:
    """Format an amount of memory in MB."""
    return NOT_MEASURED if value is None else f"{value:,.0f} MB"


def number(value: float) -> str:
    """Format a ratio with its significant digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 10 else f"{value:.2f}".removesuffix(".00")


def calls_words(calls: int) -> str:
    """Format a number of calls."""
    million = 1_000_000
    thousand = 1_000
    if calls % million == 0:
        return f"{calls // million} million calls"
    return f"{calls // thousand} thousand calls" if calls % thousand == 0 else f"{calls:,} calls"
