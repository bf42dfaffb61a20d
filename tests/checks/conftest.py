"""Fixtures: a small account on which every check yields verdicts, and verdicts by subject."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dashboard import schemas
from dashboard.checks.registry import Check
from dashboard.domain.findings import Verdict
from dashboard.domain.snapshot import Snapshot
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx, refused_row

LONG_AGO = NOW - timedelta(days=45)
MOVED = NOW - timedelta(days=3)


def address(pbx_id: str, text: str, **facts: Any) -> dict[str, Any]:
    """Return a ``pbx_addresses`` row; by default valid since long ago."""
    return {"pbx_id": pbx_id, "address": text, "kind": "primary", "source": "declared", "valid_from": LONG_AGO, **facts}


def entry(network: str, **facts: Any) -> dict[str, Any]:
    """Return an ``allowed_ips`` row; by default added long ago."""
    return {"network": network, "role": "active", "added_at": LONG_AGO, "known_by": "carrier", **facts}


@pytest.fixture
def judged() -> Callable[[Check, Snapshot], dict[str, Verdict]]:
    """Return a function that evaluates a check and gives verdicts by subject."""

    def judge(check: Check, snapshot: Snapshot) -> dict[str, Verdict]:
        return {verdict.subject: verdict for verdict in check.evaluate(snapshot)}

    return judge


@pytest.fixture
def story(_story: Snapshot) -> Snapshot:
    """Return an account with one PBX in order and one for each kind of problem."""
    return deepcopy(_story)


@pytest.fixture(scope="session")
def _story() -> Snapshot:
    snapshot = make_snapshot(
        pbxs=[
            pbx("seattle", inbound_host="198.51.100.11", x_tag="seattle"),
            pbx("denver", inbound_host="pbx-denver.example.net", owner="west@example.net"),
            pbx("atlanta", auth_method="both", inbound_host="198.51.100.40"),
            pbx(
                "miami",
                ip_kind="dynamic",
                auth_method="credentials",
                dials_prefix="no",
                inbound_host="miami.example.net",
            ),
            pbx("boston", status="retired"),
            pbx("phoenix", inbound_host="198.51.100.60:5060"),
            pbx("dallas", status="standby"),
        ],
        addresses=[
            address("seattle", "198.51.100.11"),
            address("denver", "198.51.100.23", valid_to=MOVED),
            address("denver", "198.51.100.24", valid_from=MOVED),
            address("atlanta", "198.51.100.40"),
            address("miami", "203.0.113.152", source="observed"),
            address("boston", "198.51.100.50", valid_to=NOW - timedelta(days=60)),
            address("phoenix", "198.51.100.60"),
            address("dallas", "198.51.100.70"),
        ],
        traffic=[
            calls_row("198.51.100.11", calls=900, x_tag="seattle", pbx_id="seattle", attributed_by="x_tag"),
            calls_row("198.51.100.23", calls=500, at=MOVED, pbx_id="denver", attributed_by="address"),
            refused_row("198.51.100.24", calls=318, pbx_id="denver", attributed_by="address"),
            calls_row("198.51.100.40", calls=200, pbx_id="atlanta", attributed_by="address"),
            calls_row("203.0.113.152", calls=100, x_tag="miami", pbx_id="miami", attributed_by="x_tag"),
            calls_row("198.51.100.60", calls=50, x_tag="phoenix", pbx_id="phoenix", attributed_by="x_tag"),
            calls_row("203.0.113.66", calls=40, cost_usd="412.50", zone="UNITED KINGDOM - PREMIUM"),
        ],
        pbx_numbers=[
            {"pbx_id": "seattle", "number": "12065550111"},
            {"pbx_id": "denver", "number": "13035550123"},
            {"pbx_id": "atlanta", "number": "14045550140"},
            {"pbx_id": "miami", "number": "13055550130"},
            {"pbx_id": "phoenix", "number": "16025550160"},
            {"pbx_id": "phoenix", "number": "16025550161"},
        ],
        numbers=[
            {"number": "12065550111", "route_id": "11"},
            {"number": "13035550123", "route_id": "23"},
            {"number": "14045550140", "route_id": "40"},
            {"number": "13055550130", "route_id": "30"},
            {"number": "16025550160", "route_id": ""},
            {"number": "16025550161", "route_id": "0"},
        ],
        routes=[
            {"route_id": "0", "alias": "sip-reg", "route_type": "sip-reg"},
            {"route_id": "11", "alias": "Seattle", "route_type": "host", "value": "198.51.100.11"},
            {"route_id": "23", "alias": "Denver", "route_type": "host", "value": "PBX-denver.example.net:5060"},
            {"route_id": "40", "alias": "Atlanta", "route_type": "uri", "value": "sip:pbx@198.51.100.40:5060"},
            {"route_id": "30", "alias": "Miami", "route_type": "host", "value": "miami.example.net"},
        ],
    )
    listed = frame(
        schemas.ALLOWED_IPS,
        [
            entry("198.51.100.11", label="Seattle"),
            entry("198.51.100.23", label="Denver", owner="west@example.net"),
            entry("198.51.100.50", label="Boston"),
            entry("198.51.100.60", label="Phoenix"),
            entry("198.51.100.70", label="Dallas", role="standby"),
            entry("203.0.113.66", label="temp", purpose="test of a provider", review_by=NOW),
        ],
    )
    return replace(snapshot, allowed_ips=listed)
