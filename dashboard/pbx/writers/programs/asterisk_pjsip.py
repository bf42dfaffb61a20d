"""Asterisk with PJSIP: ``pjsip.conf`` and ``extensions.conf``, with option names from Asterisk's documentation."""

from __future__ import annotations

from dashboard.pbx.writers import asterisk_common
from dashboard.pbx.writers.trunk_spec import LOCAL_NETS, Snippet, TrunkSpec

LABEL = "Asterisk (PJSIP)"
VENDOR = "Asterisk"


def write(wanted: TrunkSpec) -> Snippet:
    """Write the configuration; see ``pbx.writers.registry`` for the interface."""
    port = f":{wanted.port}" if wanted.port else ""
    lines = [
        f"; Trunk of {wanted.title} by IP authentication",
        "[flowroute-udp]",
        "type=transport",
        "protocol=udp",
        f"bind=0.0.0.0{port}",
        f"external_signaling_address={wanted.address}",
        f"external_media_address={wanted.address}",
        *(f"local_net={network}" for network in LOCAL_NETS),
    ]
    for name, pop in asterisk_common.trunks(wanted):
        lines += [
            "",
            f"[{name}]",
            "type=endpoint",
            "transport=flowroute-udp",
            "context=from-flowroute",
            "disallow=all",
            "allow=ulaw,alaw",
            "dtmf_mode=rfc4733",
            "direct_media=no",
            f"aors={name}",
            "",
            f"[{name}]",
            "type=aor",
            f"contact=sip:{pop}",
            "qualify_frequency=60",
        ]
    lines += ["", "[flowroute]", "type=identify", "endpoint=flowroute"]
    lines += [f"match={network}" for network in wanted.ranges]
    dialplan = asterisk_common.dialplan(
        wanted, lambda number, trunk: f"PJSIP/{number}@{trunk}", f"Set(PJSIP_HEADER(add,X-Tag)={wanted.x_tag})"
    )
    shared = (
        "Where a UDP transport has this port already, give it the lines of flowroute-udp and name it in the endpoints."
    )
    steps = asterisk_common.steps(
        wanted, "pjsip.conf", "'core restart gracefully', as a transport is read at start only"
    )
    return Snippet({"pjsip.conf": "\n".join([*lines, ""]), "extensions.conf": dialplan}, (shared, *steps))
