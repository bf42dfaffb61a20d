"""
Benchmarks: each workload, its floor and its peers, measured in the same run.

BENCH_CALLS sets the sizes (``1000000,10000000``), BENCH_PBXS and BENCH_ENTRIES the account's number of PBXs (40) and of
allow list entries (2000), BENCH_ROUNDS the turns of each ingest implementation (3), and BENCH_DIR a folder that keeps
the generated files (default: a temporary folder).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench import checks_bench, dialer_bench, gate_bench, ingest_bench, pages_bench, replay_bench, sessions_bench
from tests.bench.account import Account
from tests.bench.apart import tell
from tests.bench.table import Row, as_json, markdown

SIZES = "1000000,10000000"
ROUNDS = 3
ENDED = 143
"""Exit status after a termination signal; child processes are stopped first."""
MISSED = 3
"""Exit status if every count is right and a target is missed."""
PARTS = ("ingest", "replay", "checks", "pages", "sessions", "gate", "dialer")


def bench(account: Account, folder: Path, sizes: list[int], rounds: int, parts: Sequence[str] = PARTS) -> list[Row]:
    """
    Run the benchmarks.

    Args:
        account: Account that generates the calls.
        folder: Folder for generated files.
        sizes: Numbers of calls, ascending; replay, checks, pages and sessions are measured at the largest.
        rounds: Turns of each ingest implementation.
        parts: Members of ``PARTS`` to run.
    """
    works: dict[str, Callable[[], list[Row]]] = {
        "ingest": lambda: ingest_bench.run(account, folder, sizes, rounds),
        "replay": lambda: replay_bench.run(account, folder, sizes[-1]),
        "checks": lambda: checks_bench.run(account, folder, sizes[-1]),
        "pages": lambda: pages_bench.run(account, folder, sizes[-1]),
        "sessions": lambda: sessions_bench.run(account, folder, sizes[-1]),
        "gate": gate_bench.run,
        "dialer": lambda: dialer_bench.run(account, folder, sizes[-1]),
    }
    return [row for name in parts for row in works[name]()]


def account_until_now(**more: int) -> Account:
    """Return an account whose calls end a day ago, so that another day can be imported."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Account(until=today - timedelta(days=1), **more)


def main() -> int:
    """Run what the command line and the environment select; return 1 if a count is wrong, 3 if a target is missed."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench", description="The benchmarks.")
    asked.add_argument("parts", nargs="*", default=PARTS, help=f"which of {', '.join(PARTS)}; all by default")
    asked.add_argument("--json", type=Path, help="write the numbers to this file")
    options = asked.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ENDED))
    sizes = sorted(int(size) for size in os.environ.get("BENCH_CALLS", SIZES).split(","))
    rounds = int(os.environ.get("BENCH_ROUNDS", str(ROUNDS)))
    account = account_until_now(
        pbx_count=int(os.environ.get("BENCH_PBXS", str(Account.pbx_count))),
        entries=int(os.environ.get("BENCH_ENTRIES", str(Account.entries))),
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as passing:
        folder = Path(os.environ.get("BENCH_DIR") or passing)
        folder.mkdir(parents=True, exist_ok=True)
        rows = bench(account, folder, sizes, rounds, options.parts)
    print(markdown(rows))  # noqa: T201 - output of a command-line program
    if options.json:
        options.json.write_text(json.dumps(as_json(rows), indent=1) + "\n", encoding="utf-8")
    wrong = [fault for row in rows for fault in row.wrong]
    for fault in wrong:
        tell(f"Wrong: {fault}")
    missed = [miss for row in rows for miss in row.missed]
    for miss in missed:
        tell(f"Missed: {miss}")
    return 1 if wrong else MISSED if missed else 0


if __name__ == "__main__":
    sys.exit(main())
