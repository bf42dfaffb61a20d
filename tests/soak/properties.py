"""Slow properties with eight times the examples of ``make test``."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.examples import PROPERTIES, VARIABLE

TIMES = 8


def main() -> str:
    """Run the properties and return how many tests passed; raise if one fails."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "-k", "not kill", *PROPERTIES],
        env={**os.environ, VARIABLE: str(TIMES)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(done.stdout[-20_000:])
    passed = re.search(r"(\d+) passed", done.stdout)
    return f"{passed[1] if passed else 0} tests of {len(PROPERTIES)} files with {TIMES} times the examples"
