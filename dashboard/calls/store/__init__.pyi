from . import queries, repair
from .engine import sanitize_table
from .generations import Generation
from .store import Segments

__all__ = [
    "Generation",
    "Segments",
    "queries",
    "repair",
    "sanitize_table",
]
