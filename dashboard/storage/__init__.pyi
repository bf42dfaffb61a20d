from .database import State
from .journal import Entry, Journal

__all__ = [
    "Entry",
    "Journal",
    "State",
]
