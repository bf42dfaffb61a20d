"""
Probes: SIP requests to the carrier's PoPs, and the meaning of the responses for the account.

OPTIONS tests whether a PoP is reachable from an address, which does not prove admission; one INVITE to a
standard-rate number tests admission. Probes never send credentials, so a call that succeeds with the tech prefix
was admitted by its source address. Source: RFC 3261.
"""

from __future__ import annotations

from dashboard.sip.probe.allowed_numbers import safe_number
from dashboard.sip.probe.connection import ProbeTarget
from dashboard.sip.probe.interpret import ProbeContext, of_account
from dashboard.sip.probe.probes import Probe, call, options

__all__ = [
    "Probe",
    "ProbeContext",
    "ProbeTarget",
    "call",
    "of_account",
    "options",
    "safe_number",
]
