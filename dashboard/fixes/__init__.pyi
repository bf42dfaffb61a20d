from . import account_image, executor, planner, settlement
from .monitor import MONITORED_CALLS, Monitor, MonitorResult, ProofCounts

__all__ = [
    "MONITORED_CALLS",
    "Monitor",
    "MonitorResult",
    "ProofCounts",
    "account_image",
    "executor",
    "planner",
    "settlement",
]
