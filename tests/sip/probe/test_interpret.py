"""Interpretation of a test call's answer for a known account: its list, tech prefix and switch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dashboard.domain.admission import Policy
from dashboard.sip.probe import ProbeContext, of_account

READ_AT = datetime(2026, 11, 3, 15, 4, tzinfo=UTC)
LISTED = "198.51.100.11"
OTHER = "198.51.100.24"
ACCOUNT = ProbeContext(Policy(frozenset({LISTED}), True, "12345678"), READ_AT, public=("198.51.100.0/24",))
DIALED = "sip:12345678*12065550142@192.0.2.10:5060"
PRIVATE = "10.0.0.5 is a private address (RFC 1918), and the carrier sees another one, which is not known here"
BEGINS = "By what was read of the account at 2026-11-03 15:04 UTC: "


@pytest.mark.parametrize(
    ("source", "uri", "said"),
    [
        (
            LISTED,
            DIALED,
            f"{LISTED} is on Outbound Allowed IPs; the tech prefix that was dialed is its own",
        ),
        (
            OTHER,
            DIALED.replace("1234", "4321", 1),
            f"{OTHER} is not on Outbound Allowed IPs; the tech prefix that was dialed is not its own",
        ),
        (
            "10.0.0.5",
            "sip:12065550142@192.0.2.10:5060",
            f"{PRIVATE}; no tech prefix was dialed",
        ),
        (LISTED, "", f"{LISTED} is on Outbound Allowed IPs"),
    ],
)
def test_interpretation_covers_list_prefix_and_switch(source: str, uri: str, said: str) -> None:
    """Each input has its read time; a private address is not reported as unlisted."""
    assert f"{BEGINS}{said}; credentials are on." == of_account(ACCOUNT, source=source, request_uri=uri)


def test_unknown_inputs_are_omitted() -> None:
    """Without the account's prefix the dialed one is not evaluated; neither is an unknown switch."""
    unknown = replace(ACCOUNT, policy=Policy(frozenset({LISTED}), None, "", prefix_known=False), sample=True)

    assert (
        f"By what was read of the sample account at 2026-11-03 15:04 UTC: {LISTED} is on Outbound Allowed IPs."
        == of_account(unknown, source=LISTED, request_uri=DIALED)
    )
    off = replace(ACCOUNT, policy=replace(ACCOUNT.policy, credentials_on=False))
    assert "; credentials are off." in of_account(off, source=LISTED, request_uri=DIALED)
