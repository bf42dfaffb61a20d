"""Destinations of numbers: the route of a number, the host of the route, and the route that a PBX should have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboard.checks.evidence import calls as call_evidence
from dashboard.core import clocks
from dashboard.core.host_names import SipTarget, is_same_target, target_of
from dashboard.core.text import join
from dashboard.domain.changes import CreateRoute
from dashboard.domain.snapshot import Freshness, Snapshot

SIP_REG = "sip-reg"
SIP_REG_ID = "0"
"""Id of the route that sends calls to the registered device; a new number has this route (the carrier's API)."""


class Hosts:
    """Addresses of a snapshot's host names according to recent lookups, and the time of each name's last lookup."""

    def __init__(self, snapshot: Snapshot) -> None:
        limit = timedelta(seconds=snapshot.freshness.get("routes", Freshness(None, 0)).stale_after_s)
        rows = snapshot.resolved_hosts
        fresh = rows[rows["resolved_at"].between(snapshot.taken_at - limit, snapshot.taken_at + clocks.DIFFER)]
        self.addresses: dict[str, frozenset[str]] = {
            str(host): frozenset(host_addresses) for host, host_addresses in fresh.groupby("host")["address"]
        }
        self.looked_up: dict[str, datetime] = {
            str(host): at for host, at in rows.groupby("host")["resolved_at"].max().items()
        }

    def sentence(self, *targets: SipTarget) -> str:
        """Return the lookups of host names among targets, as the end of a sentence; ``""`` if none is a host name."""
        return ", and ".join(self._said(target.host) for target in targets if target.is_name)

    def _said(self, name: str) -> str:
        if name in self.addresses:
            resolved = join(sorted(self.addresses[name]), None)
            return f"{name} resolved to {resolved} on {call_evidence.moment(self.looked_up[name])}"
        if name in self.looked_up:
            return f"{name} was last resolved on {call_evidence.moment(self.looked_up[name])}"
        return f"{name} could not be resolved to an address"


@dataclass(frozen=True)
class Leads:
    """Destination of one number. ``alias`` is the route's alias as in changes; ``""`` for no route."""

    number: str
    on_account: bool
    alias: str = ""
    route_type: str = ""
    value: str = ""

    def sentence(self) -> str:
        """Return a clause on the destination of the number."""
        if not self.on_account:
            return f"{self.number} is not on the account"
        if not self.alias:
            return f"{self.number} has no route"
        if self.route_type == SIP_REG:
            return f"{self.number} follows SIP registration"
        return f"{self.number} leads to {self.value or self.alias}"

    def evidence(self, *, in_order: bool | None) -> Mapping[str, Any]:
        """Return the number as an evidence row; ``in_order`` is ``None`` if it cannot be decided."""
        words = "in order" if in_order else "cannot tell" if in_order is None else self.sentence()
        return {"number": self.number, "route": self.alias, "type": self.route_type, "to": self.value, "finding": words}


def routes_of(snapshot: Snapshot, numbers: Sequence[str]) -> list[Leads]:
    """Return the destination of each number, in the given order."""
    pointed = dict(zip(snapshot.numbers["number"], snapshot.numbers["route_id"], strict=True))
    routes = {str(row["route_id"]): row for row in snapshot.routes.to_dict("records")}
    destinations = []
    for number in numbers:
        route_id = str(pointed.get(number, ""))
        route = routes.get(route_id, {"route_type": SIP_REG} if route_id == SIP_REG_ID else {})
        kind = str(route.get("route_type", ""))
        alias = SIP_REG if kind == SIP_REG else str(route.get("alias") or route_id)
        destinations.append(Leads(number, number in pointed, alias, kind, str(route.get("value", ""))))
    return destinations


def leads_to(snapshot: Snapshot, leads: Leads, pbx: Mapping[str, str]) -> bool | None:
    """
    Return whether a number leads to a PBX: to its host and port, or to its registration if its address is dynamic.

    Returns:
        ``None`` if a host name and an address cannot be compared.
    """
    if leads.route_type == SIP_REG:
        return pbx["ip_kind"] == "dynamic"
    if leads.route_type not in ("host", "uri"):
        return False
    return is_same_target(target_of(leads.value), target_of(pbx["inbound_host"]), snapshot.memoize(Hosts).addresses)


def wrong_destinations_text(snapshot: Snapshot, leads: Sequence[Leads], pbx: Mapping[str, str]) -> str:
    """Return text on the destinations of numbers that do not lead to a PBX, with the addresses of resolved names."""
    hosts = snapshot.memoize(Hosts)
    expected = target_of(pbx["inbound_host"])
    targets = [target_of(item.value) for item in leads if item.route_type in ("host", "uri")]
    names = sorted({item for item in (expected, *targets) if item.host in hosts.addresses}, key=str)
    return "; ".join(item.sentence() for item in leads) + (f". {hosts.sentence(*names)}" if names else "")


def undecided_text(snapshot: Snapshot, leads: Sequence[Leads], pbx: Mapping[str, str]) -> str:
    """Return text on why it cannot be decided whether numbers lead to a PBX, grouped by cause."""
    hosts = snapshot.memoize(Hosts)
    expected = target_of(pbx["inbound_host"])
    causes = {lead.value: hosts.sentence(target_of(lead.value), expected) for lead in leads}
    numbers = {value: [lead.number for lead in leads if lead.value == value] for value in causes}
    return "; ".join(f"{join(numbers[value], None)} leads to {value}, {cause}" for value, cause in causes.items())


def route_to(snapshot: Snapshot, pbx: Mapping[str, str]) -> tuple[str, tuple[CreateRoute, ...]]:
    """Return the alias of a route to a PBX's host, and the change that creates it if it does not exist yet."""
    rows = snapshot.routes[snapshot.routes["route_type"].isin(["host", "uri"]) & (snapshot.routes["alias"] != "")]
    expected = target_of(pbx["inbound_host"])
    addresses = snapshot.memoize(Hosts).addresses
    matching = [
        str(alias)
        for alias, value in zip(rows["alias"], rows["value"], strict=True)
        if is_same_target(target_of(value), expected, addresses)
    ]
    if matching:
        return matching[0], ()
    name = pbx["name"] or pbx["pbx_id"]
    used_aliases = set(snapshot.routes["alias"]) | {SIP_REG}
    alias = next(
        candidate
        for n in range(1, len(used_aliases) + 2)
        if (candidate := f"{name} {n}" if n > 1 else name) not in used_aliases
    )
    return alias, (CreateRoute(alias=alias, route_type="host", value=pbx["inbound_host"]),)
