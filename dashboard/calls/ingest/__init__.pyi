from .columns import ROLLED_KEYS
from .importer import FileResult
from .lenient_csv import Reject

__all__ = [
    "ROLLED_KEYS",
    "FileResult",
    "Reject",
]
