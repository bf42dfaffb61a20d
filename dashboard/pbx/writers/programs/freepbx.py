"""
FreePBX 15 and newer with chan_pjsip: settings to enter on its pages, because FreePBX writes its own files.

Pages and fields have the names that FreePBX displays. Only the trunk's rules add the prefix: a route that also
prepends it would dial it twice.
"""

from __future__ import annotations

from dashboard.pbx.writers import asterisk_common
from dashboard.pbx.writers.trunk_spec import LOCAL_NETS, PageSetting, Snippet, TrunkSpec

LABEL = "FreePBX (chan_pjsip)"
VENDOR = "FreePBX"
CUSTOM = "extensions_custom.conf"
RULES = (("1", "", "NXXNXXXXXX"), ("", "", "1NXXNXXXXXX"), ("", "011", "."), ("", "", "N11"))
"""Digits added after the tech prefix, digits removed, and the match pattern."""


def write(spec: TrunkSpec) -> Snippet:
    """Write the settings; see ``pbx.writers.registry`` for the interface."""
    trunks = asterisk_common.trunks(spec)
    settings = [
        PageSetting("Asterisk SIP Settings, General", "External Address", spec.address),
        PageSetting("Asterisk SIP Settings, General", "Local Networks", ", ".join(LOCAL_NETS)),
    ]
    for name, pop in trunks:
        settings += _trunk(spec, name, pop)
    settings += [
        PageSetting("Outbound Routes, Route Settings", "Trunk Sequence", ", then ".join(name for name, _ in trunks)),
        PageSetting("Outbound Routes, Dial Patterns", "prepend", "nothing: the trunk adds the prefix"),
        *(PageSetting("Inbound Routes", "DID Number", number) for number in spec.numbers),
    ]
    return Snippet(_files(spec), _steps(spec), tuple(settings))


def _trunk(spec: TrunkSpec, name: str, pop: str) -> list[PageSetting]:
    host, _, port = pop.partition(":")
    page = f"Trunks, {name}"
    rules = [
        PageSetting(f"{page}, Dialed Number Manipulation Rules", "prepend | prefix | match pattern", " | ".join(rule))
        for rule in ((f"{spec.dialed}{front}", prefix, match) for front, prefix, match in RULES)
    ]
    return [
        PageSetting(f"{page}, General", "Trunk Name", name),
        *rules,
        PageSetting(f"{page}, pjsip Settings", "Authentication", "None"),
        PageSetting(f"{page}, pjsip Settings", "Registration", "None"),
        PageSetting(f"{page}, pjsip Settings", "SIP Server", host),
        PageSetting(f"{page}, pjsip Settings", "SIP Server Port", port or "5060"),
        PageSetting(f"{page}, pjsip Settings", "Context", "from-pstn"),
        PageSetting(f"{page}, pjsip Settings, Advanced", "Match (Permit)", ",".join(spec.ranges)),
    ]


def _files(spec: TrunkSpec) -> dict[str, str]:
    """Return the file with the hook that adds the X-Tag; empty if the PBX has no X-Tag."""
    if not spec.x_tag:
        return {}
    lines = [
        f"; X-Tag of {spec.title}",
        "[macro-dialout-trunk-predial-hook]",
        f"exten => s,1,Gosub(func-set-sipheader,s,1(X-Tag,{spec.x_tag}))",
        "exten => s,n,Return()",
    ]
    return {CUSTOM: "\n".join([*lines, ""])}


def _steps(spec: TrunkSpec) -> tuple[str, ...]:
    tag = (
        f"Put the lines into {CUSTOM}, with Config Edit. On FreePBX 16 and older the last is MacroExit().",
        "The tag goes with calls of every trunk; other carriers take no notice of it.",
    )
    return (
        "Enter the settings on the pages that are named, under Connectivity and Settings.",
        "Delete an older trunk to the carrier with its registration and its credentials.",
        *(tag if spec.x_tag else ()),
        f"See that {spec.address} is on Outbound Allowed IPs before the first call.",
        "Press Apply Config, and call a number.",
    )
