from .base import AccountState, Carrier, ExportedWindow
from .flowroute.portal import portal_step_for
from .imported_files import FilesCarrier
from .offline import OfflineCarrier
from .registry import open_carrier

__all__ = [
    "AccountState",
    "Carrier",
    "ExportedWindow",
    "FilesCarrier",
    "OfflineCarrier",
    "open_carrier",
    "portal_step_for",
]
