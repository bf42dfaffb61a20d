"""What a carrier lets a program do, as data: asked before, never found out by an exception."""

from __future__ import annotations

from enum import StrEnum


class Capability(StrEnum):
    """One thing a carrier may allow. A page, a check or a fix asks ``in carrier.capabilities``."""

    READ_CALLS = "read_calls"
    READ_NUMBERS = "read_numbers"
    READ_ROUTES = "read_routes"
    WRITE_ROUTES = "write_routes"
    READ_ALLOWED_IPS = "read_allowed_ips"
    WRITE_ALLOWED_IPS = "write_allowed_ips"
    READ_CREDENTIALS = "read_credentials"
    WRITE_CREDENTIALS = "write_credentials"
    CIDR_ENTRIES = "cidr_entries"
    IPV6_ENTRIES = "ipv6_entries"
    REFUSALS_IN_CDRS = "refusals_in_cdrs"
    """Refused attempts are known to appear among the CDRs; without it refusal counts are a lower bound."""
