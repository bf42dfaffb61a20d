from . import reconcile
from .reconcile import Reconciliation
from .record_source import RecordOrigin
from .store import PbxFileResult, PbxRecords

__all__ = [
    "PbxFileResult",
    "PbxRecords",
    "Reconciliation",
    "RecordOrigin",
    "reconcile",
]
