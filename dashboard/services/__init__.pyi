from . import declarations
from .background_sync import SYNC_ERROR_KEY, SyncLoop
from .call_fetcher import next_sync_since
from .own_numbers import update_own_numbers
from .snapshot_builder import SyncReport, calls_until, freshness_of, load_frame, policy_versions, save_frame
from .snapshot_cache import AGE_EVERY_S, AccountView, SnapshotCache, StateVersion
from .store_settlement import settle_store_changes
from .sync_owner import SyncOwner
from .workspace import Workspace

__all__ = [
    "AGE_EVERY_S",
    "SYNC_ERROR_KEY",
    "AccountView",
    "SnapshotCache",
    "StateVersion",
    "SyncLoop",
    "SyncOwner",
    "SyncReport",
    "Workspace",
    "calls_until",
    "declarations",
    "freshness_of",
    "load_frame",
    "next_sync_since",
    "policy_versions",
    "save_frame",
    "settle_store_changes",
    "update_own_numbers",
]
