from . import attribution, confirmed_callers
from .analytics.cube import Cube, build_cube
from .attribution import CallerClaims, attribute, claimed_sources, is_only_claimed
from .ingest.importer import import_files
from .replay.replayer import Replay, Replayer
from .store.store import CallFilter, CallStore

__all__ = [
    "CallFilter",
    "CallStore",
    "CallerClaims",
    "Cube",
    "Replay",
    "Replayer",
    "attribute",
    "attribution",
    "build_cube",
    "claimed_sources",
    "confirmed_callers",
    "import_files",
    "is_only_claimed",
]
