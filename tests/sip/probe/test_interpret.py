"""Interpretation of a test call's answer for a known account: its list, tech prefix and switch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dashboard.domain.admission import Policy
from dashboard.sip.probe import ProbeContext, of_account
from tests.texts import golden

READ_AT = datetime(2026, 11, 3, 15, 4, tzinfo=UTC)
LISTED = "198.51.100.11"
OTHER = "198.51.100.24"
ACCOUNT = ProbeContext(Policy(frozenset({LISTED}), True, "12345678"), READ_AT, public=("198.51.100.0/24",))
DIALED = "sip:12345678*12065550142@192.0.2.10:5060"
PRIVATE = golden("probe.private_and_not_known", address="10.0.0.5")
BEGINS = golden("probe.read_of_the_account")


@pytest.mark.parametrize(
    ("source", "uri", "said"),
    [
        (
            LISTED,
            DIALED,
            golden("probe.prefix_is_own", address=LISTED),
        ),
        (
            OTHER,
            DIALED.replace("1234", "4321", 1),
            golden("probe.prefix_is_not_own", address=OTHER),
        ),
        (
            "10.0.0.5",
            "sip:12065550142@192.0.2.10:5060",
            golden("probe.no_prefix_was_dialed", private=PRIVATE),
        ),
        (LISTED, "", golden("probe.listed", address=LISTED)),
    ],
)
def test_interpretation_covers_list_prefix_and_switch(source: str, uri: str, said: str) -> None:
    """Each input has its read time; a private address is not reported as unlisted."""
    assert golden("probe.begins_and_credentials_are_on", begins=BEGINS, said=said) == of_account(
        ACCOUNT, source=source, request_uri=uri
    )


def test_unknown_inputs_are_omitted() -> None:
    """Without the account's prefix the dialed one is not evaluated; neither is an unknown switch."""
    unknown = replace(ACCOUNT, policy=Policy(frozenset({LISTED}), None, "", prefix_known=False), sample=True)

    assert golden("probe.on_allowed_ips", listed=LISTED) == of_account(unknown, source=LISTED, request_uri=DIALED)
    off = replace(ACCOUNT, policy=replace(ACCOUNT.policy, credentials_on=False))
    assert "; credentials are off." in of_account(off, source=LISTED, request_uri=DIALED)
