"""
Measurement of a workload in its own process, so that its peak memory is its own.

The child process receives a function of this package and its arguments as JSON and returns JSON. The function times
itself, so Python's startup time is not counted. With BENCH_HERE set, all workloads run in this process, which is faster
for trials but makes memory peaks meaningless.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.table import Time

ROOT = Path(__file__).parent.parent.parent
LONGEST_S = 3600
MARK = "measured: "
POOL = "ARROW_DEFAULT_MEMORY_POOL"
"""
Variable that the product sets for its own processes.

This process has loaded the product; it must not pass the product's choice on to the peers.
"""


@dataclass(frozen=True)
class Measured:
    """Measurements of one process."""

    seconds: float
    memory_mb: float
    answer: Any


@dataclass
class Watch:
    """Stopwatch that a workload fills in."""

    seconds: float = 0.0


@contextmanager
def timed() -> Iterator[Watch]:
    """Time a block."""
    watch = Watch()
    begun = time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - begun


def apart(work: Callable[..., tuple[float, Any]], arguments: Mapping[str, Any]) -> Measured:
    """
    Run a workload in its own process.

    Args:
        work: Function at the top level of a module; returns its seconds and a JSON-serializable result.
        arguments: JSON-serializable arguments.

    Raises:
        RuntimeError: The process failed; the message contains its output.
    """
    if os.environ.get("BENCH_HERE"):
        seconds, answer = work(**arguments)
        return Measured(seconds, peak_mb(), answer)
    os.sync()
    told = f"{work.__module__}:{work.__name__}", json.dumps(arguments)
    child = subprocess.run(
        [sys.executable, "-m", "tests.bench.apart", *told],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
        env={name: value for name, value in os.environ.items() if name != POOL},
    )
    found = [line for line in child.stdout.splitlines() if line.startswith(MARK)]
    if child.returncode or not found:
        raise RuntimeError(f"{told[0]} failed ({child.returncode}): {child.stderr.strip()[-2000:]}")
    return Measured(**json.loads(found[-1].removeprefix(MARK)))


def in_turns(
    works: Mapping[str, tuple[Callable[..., tuple[float, Any]], Mapping[str, Any]]], rounds: int
) -> dict[str, list[Measured]]:
    """Run the workloads one after the other, in rounds, so that other load on the machine affects all equally."""
    found: dict[str, list[Measured]] = {name: [] for name in works}
    for turn in range(rounds):
        for name, (work, arguments) in works.items():
            measured = apart(work, arguments)
            found[name].append(measured)
            tell(f"  {turn + 1}/{rounds} {name}: {measured.seconds:.2f} s, {measured.memory_mb:,.0f} MB")
    return found


def time_of(name: str, turns: list[Measured], note: str = "") -> Time:
    """Return the median time and the largest memory peak of the turns."""
    return Time(name, median(turn.seconds for turn in turns), max(turn.memory_mb for turn in turns), note)


def tell(what: str) -> None:
    """Report the progress of the benchmark on stderr, separate from the table."""
    print(what, file=sys.stderr, flush=True)  # noqa: T201 - output of a command-line program


def peak_mb(pid: str | int = "self") -> float:
    """
    Return the peak resident memory of a process in MB.

    Reads the kernel's own high-water mark, because the usage that a child reports begins with its parent's.
    """
    status = Path(f"/proc/{pid}/status")
    if status.is_file():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def main() -> None:
    """Run the workload named on the command line."""
    place, arguments = sys.argv[1:]
    module, _, name = place.partition(":")
    seconds, answer = getattr(importlib.import_module(module), name)(**json.loads(arguments))
    print(MARK + json.dumps({"seconds": seconds, "memory_mb": peak_mb(), "answer": answer}))  # noqa: T201 - as above


if __name__ == "__main__":
    main()
