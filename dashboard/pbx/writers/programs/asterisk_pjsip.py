"""
Asterisk with PJSIP: ``pjsip.conf`` and ``extensions.conf``, with option names from Asterisk's documentation.

The user part of ``PJSIP/user@endpoint`` replaces that of the AOR's contact. ``match`` lists networks, because Asterisk
resolves a host name there only once, at load.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

from dashboard.pbx.writers import asterisk_common
from dashboard.pbx.writers.trunk_spec import LOCAL_NETS, CredentialsSpec, Snippet, TrunkSpec

LABEL = "Asterisk (PJSIP)"
VENDOR = "Asterisk"


def write(spec: TrunkSpec) -> Snippet:
    """Write the configuration; see ``pbx.writers.registry`` for the interface."""
    nat = [
        f"external_signaling_address={spec.address}",
        f"external_media_address={spec.address}",
        *(f"local_net={network}" for network in LOCAL_NETS),
    ]
    lines = [f"; Trunk of {spec.title} by IP authentication", *_transport(spec.port, nat)]
    for name, pop in asterisk_common.trunks(spec):
        lines += ["", *_endpoint(name), "", *_aor(name, pop), "qualify_frequency=60"]
    lines += ["", *_identify(spec.ranges)]
    dialplan = asterisk_common.dialplan(spec, _device, _header(spec.x_tag))
    shared = (
        "Where a UDP transport has this port already, give it the lines of flowroute-udp and name it in the endpoints."
    )
    steps = asterisk_common.steps(spec, "pjsip.conf", "'core restart gracefully', as a transport is read at start only")
    return Snippet({"pjsip.conf": "\n".join([*lines, ""]), "extensions.conf": dialplan}, (shared, *steps))


def write_with_credentials(spec: CredentialsSpec) -> str:
    """
    Return the configuration of a PBX with a dynamic address: SIP credentials, and numbers without the prefix.

    Returns:
        Sections for ``pjsip.conf`` and ``extensions.conf``, with a placeholder instead of the password.
    """
    handler = asterisk_common.tag_handler(spec.x_tag)
    lines = [
        "; pjsip.conf: inbound calls arrive in the context from-flowroute",
        *_transport(),
        "",
        "[flowroute-auth]",
        "type=auth",
        "auth_type=userpass",
        f"username={spec.tech_prefix}",
        "password=  ; from the carrier's page Interconnection > Registration",
        "",
        *_endpoint("flowroute"),
        "outbound_auth=flowroute-auth",
        "",
        *_aor("flowroute", spec.pop),
        "",
        *_identify(spec.ranges),
        "",
        "; extensions.conf",
        "[to-flowroute]",
    ]
    for pattern, number in asterisk_common.ROUTES:
        lines += [asterisk_common.route(pattern, _device(number, "flowroute"), handler), " same => n,Hangup()"]
    lines += asterisk_common.tag_context(spec.x_tag, _header(spec.x_tag))
    return "\n".join([*lines, ""])


def _transport(port: int = 0, nat: Iterable[str] = ()) -> list[str]:
    suffix = f":{port}" if port else ""
    return ["[flowroute-udp]", "type=transport", "protocol=udp", f"bind=0.0.0.0{suffix}", *nat]


def _endpoint(name: str) -> list[str]:
    return [
        f"[{name}]",
        "type=endpoint",
        "transport=flowroute-udp",
        "context=from-flowroute",
        "disallow=all",
        "allow=ulaw,alaw",
        "dtmf_mode=rfc4733",
        "direct_media=no",
        f"aors={name}",
    ]


def _aor(name: str, pop: str) -> list[str]:
    return [f"[{name}]", "type=aor", f"contact=sip:{pop}"]


def _identify(ranges: Iterable[str]) -> list[str]:
    return ["[flowroute]", "type=identify", "endpoint=flowroute", *(f"match={ip_network(text)}" for text in ranges)]


def _device(number: str, trunk: str) -> str:
    return f"PJSIP/{number}@{trunk}"


def _header(x_tag: str) -> str:
    return f"Set(PJSIP_HEADER(add,X-Tag)={x_tag})"
