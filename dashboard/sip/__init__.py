"""
SIP: tech prefixes, destinations, dial strings, the trunk, call outcomes, and probes of the carrier's PoPs.

The carrier accepts ``TECHPREFIX*1NPANXXXXXX@PoP``: eight digits, ``*`` or ``#`` (``%23`` in a SIP URI), then
1 and ten digits, or country code and number of up to 15 digits (ITU-T E.164), without ``+`` and without 011.
N11 codes are dialed unchanged. Sources: the carrier's service guide and its articles on IP-based
authentication and on dialing formats.
"""

from __future__ import annotations

from dashboard.sip.destination import (
    PREFIX_LENGTH,
    Destination,
    Issue,
    Kind,
    parse_destination,
    parse_tech_prefix,
    read_number,
    with_country_code,
)
from dashboard.sip.dial_string import RETIRED_HOSTS, DialString, build, lint, parse, parse_pop
from dashboard.sip.trunk import Trunk

__all__ = [
    "PREFIX_LENGTH",
    "RETIRED_HOSTS",
    "Destination",
    "DialString",
    "Issue",
    "Kind",
    "Trunk",
    "build",
    "lint",
    "parse",
    "parse_destination",
    "parse_pop",
    "parse_tech_prefix",
    "read_number",
    "with_country_code",
]
