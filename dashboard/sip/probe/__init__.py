"""
Probing: SIP requests to the carrier's PoPs, and what their answers mean for the account.

OPTIONS asks whether a PoP can be reached from an address, which is not yet to be admitted; one INVITE to a
number that costs nothing unusual asks that. No credentials are ever sent, so a call that goes through with the
tech prefix went through by its address. Source: RFC 3261.
"""

from __future__ import annotations

from dashboard.sip.probe.allowed_numbers import safe_number
from dashboard.sip.probe.connection import ProbeTarget
from dashboard.sip.probe.interpret import ProbeContext, of_account
from dashboard.sip.probe.probes import Probe, call, options

__all__ = ["Probe", "ProbeContext", "ProbeTarget", "call", "of_account", "options", "safe_number"]
