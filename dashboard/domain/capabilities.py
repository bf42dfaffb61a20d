"""Operations that a carrier offers to programs, as data: callers check them first instead of catching exceptions."""

from __future__ import annotations

from enum import StrEnum


class Capability(StrEnum):
    """An operation that a carrier may offer. Pages, checks and fixes test ``in carrier.capabilities``."""

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
    """Refused attempts are known to appear in the CDRs; without this, refusal counts are a lower bound."""
