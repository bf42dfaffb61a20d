from . import writers
from .inventory.diff import InventoryDiff
from .inventory.ids import pbx_id_of, with_earlier_ids
from .inventory.rows import (
    CONFIG_FRAME,
    EDITABLE_FRAMES,
    READER_FRAMES,
    Inventory,
    InventoryRow,
    Problem,
    ReaderResult,
    Upload,
    are_different_pbxs,
    location_text,
)
from .lint.dial_strings import LintLevel
from .lint.rules import LintContext, LintFinding, lint_inventory
from .readers.secrets import SECRET_PRESENT, SIP_SECRETS, Secret
from .sources import inventory_frames, is_system_address, needs_pbx_name, read_edit, read_files, read_running

__all__ = [
    "CONFIG_FRAME",
    "EDITABLE_FRAMES",
    "READER_FRAMES",
    "SECRET_PRESENT",
    "SIP_SECRETS",
    "Inventory",
    "InventoryDiff",
    "InventoryRow",
    "LintContext",
    "LintFinding",
    "LintLevel",
    "Problem",
    "ReaderResult",
    "Secret",
    "Upload",
    "are_different_pbxs",
    "inventory_frames",
    "is_system_address",
    "lint_inventory",
    "location_text",
    "needs_pbx_name",
    "pbx_id_of",
    "read_edit",
    "read_files",
    "read_running",
    "with_earlier_ids",
    "writers",
]
