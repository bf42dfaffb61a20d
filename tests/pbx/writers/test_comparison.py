"""Comparison of intended and read configuration: each item once, with its location."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from dashboard import schemas
from dashboard.pbx.writers.registry import SettingComparison, SettingState, TrunkSpec, compare
from tests.pbx.facts import about
from tests.pbx.writers.test_registry import OREGON, READ_BACK, VIRGINIA, WANTED, read_back

FACTS = [
    ("trunk.old.host", "sip.flowroute.com"),
    ("trunk.old.auth", "credentials"),
    ("trunk.old.registration", "yes"),
    ("trunk.old.dial", "1NXXNXXXXXX"),
    ("inbound.match", "34.210.91.0/24"),
    ("inbound.match", "192.0.2.0/28"),
    ("inbound.match", "192.0.2.16/28"),
    ("address.external", "198.51.100.11"),
]


def config(pbx_id: str = "seattle") -> pd.DataFrame:
    """Return facts of one PBX, each on its own line."""
    rows = [
        {"pbx_id": pbx_id, **about(key), "value": value, "file": "sip.conf", "line": number}
        for number, (key, value) in enumerate(FACTS, start=1)
    ]
    return schemas.conform(pd.DataFrame(rows), schemas.PBX_CONFIG, source="test")


@pytest.mark.parametrize("kind", READ_BACK)
def test_written_configuration_compares_as_equal(kind: str) -> None:
    """A written configuration compares as equal, except chan_sip's single addresses and Kamailio's socket."""
    rows = compare(WANTED, read_back(kind, WANTED).frames["pbx_config"])

    otherwise = {"asterisk-chan-sip": ("Let in", "PoP called"), "kamailio": ("Public address",)}
    by_range = [row for row in rows if row.what not in otherwise.get(kind, ())]
    assert len(by_range) >= 4
    assert {row.state for row in by_range} == {SettingState.SAME}
    assert all(row.file and row.line for row in by_range)


def test_each_thing_is_told_with_its_place() -> None:
    """A wider range contains the intended one; a different value is changed, an additional one is extra."""
    assert compare(WANTED, config()) == [
        SettingComparison("PoP called", "sip.flowroute.com", OREGON, SettingState.CHANGED, "sip.conf", 1),
        SettingComparison("PoP called", "", VIRGINIA, SettingState.MISSING),
        SettingComparison("Authentication", "credentials", "ip", SettingState.CHANGED, "sip.conf", 2),
        SettingComparison("Registration", "yes", "", SettingState.EXTRA, "sip.conf", 3),
        SettingComparison("Dialed in front", "1NXXNXXXXXX", "12345678*", SettingState.CHANGED, "sip.conf", 4),
        SettingComparison("Let in", "34.210.91.0/24", "34.210.91.112/28", SettingState.SAME, "sip.conf", 5),
        SettingComparison("Let in", "192.0.2.0/28", "34.226.36.32/28", SettingState.CHANGED, "sip.conf", 6),
        SettingComparison("Let in", "192.0.2.16/28", "", SettingState.EXTRA, "sip.conf", 7),
        SettingComparison("Public address", "198.51.100.11", "198.51.100.11", SettingState.SAME, "sip.conf", 8),
        SettingComparison("X-Tag", "", "seattle-1", SettingState.MISSING),
    ]


def test_another_pbx_does_not_count() -> None:
    """Facts of another PBX do not count, and a tag is not missing if none is intended."""
    wanted: TrunkSpec = replace(WANTED, x_tag="")
    rows = compare(wanted, config("denver"))

    assert {row.state for row in rows} == {SettingState.MISSING}
    assert "X-Tag" not in {row.what for row in rows}
