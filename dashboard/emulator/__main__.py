"""``python -m dashboard.emulator``: entry point for ``process.start``; operators use ``trunkgate emulator``."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from dashboard.core.errors import DashboardError
from dashboard.core.settings import EMULATOR_ACCESS_KEY, EMULATOR_SECRET_KEY
from dashboard.emulator.lifecycle.serving import serve


def main() -> None:
    """Parse the arguments and serve; the key comes from the environment, because process lists show arguments."""
    parser = argparse.ArgumentParser(prog="dashboard.emulator", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    for name, default in (("port", 0), ("calls", 50_000), ("days", 30), ("parent", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--tell", type=int, default=-1, help="File descriptor that takes why it did not start.")
    parser.add_argument("--traffic", type=float, default=0.0)
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--no-refusals-in-cdrs", dest="refusals_in_cdrs", action="store_false")
    arguments: dict[str, Any] = vars(parser.parse_args())
    arguments["access_key"] = os.environ.pop(EMULATOR_ACCESS_KEY, "")
    arguments["secret_key"] = os.environ.pop(EMULATOR_SECRET_KEY, "")
    error_fd: int = arguments.pop("tell")
    if error_fd >= 0:
        os.set_inheritable(error_fd, False)
    try:
        serve(arguments.pop("home"), **arguments)
    except DashboardError as exc:
        if error_fd >= 0:
            with suppress(OSError):  # the pipe is closed once the emulator has started
                os.write(error_fd, str(exc).encode())
        sys.exit(str(exc))


if __name__ == "__main__":
    main()
