"""
Run a module in this process until the parent process ends.

``serve`` starts the server of the pages this way. Otherwise a killed ``serve`` would leave a server that keeps the port
and whose data no process syncs. Called as ``python -m dashboard.cli.follow PARENT MODULE ARGUMENTS...``.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading

EVERY_S = 1.0


def main() -> None:
    """Watch the parent in a thread, and run the module as ``__main__`` with its own arguments."""
    parent = int(sys.argv[1])
    module = sys.argv[2]
    threading.Thread(target=_watch, args=(parent, threading.Event()), daemon=True).start()
    sys.argv = sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _watch(parent: int, unset_event: threading.Event) -> None:
    while os.getppid() == parent:
        unset_event.wait(EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
