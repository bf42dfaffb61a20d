"""20,000 real calls at 500 calls per second while the allow list changes; requires root and the SIP lab's packages."""

from __future__ import annotations

import os
import subprocess
import sys

CALLS = "20000"
RATE = "500"


def main() -> str:
    """Run the lab's load test at full size; each call is checked against the policy of its time."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "1", "tests/lab/test_load.py"]
    subprocess.run(command, env={**os.environ, "LAB_CALLS": CALLS, "LAB_RATE": RATE}, check=True)
    return f"{CALLS} calls at {RATE} a second"
