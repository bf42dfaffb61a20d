"""Where a number's calls go: its route, the host that route names, and the route a PBX should have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.changes import CreateRoute
from dashboard.snapshot import Snapshot

SIP_REG = "sip-reg"
SIP_REG_ID = "0"
"""The route of that id sends calls to whatever is registered; a new number has it (the carrier's API)."""

_HOST = re.compile(r"(?:[a-z]+:)?(?:[^@]*@)?(?P<host>[^:;]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Leads:
    """Where one number leads. ``alias`` names its route as changes do: ``""`` for none."""

    number: str
    on_account: bool
    alias: str = ""
    route_type: str = ""
    value: str = ""

    def sentence(self) -> str:
        """Say what is so of the number."""
        if not self.on_account:
            return f"{self.number} is not on the account"
        if not self.alias:
            return f"{self.number} has no route"
        if self.route_type == SIP_REG:
            return f"{self.number} follows SIP registration"
        return f"{self.number} leads to {self.value or self.alias}"

    def evidence(self, *, in_order: bool) -> Mapping[str, Any]:
        """Return the number as an evidence row."""
        words = "in order" if in_order else self.sentence()
        return {"number": self.number, "route": self.alias, "type": self.route_type, "to": self.value, "finding": words}


def host(value: str) -> str:
    """Return the host of a route's value or of ``host[:port]``, in lower case."""
    found = _HOST.match(value.strip())
    return found["host"].lower() if found else ""


def routes_of(snapshot: Snapshot, numbers: Sequence[str]) -> list[Leads]:
    """Return where each number leads, in their order."""
    pointed = dict(zip(snapshot.numbers["number"], snapshot.numbers["route_id"], strict=True))
    routes = {str(row["route_id"]): row for row in snapshot.routes.to_dict("records")}
    found = []
    for number in numbers:
        route_id = str(pointed.get(number, ""))
        route = routes.get(route_id, {"route_type": SIP_REG} if route_id == SIP_REG_ID else {})
        kind = str(route.get("route_type", ""))
        alias = SIP_REG if kind == SIP_REG else str(route.get("alias") or route_id)
        found.append(Leads(number, number in pointed, alias, kind, str(route.get("value", ""))))
    return found


def leads_to(leads: Leads, pbx: Mapping[str, str]) -> bool:
    """Say whether a number leads to a PBX: to its host, or to its registration where its address is dynamic."""
    if leads.route_type == SIP_REG:
        return pbx["ip_kind"] == "dynamic"
    wanted = host(pbx["inbound_host"])
    return leads.route_type in ("host", "uri") and bool(wanted) and host(leads.value) == wanted


def route_to(snapshot: Snapshot, pbx: Mapping[str, str]) -> tuple[str, tuple[CreateRoute, ...]]:
    """Return the alias of a route to a PBX's host, and the change that creates it where there is none yet."""
    rows = snapshot.routes[snapshot.routes["route_type"].isin(["host", "uri"]) & (snapshot.routes["alias"] != "")]
    there = rows.loc[rows["value"].map(host) == host(pbx["inbound_host"]), "alias"]
    if len(there):
        return str(there.iloc[0]), ()
    name, taken = pbx["name"] or pbx["pbx_id"], set(snapshot.routes["alias"]) | {SIP_REG}
    alias = next(one for n in range(1, len(taken) + 2) if (one := f"{name} {n}" if n > 1 else name) not in taken)
    return alias, (CreateRoute(alias=alias, route_type="host", value=pbx["inbound_host"]),)
