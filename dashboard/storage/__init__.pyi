from .database import State
from .journal import Journal, JournalEntry

__all__ = [
    "Journal",
    "JournalEntry",
    "State",
]
