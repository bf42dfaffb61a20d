"""
Probing: SIP requests to the carrier's PoPs, and what their answers mean for the account.

OPTIONS asks whether a PoP can be reached from an address, which is not yet to be admitted; one INVITE to a
number that costs nothing unusual asks that. No credentials are ever sent, so a call that goes through with the
tech prefix went through by its address. Source: RFC 3261.
"""

from __future__ import annotations

from dashboard.probing.line import Target
from dashboard.probing.meaning import Known, of_account
from dashboard.probing.probe import Probe, call, options
from dashboard.probing.safe import safe_number

__all__ = ["Known", "Probe", "Target", "call", "of_account", "options", "safe_number"]
