"""Dialplan and installation steps shared by Asterisk's two SIP drivers; trunk names shared by all writers."""

from __future__ import annotations

from collections.abc import Callable

from dashboard.pbx.writers.trunk_spec import TrunkSpec

ROUTES = (("_1NXXNXXXXXX", "${EXTEN}"), ("_NXXNXXXXXX", "1${EXTEN}"), ("_011X.", "${EXTEN:3}"), ("_N11", "${EXTEN}"))
"""Dialed pattern, and the number sent to the carrier after the prefix."""
ANSWERS = (1, 21, 22, 28)
"""Hangup causes of a PoP that responded: no such number, rejected, number changed, number too short (RFC 3398)."""
DONE = " | ".join(
    (
        '"${DIALSTATUS}" != "CHANUNAVAIL" & "${DIALSTATUS}" != "CONGESTION"',
        *(f'"${{HANGUPCAUSE}}" = "{cause}"' for cause in ANSWERS),
    )
)
"""Condition to skip the second PoP; tests hangup causes because both drivers report a rejection as CONGESTION."""


def trunks(spec: TrunkSpec) -> tuple[tuple[str, str], ...]:
    """Return pairs of trunk name and PoP, the primary PoP first."""
    second = (("flowroute-2", spec.second),) if spec.second else ()
    return ("flowroute", spec.pop), *second


def dialplan(spec: TrunkSpec, device: Callable[[str, str], str], header: str) -> str:
    """
    Return ``extensions.conf``: outbound calls to the carrier, and inbound calls by number.

    Args:
        spec: The trunk specification.
        device: Returns the device to dial for a number and a trunk name.
        header: The dialplan application that adds the X-Tag.
    """
    first, *failover_names = (name for name, _ in trunks(spec))
    handler = tag_handler(spec.x_tag)
    lines = [f"; Calls of {spec.title} to the carrier and from it", "[to-flowroute]"]
    for pattern, number in ROUTES:
        lines.append(route(pattern, device(spec.dialed + number, first), handler))
        for name in failover_names:
            lines.append(f" same => n,GotoIf($[{DONE}]?done)")
            lines.append(f" same => n,Dial({device(spec.dialed + number, name)}{handler})")
        lines.append(" same => n(done),Hangup()")
    lines += tag_context(spec.x_tag, header)
    lines += ["", "[from-flowroute]"]
    lines += [f"exten => {number},1,Goto(default,${{EXTEN}},1)" for number in spec.numbers]
    return "\n".join([*lines, ""])


def route(pattern: str, device: str, handler: str) -> str:
    """Return the first line of an outbound extension."""
    return f"exten => {pattern},1,Dial({device}{handler})"


def tag_handler(x_tag: str) -> str:
    """Return the options of ``Dial`` that add the X-Tag to a call; ``""`` without an X-Tag."""
    return ",,b(flowroute-tag^s^1)" if x_tag else ""


def tag_context(x_tag: str, header: str) -> list[str]:
    """Return the context that adds the X-Tag with an application; empty without an X-Tag."""
    return ["", "[flowroute-tag]", f"exten => s,1,{header}", " same => n,Return()"] if x_tag else []


def steps(spec: TrunkSpec, file: str, load: str) -> tuple[str, ...]:
    """Return the installation steps in order."""
    failover = ", ".join(spec.other_addresses)
    return (
        f"Add the sections to {file} and extensions.conf; take out an older trunk to the carrier.",
        "Take out its registration and its credentials: it is known by its address.",
        "Let outbound calls go to the context to-flowroute; phones go on as they are.",
        "Say in from-flowroute where each number rings, if that is not the context default.",
        f"See that {spec.address} is on Outbound Allowed IPs before the first call.",
        *(
            (f"It also calls from {failover}: list those too, and write them here when they are used.",)
            if failover
            else ()
        ),
        f"Load it with {load}, and call a number.",
    )
