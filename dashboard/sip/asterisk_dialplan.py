"""
Asterisk configuration of a PBX that dials through the trunk.

Objects follow Asterisk's PJSIP documentation: the user part of ``PJSIP/user@endpoint`` replaces that of the
AOR's contact, and ``match`` lists networks, because Asterisk resolves a host name there only once, at load.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address, ip_network

from dashboard.core.errors import DialStringError
from dashboard.sip.destination import parse_tech_prefix
from dashboard.sip.dial_string import SEPARATOR, parse_pop

_TRUNK = "flowroute"
_LOCAL_NETS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
"""Asterisk rewrites addresses only toward hosts outside its local networks, so these must be listed."""


def asterisk_pjsip(
    tech_prefix: str,
    pop: str,
    ranges: Collection[str],
    *,
    x_tag: str = "",
    external_address: str = "",
    credentials: bool = False,
) -> str:
    """
    Return the Asterisk configuration that dials in the carrier's format and accepts its inbound calls.

    Args:
        tech_prefix: The account's eight digits.
        pop: Host name of the PoP that receives the calls.
        ranges: Networks of all PoPs in CIDR notation: the carrier may call from any of them.
        x_tag: Value of the X-Tag header, which identifies this PBX's calls in the CDRs; ``""`` omits it.
        external_address: Public address of a PBX behind NAT; ``""`` without NAT.
        credentials: Whether the PBX has a dynamic address and authenticates with SIP credentials, without the prefix.

    Returns:
        Sections for ``pjsip.conf`` and ``extensions.conf``, with a placeholder instead of the password.

    Raises:
        DialStringError: A value is not valid in a configuration file.
    """
    prefix = parse_tech_prefix(tech_prefix)
    host = parse_pop(pop)
    if x_tag and not re.fullmatch(r"[\w.-]{1,64}", x_tag, re.ASCII):
        raise DialStringError(f"The X-Tag {x_tag[:80]!r} may hold letters, digits, dots, hyphens and underscores only.")
    try:
        matches = [f"match={ip_network(text)}" for text in ranges]
        behind_nat = _nat(str(ip_address(external_address))) if external_address else []
    except ValueError as exc:
        raise DialStringError(f"The configuration needs addresses and networks in CIDR form: {exc}.") from exc
    signs_in = [f"[{_TRUNK}-auth]", "type=auth", "auth_type=userpass", f"username={prefix}"]
    signs_in += ["password=  ; from the carrier's page Interconnection > Registration", ""]
    dialed = "" if credentials else f"{prefix}{SEPARATOR}"
    handler = f",,b({_TRUNK}-tag^s^1)" if x_tag else ""
    return "\n".join(
        [
            f"; pjsip.conf: inbound calls arrive in the context from-{_TRUNK}",
            f"[{_TRUNK}-udp]",
            "type=transport",
            "protocol=udp",
            "bind=0.0.0.0",
            *behind_nat,
            "",
            *(signs_in if credentials else ()),
            f"[{_TRUNK}]",
            "type=endpoint",
            f"transport={_TRUNK}-udp",
            f"context=from-{_TRUNK}",
            "disallow=all",
            "allow=ulaw,alaw",
            "dtmf_mode=rfc4733",
            "direct_media=no",
            f"aors={_TRUNK}",
            *([f"outbound_auth={_TRUNK}-auth"] if credentials else ()),
            "",
            f"[{_TRUNK}]",
            "type=aor",
            f"contact=sip:{host}",
            "",
            f"[{_TRUNK}]",
            "type=identify",
            f"endpoint={_TRUNK}",
            *matches,
            "",
            "; extensions.conf",
            f"[to-{_TRUNK}]",
            *_route("_1NXXNXXXXXX", f"{dialed}${{EXTEN}}", handler),
            *_route("_NXXNXXXXXX", f"{dialed}1${{EXTEN}}", handler),
            *_route("_011X.", f"{dialed}${{EXTEN:3}}", handler),
            *_route("_N11", f"{dialed}${{EXTEN}}", handler),
            *(
                ("", f"[{_TRUNK}-tag]", f"exten => s,1,Set(PJSIP_HEADER(add,X-Tag)={x_tag})", " same => n,Return()")
                if x_tag
                else ()
            ),
            "",
        ]
    )


def _nat(address: str) -> list[str]:
    nets = [f"local_net={network}" for network in _LOCAL_NETS]
    return [f"external_signaling_address={address}", f"external_media_address={address}", *nets]


def _route(pattern: str, user: str, handler: str) -> tuple[str, str]:
    return f"exten => {pattern},1,Dial(PJSIP/{user}@{_TRUNK}{handler})", " same => n,Hangup()"
