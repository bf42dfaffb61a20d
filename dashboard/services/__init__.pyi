from .background_sync import SyncLoop
from .snapshot_builder import SyncReport
from .snapshot_cache import SnapshotCache
from .workspace import Workspace

__all__ = [
    "SnapshotCache",
    "SyncLoop",
    "SyncReport",
    "Workspace",
]
