"""Parts of the processes that load the program's modules once and fork a process for each command or emulator."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""Limit OpenBLAS to one thread, because forking a process with several threads is unsafe."""


def enter(environment: Mapping[str, str], folder: str) -> None:
    """Give this process, a fork, its own environment, time zone and working directory."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    time.tzset()


def end_with(command: Callable[[], None]) -> None:
    """
    Run a command and exit this process with its status.

    As at the end of a program, threads are joined, registered functions are called and streams are flushed. The modules
    are not torn down, because that would copy all memory that this process shares with its parent.
    """
    status = 1
    try:
        command()
        status = 0
    except SystemExit as ending:
        if isinstance(ending.code, str):
            sys.stderr.write(f"{ending.code}\n")
        else:
            status = int(ending.code or 0)
    except BaseException:  # noqa: BLE001 - as the interpreter does with an uncaught exception
        traceback.print_exc()
    finally:
        threading._shutdown()  # noqa: SLF001 - what the interpreter calls first at exit
        atexit._run_exitfuncs()  # noqa: SLF001 - and what it calls next
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
