"""One file staged by itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dashboard.calls.engine import Engine
from dashboard.calls.reading import Shared, stage
from dashboard.calls.staged import Staged
from dashboard.calls.watching import Watch


def staged_alone(path: Path, work: Path, engine: Engine) -> Staged:
    """Stage a file as an import of it alone does."""
    with ThreadPoolExecutor(1) as pool:
        return stage(path, work, engine, whole=False, watch=Watch(), shared=Shared(pool))
