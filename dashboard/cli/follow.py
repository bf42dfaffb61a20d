"""
Run another program's module in this process for as long as the process that started it lives.

``serve`` runs the pages' server so: killed outright, it would else leave a server that keeps the port and
that nobody syncs for. Called as ``python -m dashboard.cli.follow PARENT MODULE ARGUMENTS...``.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading

EVERY_S = 1.0


def main() -> None:
    """Watch the parent, and run the module as if it had been called itself."""
    parent, module = int(sys.argv[1]), sys.argv[2]
    threading.Thread(target=_watch, args=(parent, threading.Event()), daemon=True).start()
    sys.argv = sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _watch(parent: int, never: threading.Event) -> None:
    while os.getppid() == parent:
        never.wait(EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
