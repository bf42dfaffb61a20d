"""
FreePBX 15 and newer with chan_pjsip: what to enter on its pages, since it writes its files itself.

Names of pages and fields as FreePBX shows them. The prefix goes into the trunk's rules alone: a route that prepends
it too would dial it twice.
"""

from __future__ import annotations

from dashboard.pbx.writers import asterisk_common
from dashboard.pbx.writers.trunk_spec import LOCAL_NETS, PageSetting, Snippet, TrunkSpec

LABEL = "FreePBX (chan_pjsip)"
VENDOR = "FreePBX"
CUSTOM = "extensions_custom.conf"
RULES = (("1", "", "NXXNXXXXXX"), ("", "", "1NXXNXXXXXX"), ("", "011", "."), ("", "", "N11"))
"""What stands behind the prefix, what is taken off, and the digits that match."""


def write(wanted: TrunkSpec) -> Snippet:
    """Write it; ``pbx.writers`` says what a kind takes and gives."""
    called = asterisk_common.trunks(wanted)
    settings = [
        PageSetting("Asterisk SIP Settings, General", "External Address", wanted.address),
        PageSetting("Asterisk SIP Settings, General", "Local Networks", ", ".join(LOCAL_NETS)),
    ]
    for name, pop in called:
        settings += _trunk(wanted, name, pop)
    settings += [
        PageSetting("Outbound Routes, Route Settings", "Trunk Sequence", ", then ".join(name for name, _ in called)),
        PageSetting("Outbound Routes, Dial Patterns", "prepend", "nothing: the trunk adds the prefix"),
        *(PageSetting("Inbound Routes", "DID Number", number) for number in wanted.numbers),
    ]
    return Snippet(_files(wanted), _steps(wanted), tuple(settings))


def _trunk(wanted: TrunkSpec, name: str, pop: str) -> list[PageSetting]:
    host, _, port = pop.partition(":")
    page = f"Trunks, {name}"
    rules = [
        PageSetting(f"{page}, Dialed Number Manipulation Rules", "prepend | prefix | match pattern", " | ".join(rule))
        for rule in ((f"{wanted.dialed}{front}", taken, match) for front, taken, match in RULES)
    ]
    return [
        PageSetting(f"{page}, General", "Trunk Name", name),
        *rules,
        PageSetting(f"{page}, pjsip Settings", "Authentication", "None"),
        PageSetting(f"{page}, pjsip Settings", "Registration", "None"),
        PageSetting(f"{page}, pjsip Settings", "SIP Server", host),
        PageSetting(f"{page}, pjsip Settings", "SIP Server Port", port or "5060"),
        PageSetting(f"{page}, pjsip Settings", "Context", "from-pstn"),
        PageSetting(f"{page}, pjsip Settings, Advanced", "Match (Permit)", ",".join(wanted.ranges)),
    ]


def _files(wanted: TrunkSpec) -> dict[str, str]:
    """Write the hook that adds the X-Tag; nothing where the PBX has none."""
    if not wanted.x_tag:
        return {}
    lines = [
        f"; X-Tag of {wanted.title}",
        "[macro-dialout-trunk-predial-hook]",
        f"exten => s,1,Gosub(func-set-sipheader,s,1(X-Tag,{wanted.x_tag}))",
        "exten => s,n,Return()",
    ]
    return {CUSTOM: "\n".join([*lines, ""])}


def _steps(wanted: TrunkSpec) -> tuple[str, ...]:
    tag = (
        f"Put the lines into {CUSTOM}, with Config Edit. On FreePBX 16 and older the last is MacroExit().",
        "The tag goes with calls of every trunk; other carriers take no notice of it.",
    )
    return (
        "Enter the settings on the pages that are named, under Connectivity and Settings.",
        "Delete an older trunk to the carrier with its registration and its credentials.",
        *(tag if wanted.x_tag else ()),
        f"See that {wanted.address} is on Outbound Allowed IPs before the first call.",
        "Press Apply Config, and call a number.",
    )
