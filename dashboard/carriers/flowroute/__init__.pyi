from . import portal_paste
from .client import API_CAPABILITIES
from .portal import PORTAL_READS, PORTAL_WRITES

__all__ = [
    "API_CAPABILITIES",
    "PORTAL_READS",
    "PORTAL_WRITES",
    "portal_paste",
]
