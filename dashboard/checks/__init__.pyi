from .registry import ACCOUNT_SUBJECT, Check, check, discover, explain_gap, failed, passed, rank, run, unknown

__all__ = [
    "ACCOUNT_SUBJECT",
    "Check",
    "check",
    "discover",
    "explain_gap",
    "failed",
    "passed",
    "rank",
    "run",
    "unknown",
]
