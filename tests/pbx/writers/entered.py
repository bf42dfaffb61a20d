"""FreePBX settings as entered on its pages, converted to its database."""

from __future__ import annotations

import json
from collections.abc import Iterable

from dashboard.pbx.writers.registry import PageSetting

FIELDS = {
    "Authentication": "authentication",
    "Registration": "registration",
    "SIP Server": "sip_server",
    "SIP Server Port": "sip_server_port",
    "Context": "context",
    "Match (Permit)": "match",
}
"""Fields of a trunk's pjsip settings by their database keywords."""


def entered(settings: Iterable[PageSetting]) -> str:
    """
    Return a database dump of the entered settings.

    Args:
        settings: By page and field, as ``write`` returns them. The existing routes pass on the numbers that the trunks'
            rules accept, and add nothing.
    """
    told = list(settings)
    pages = [one.page.split(", ") for one in told]
    trunks = list(dict.fromkeys(parts[1] for parts in pages if parts[0] == "Trunks"))
    rows: list[tuple[str, str, tuple[object, ...]]] = []
    for number, name in enumerate(trunks, start=1):
        rows.append(("trunks", "trunkid,tech,channelid,name,disabled", (number, "pjsip", name, name, "off")))
        mine = [one for one, parts in zip(told, pages, strict=True) if parts[:2] == ["Trunks", name]]
        rules = [one.value.split(" | ") for one in mine if one.field.startswith("prepend |")]
        for place, (prepend, prefix, passed) in enumerate(rules):
            columns = "trunkid,match_pattern_prefix,match_pattern_pass,prepend_digits,seq"
            rows.append(("trunk_dialpatterns", columns, (number, prefix, passed, prepend, place)))
            columns = "route_id,match_pattern_prefix,match_pattern_pass,match_cid,prepend_digits"
            rows.append(("outbound_route_patterns", columns, (1, "", f"{prefix}{passed}", "", "")))
        for one in mine:
            if one.field in FIELDS:
                value = one.value.lower() if one.value == "None" else one.value
                rows.append(("pjsip", "id,keyword,data,flags", (number, FIELDS[one.field], value, 0)))
    for one in told:
        if one.field == "Trunk Sequence":
            order = [trunks.index(name) + 1 for name in one.value.split(", then ")]
            rows += [("outbound_route_trunks", "route_id,trunk_id,seq", (1, each, at)) for at, each in enumerate(order)]
        elif one.field == "DID Number":
            rows.append(("incoming", "cidnum,extension,destination", ("", one.value, "ext-group,600,1")))
        elif one.field == "External Address":
            rows.append(("kvstore_Sipsettings", "key,val", ("externip", one.value)))
        elif one.field == "Local Networks":
            nets = [dict(zip(("net", "mask"), net.split("/"), strict=True)) for net in one.value.split(", ")]
            rows.append(("kvstore_Sipsettings", "key,val", ("localnets", json.dumps(nets))))
    statements = [
        ("INSERT INTO ", table, f" ({columns}) VALUES (", _values(row), ");\n") for table, columns, row in rows
    ]
    return "".join(map("".join, statements))


def _values(row: Iterable[object]) -> str:
    return ",".join("'{}'".format(str(value).replace("'", "''")) for value in row)
