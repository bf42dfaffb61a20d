from .background_sync import SyncLoop
from .snapshot_builder import SyncReport
from .snapshot_cache import Keeper
from .workspace import Workspace

__all__ = [
    "Keeper",
    "SyncLoop",
    "SyncReport",
    "Workspace",
]
