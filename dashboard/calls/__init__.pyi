from .analytics.cube import Cube, build_cube
from .attribution import attribute
from .ingest.importer import import_files
from .replay.replayer import Replay, Replayer
from .store.store import CallFilter, CallStore

__all__ = [
    "CallFilter",
    "CallStore",
    "Cube",
    "Replay",
    "Replayer",
    "attribute",
    "build_cube",
    "import_files",
]
