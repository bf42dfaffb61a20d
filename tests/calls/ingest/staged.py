"""Staging of a single file, and a shared engine for reading."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from dashboard.calls.ingest.file_reader import stage
from dashboard.calls.ingest.progress import FileProgress
from dashboard.calls.ingest.readers.interface import Shared
from dashboard.calls.ingest.staged import Staged
from dashboard.calls.store.engine import Engine


def staged_alone(path: Path, work: Path, engine: Engine) -> Staged:
    """Stage a file as an import of this file alone does."""
    with ThreadPoolExecutor(1) as pool:
        return stage(path, work, engine, whole=False, watch=FileProgress(), shared=Shared(pool))


@cache
def shared_engine() -> Engine:
    """Return an engine shared by many small reads, because starting one takes longer than the reads."""
    return Engine(Path(tempfile.gettempdir()))
