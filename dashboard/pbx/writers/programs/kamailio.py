"""
Kamailio 5 as the egress proxy: PoPs for the dispatcher, carrier ranges for permissions, and the routes to call.

Modules and functions follow their own documentation: dispatcher, permissions, tm, textops. The carrier's allow list
must have the proxy's own address.
"""

from __future__ import annotations

from ipaddress import ip_network

from dashboard.pbx.writers import asterisk_common
from dashboard.pbx.writers.trunk_spec import Snippet, TrunkSpec

LABEL = "Kamailio"
VENDOR = "Kamailio"
SET, GROUP = 21, 21
"""Ids of the dispatcher set of PoPs and of the address group; above the small ids that other sets may use."""
BY_PRIORITY = 8
"""Dispatcher algorithm that selects the destination with the highest priority first."""


def write(spec: TrunkSpec) -> Snippet:
    """Write the configuration; see ``pbx.writers.registry`` for the interface."""
    pops = [pop for _, pop in asterisk_common.trunks(spec)]
    destinations = [
        f"{SET} sip:{pop} 0 {len(pops) - index} # {'first' if index == 0 else 'second'}"
        for index, pop in enumerate(pops)
    ]
    ranges = [
        f"{GROUP} {network.network_address} {network.prefixlen} 0 flowroute" for network in map(ip_network, spec.ranges)
    ]
    header = f"# Calls of {spec.title}"
    return Snippet(
        {
            "flowroute.cfg": _routes(spec, header),
            "dispatcher.list": "\n".join([header, *destinations, ""]),
            "address.list": "\n".join([header, *ranges, ""]),
        },
        (
            "Add the lines of dispatcher.list and address.list to yours.",
            "Have both read: list_file of the module dispatcher, address_file of the module permissions.",
            "Set flags of the module dispatcher to 2: else there is no second PoP.",
            f"Let the socket that faces the carrier advertise {spec.address}, where the machine has another one.",
            "Include flowroute.cfg, and send a call out with route(TO_FLOWROUTE) once it is in order.",
            "Let in what comes from the carrier with route(FROM_FLOWROUTE): it ends at any other address.",
            "Take out an older gateway to the carrier, with its registration and its credentials.",
            f"See that {spec.address} is on Outbound Allowed IPs before the first call.",
            "Check it with kamailio -c, restart it, and call a number.",
        ),
    )


def _routes(spec: TrunkSpec, header: str) -> str:
    tag = [
        "    # One tag goes out, this one, whatever a caller sent.",
        '    remove_hf("X-Tag");',
        f'    append_hf("X-Tag: {spec.x_tag}\\r\\n");',
    ]
    lines = [
        header,
        "route[TO_FLOWROUTE] {",
        "    # The carrier wants the country code in front; the prefix goes in once.",
        '    if ($rU =~ "^[2-9][0-9]{9}$") { $rU = "1" + $rU; }',
        '    if ($rU =~ "^011[0-9]+$") { strip(3); }',
        '    if ($rU =~ "^\\+[0-9]+$") { strip(1); }',
        f'    prefix("{spec.dialed}");',
        *(tag if spec.x_tag else []),
        f'    if (!ds_select_domain("{SET}", "{BY_PRIORITY}")) {{ send_reply("503", "No PoP"); exit; }}',
        '    t_on_failure("FLOWROUTE_NEXT");',
        '    if (!t_relay()) { send_reply("500", "Not Relayed"); }',
        "    exit;",
        "}",
        "",
        "failure_route[FLOWROUTE_NEXT] {",
        "    if (t_is_canceled()) { exit; }",
        "    # A PoP that did not answer gives way to the next one; a busy callee is not called twice.",
        '    if (t_check_status("408") && t_branch_timeout() && !t_branch_replied() && ds_next_domain()) {',
        '        t_on_failure("FLOWROUTE_NEXT");',
        "        t_relay();",
        "    }",
        "}",
        "",
        "route[FROM_FLOWROUTE] {",
        f'    if (!allow_source_address("{GROUP}")) {{ send_reply("403", "Not Here"); exit; }}',
        "}",
    ]
    return "\n".join([*lines, ""])
