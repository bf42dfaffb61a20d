"""
Asterisk with chan_sip, up to version 20: ``sip.conf`` and ``extensions.conf``.

chan_sip identifies callers by single addresses, not by ranges, so each address of the carrier's ranges is a peer.
"""

from __future__ import annotations

from ipaddress import ip_network

from dashboard.core.errors import WritingError
from dashboard.pbx.writers import asterisk_common
from dashboard.pbx.writers.trunk_spec import LOCAL_NETS, Snippet, TrunkSpec

LABEL = "Asterisk (chan_sip)"
VENDOR = "Asterisk"
MOST_ADDRESSES = 400
"""Maximum number of peers written for the carrier's source addresses."""


def write(spec: TrunkSpec) -> Snippet:
    """Write the configuration; see ``pbx.writers.registry`` for the interface."""
    networks = [ip_network(text) for text in spec.ranges]
    if sum(network.num_addresses for network in networks) > MOST_ADDRESSES:
        raise WritingError(
            f"The carrier's ranges have more than {MOST_ADDRESSES} addresses, and chan_sip needs a peer for each. "
            "Move this PBX to PJSIP, which lets in ranges."
        )
    trunks = asterisk_common.trunks(spec)
    other_pops = [host for host in spec.pops if host not in {pop.partition(":")[0].lower() for _, pop in trunks}]
    peers = [*trunks, *((f"flowroute-in-{number}", host) for number, host in enumerate(other_pops, start=1))]
    peers += [(f"flowroute-{address}", str(address)) for network in networks for address in network]
    lines = [
        f"; Trunk of {spec.title} by IP authentication",
        "[general]",
        *((f"bindport={spec.port}",) if spec.port else ()),
        f"externaddr={spec.address}",
        *(f"localnet={network}" for network in LOCAL_NETS),
        "allowguest=no",
        "",
        "[flowroute-peer](!)",
        "type=peer",
        "context=from-flowroute",
        "insecure=port,invite",
        "disallow=all",
        "allow=ulaw",
        "allow=alaw",
        "dtmfmode=rfc2833",
        "directmedia=no",
    ]
    qualify = ["qualify=yes"]  # else chan_sip waits half a minute for an unreachable PoP before it calls the second
    for name, host in peers:
        lines += ["", f"[{name}](flowroute-peer)", *_host(host), *(qualify if (name, host) in trunks else ())]
    dialplan = asterisk_common.dialplan(
        spec, lambda number, trunk: f"SIP/{trunk}/{number}", f"SIPAddHeader(X-Tag: {spec.x_tag})"
    )
    deprecation = "chan_sip is gone from Asterisk 21 on: plan to move this PBX to PJSIP."
    steps = asterisk_common.steps(spec, "sip.conf", "'sip reload' and 'dialplan reload'")
    return Snippet({"sip.conf": "\n".join([*lines, ""]), "extensions.conf": dialplan}, (*steps, deprecation))


def _host(host: str) -> list[str]:
    name, _, port = host.rpartition(":") if host.count(":") == 1 else (host, "", "")
    return [f"host={name}", *((f"port={port}",) if port else ())]
