from . import definitions, metrics
from .cube import CubePart, cube_of, has_utc_hours, midnights, sip_status_label
from .peaks import CallOwners, PeakColumn, Peaks, call_owners, count_peaks

__all__ = [
    "CallOwners",
    "CubePart",
    "PeakColumn",
    "Peaks",
    "call_owners",
    "count_peaks",
    "cube_of",
    "definitions",
    "has_utc_hours",
    "metrics",
    "midnights",
    "sip_status_label",
]
