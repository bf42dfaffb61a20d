from . import account_binding, anchors, database, sealing, store_changes
from .database import State
from .entry_history import entry_periods
from .journal import (
    PHASE_BEGUN,
    PHASE_DONE,
    PHASE_FAILED,
    PHASE_PARTLY,
    Journal,
    JournalEntry,
    NotedHead,
    VerifiedJournal,
)
from .read_only import is_read_only

__all__ = [
    "PHASE_BEGUN",
    "PHASE_DONE",
    "PHASE_FAILED",
    "PHASE_PARTLY",
    "Journal",
    "JournalEntry",
    "NotedHead",
    "State",
    "VerifiedJournal",
    "account_binding",
    "anchors",
    "database",
    "entry_periods",
    "is_read_only",
    "sealing",
    "store_changes",
]
