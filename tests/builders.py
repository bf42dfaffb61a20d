"""Builders for rows, frames and snapshots; a test passes only the values that matter to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow

from dashboard import schemas
from dashboard.calls.analytics.cube import Cube, groups_of
from dashboard.calls.store.store import NO_CELLS
from dashboard.domain.admission import Observations, Policy, PolicyVersion
from dashboard.domain.capabilities import Capability
from dashboard.domain.snapshot import Account, Freshness, Snapshot

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
INPUTS = ("calls", "allowed_ips", "credentials", "routes", "inventory", "configurations")


def frame(schema: Any, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return a frame that conforms to a schema, from rows that may omit columns."""
    if not rows:
        return schemas.empty(schema)
    filled = [{name: row.get(name) for name in schema.columns} for row in rows]
    return schemas.conform(pd.DataFrame(filled), schema, source="a test")


def pbx(pbx_id: str, **facts: Any) -> dict[str, Any]:
    """Return a ``pbxs`` row; defaults: static address, IP authentication, dials the tech prefix."""
    row = {"ip_kind": "static", "auth_method": "ip", "dials_prefix": "yes", "status": "active"}
    return {"pbx_id": pbx_id, "name": pbx_id.capitalize(), **row, **facts}


def calls_row(source_ip: str, **facts: Any) -> dict[str, Any]:
    """Return a ``traffic`` row; default: one answered outbound call an hour before ``NOW``."""
    at = facts.pop("at", NOW - timedelta(hours=1))
    row = {
        "hour_at": at.replace(minute=0, second=0, microsecond=0),
        "direction": "outbound",
        "source_ip": source_ip,
        "outcome": "answered",
        "sip_status": 200,
        "zone": "UNITED STATES",
        "calls": 1,
        "duration_s": 60,
        "billed_s": 60,
        "cost_usd": "0.01000000",
        "first_at": at,
        "last_at": at,
    }
    return row | facts


def cube_of(snapshot: Snapshot) -> Cube:
    """Return the cube of the rows of a snapshot, each of which is of one hour and zone."""
    rows = snapshot.judged_traffic
    columns = {
        "row": range(len(rows)),
        "hour_at": rows["hour_at"].dt.tz_localize(None),
        "zone": rows["zone"].tolist(),
        **{name: rows[name].fillna(0).astype("int64") for name in ("calls", "short_calls", "duration_s")},
        "cost_units": [int(cost.scaleb(8)) for cost in rows["cost_usd"]],
    }
    arrays = {name: pyarrow.array(column, NO_CELLS.schema.field(name).type) for name, column in columns.items()}
    return Cube(groups_of(snapshot, rows), pyarrow.table(arrays))


def refused_row(source_ip: str, **facts: Any) -> dict[str, Any]:
    """Return a ``traffic`` row: one call refused for authorization."""
    quiet = {"outcome": "refused_auth", "sip_status": 403, "duration_s": 0, "billed_s": 0, "cost_usd": "0"}
    return calls_row(source_ip, **(quiet | facts))


def make_snapshot(
    *,
    allowed: tuple[str, ...] = (),
    credentials_on: bool | None = True,
    pbxs: list[dict[str, Any]] | None = None,
    addresses: list[dict[str, Any]] | None = None,
    traffic: list[dict[str, Any]] | None = None,
    versions: tuple[PolicyVersion, ...] | None = None,
    observed: Observations | None = None,
    **frames: list[dict[str, Any]],
) -> Snapshot:
    """Return a snapshot taken at ``NOW``; by default every input is fresh and today's policy applied for 60 days."""
    policy = Policy(frozenset(allowed), credentials_on, "12345678")
    return Snapshot(
        taken_at=NOW,
        account=Account(tech_prefix="12345678", credentials_on=credentials_on, sample=True),
        allowed_ips=frame(schemas.ALLOWED_IPS, [{"network": network, "role": "active"} for network in allowed]),
        pbxs=frame(schemas.PBXS, pbxs or []),
        pbx_addresses=frame(schemas.PBX_ADDRESSES, addresses or []),
        traffic=frame(schemas.TRAFFIC, traffic or []),
        since=NOW - timedelta(days=30),
        versions=versions if versions is not None else (PolicyVersion(policy, NOW - timedelta(days=60)),),
        observed=observed or Observations(),
        capabilities=frozenset(Capability) - {Capability.CIDR_ENTRIES, Capability.IPV6_ENTRIES},
        freshness={name: Freshness(NOW, 3600) for name in INPUTS},
        treated_as_public=("198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24"),
        **{name: frame(schemas.FRAMES[name], rows) for name, rows in frames.items()},
    )
