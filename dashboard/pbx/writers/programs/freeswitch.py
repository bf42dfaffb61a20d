"""FreeSWITCH: a separate profile with a gateway per PoP, the ACL of carrier ranges, and two contexts."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from dashboard.pbx.writers import asterisk_common
from dashboard.pbx.writers.trunk_spec import Snippet, TrunkSpec

LABEL = "FreeSWITCH"
VENDOR = "FreeSWITCH"
PORT = 5080
"""Default port on which FreeSWITCH listens for carriers."""
FAILS = "NORMAL_TEMPORARY_FAILURE,RECOVERY_ON_TIMER_EXPIRE,NETWORK_OUT_OF_ORDER,GATEWAY_DOWN"
"""Causes that fail over to the second PoP: the first did not respond. A busy callee is not called twice."""
NOBODY = (("username", "not-used"), ("password", "not-used"), ("extension", "auto_to_user"))
"""FreeSWITCH needs the first two to load a gateway; without the third it routes inbound calls to ``username``."""
ROUTES = (
    ("north-america", r"^\+?1?([2-9]\d{2}[2-9]\d{6})$", "1$1"),
    ("abroad", r"^011(\d+)$", "$1"),
    ("services", r"^([2-9]11)$", "$1"),
)


def write(spec: TrunkSpec) -> Snippet:
    """Write the configuration; see ``pbx.writers.registry`` for the interface."""
    port = spec.port or PORT
    failover = ", ".join(spec.other_addresses)
    return Snippet(
        {
            "sip_profiles/flowroute.xml": _profile(spec, port),
            "autoload_configs/acl.conf.xml": _acl(spec),
            "dialplan/flowroute.xml": _dialplan(spec),
        },
        (
            "Add the list to the autoload_configs/acl.conf.xml that is there; put the others in their folders.",
            f"Give no other profile the port {port}; take out an older gateway to the carrier.",
            f"Route its numbers to {spec.address}:{port}.",
            "Let outbound calls be transferred to the context to-flowroute.",
            "Say in from-flowroute where each number rings, if that is not the context default.",
            f"See that {spec.address} is on Outbound Allowed IPs before the first call.",
            *(
                (f"It also calls from {failover}: list those too, and write them here when they are used.",)
                if failover
                else ()
            ),
            "Load it with 'reloadxml', 'reloadacl' and 'sofia profile flowroute start', and call a number.",
        ),
    )


def _param(name: str, value: str | int) -> str:
    return f"<param name={quoteattr(name)} value={quoteattr(str(value))}/>"


def _action(application: str, data: str = "") -> str:
    data_attribute = f" data={quoteattr(data)}" if data else ""
    return f"        <action application={quoteattr(application)}{data_attribute}/>"


def _profile(spec: TrunkSpec, port: int) -> str:
    lines = [f"<!-- Trunk of {spec.title} by IP authentication. -->", '<profile name="flowroute">', "  <gateways>"]
    for name, pop in asterisk_common.trunks(spec):
        lines.append(f"    <gateway name={quoteattr(name)}>")
        params = (*NOBODY, ("proxy", pop), ("register", "false"), ("caller-id-in-from", "true"), ("ping", 30))
        lines += [f"      {_param(key, value)}" for key, value in params]
        lines.append("    </gateway>")
    lines += ["  </gateways>", "  <settings>"]
    settings = (
        ("context", "from-flowroute"),
        ("dialplan", "XML"),
        ("sip-port", port),
        ("sip-ip", "$${local_ip_v4}"),
        ("rtp-ip", "$${local_ip_v4}"),
        ("ext-sip-ip", spec.address),
        ("ext-rtp-ip", spec.address),
        ("auth-calls", "false"),
        ("apply-inbound-acl", "flowroute"),
        ("inbound-codec-prefs", "PCMU,PCMA"),
        ("outbound-codec-prefs", "PCMU,PCMA"),
    )
    lines += [f"    {_param(key, value)}" for key, value in settings]
    return "\n".join([*lines, "  </settings>", "</profile>", ""])


def _acl(spec: TrunkSpec) -> str:
    lines = ['<configuration name="acl.conf" description="Network Lists">', "  <network-lists>"]
    lines.append('    <list name="flowroute" default="deny">')
    lines += [f'      <node type="allow" cidr={quoteattr(network)}/>' for network in spec.ranges]
    return "\n".join([*lines, "    </list>", "  </network-lists>", "</configuration>", ""])


def _dialplan(spec: TrunkSpec) -> str:
    lines = ["<include>", '  <context name="to-flowroute">']
    for name, expression, number in ROUTES:
        lines += _extension(name, expression)
        if spec.x_tag:
            lines.append(_action("export", f"sip_h_X-Tag={spec.x_tag}"))
        lines += [_action("set", "hangup_after_bridge=true"), _action("set", f"continue_on_fail={FAILS}")]
        lines += [
            _action("bridge", f"sofia/gateway/{gateway}/{spec.dialed}{number}")
            for gateway, _ in asterisk_common.trunks(spec)
        ]
        lines += ["      </condition>", "    </extension>"]
    lines += ["  </context>", '  <context name="from-flowroute">']
    for number in spec.numbers:
        lines += [*_extension(number, rf"^\+?{number}$"), _action("transfer", f"{number} XML default")]
        lines += ["      </condition>", "    </extension>"]
    return "\n".join([*lines, "  </context>", "</include>", ""])


def _extension(name: str, expression: str) -> list[str]:
    condition = f'      <condition field="destination_number" expression={quoteattr(expression)}>'
    return [f"    <extension name={quoteattr(name)}>", condition]
