"""Page process: the dashboard on a home of the synthetic account, or the bare page."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from dashboard.core.settings import SYNCED_BY
from dashboard.services.access import links
from tests.bench.apart import POOL, ROOT, peak_mb
from tests.waiting import until

DASHBOARD = ROOT / "dashboard" / "app.py"
BARE = Path(__file__).with_name("bare_page.py")
STOP_S = 10
NOBODY = "https://carrier.example.invalid"
"""URL where no carrier answers; nothing here sends it a request. On loopback its portal would be queried as well."""


@dataclass(frozen=True)
class Served:
    """Running page process."""

    url: str
    pid: int
    home: Path | None = None
    """Home of the dashboard; ``None`` for the bare page."""

    def link(self) -> str:
        """Return a new one-time link to the dashboard; empty for the bare page, which has no access control."""
        return links.address(self.url, links.make(self.home, name="Bench")) if self.home else ""

    def resident_mb(self) -> float:
        """Return the current resident memory in MB."""
        return psutil.Process(self.pid).memory_info().rss / 1e6

    def peak_mb(self) -> float:
        """Return the peak resident memory in MB."""
        return peak_mb(self.pid)


@contextmanager
def serving(script: Path, folder: Path, *, home: Path | None = None, days: int = 92) -> Iterator[Served]:
    """
    Run a page process for the duration of the block.

    Args:
        script: ``DASHBOARD`` or ``BARE``.
        folder: Folder for its log.
        home: Home of the dashboard, displayed as if ``serve`` synced it.
        days: Window of the pages in days.

    Raises:
        RuntimeError: The process did not start; the message contains the last lines of its log.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {name: value for name, value in os.environ.items() if not name.startswith(("TRUNKGATE_", "FLOWROUTE_"))}
    if home is None:
        told.pop(POOL, None)
    else:
        told |= {
            "TRUNKGATE_HOME": str(home),
            "TRUNKGATE_WINDOW_DAYS": str(days),
            "FLOWROUTE_BASE_URL": NOBODY,
            "FLOWROUTE_ACCESS_KEY": "bench",
            "FLOWROUTE_SECRET_KEY": "bench",
            SYNCED_BY: "serve",
        }
    program = (
        ["dashboard.web.server", "--port", str(port)] if home else ["streamlit", "run", str(script), *options(port)]
    )
    log = folder / f"pages-{port}.log"
    with log.open("wb") as said:
        child = subprocess.Popen(
            [sys.executable, "-m", *program],
            cwd=folder,
            env=told | {"PYTHONPATH": str(ROOT)},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(child, f"{url}/{'healthz' if home else '_stcore/health'}", log)
        yield Served(url, child.pid, home)
    finally:
        child.terminate()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def options(port: int) -> list[str]:
    """Return the command-line options of the bare page, which has no gate."""
    return [
        f"--server.port={port}",
        "--server.address=127.0.0.1",
        "--server.headless=true",
        "--server.fileWatcherType=none",
        "--browser.gatherUsageStats=false",
    ]


def _wait(child: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until(
        lambda: _answers(url),
        going=lambda: child.poll() is None,
        say=lambda: f"The page process did not start: {log.read_text()[-2000:]}",
    )


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False
