"""What the secrets in Asterisk's files open: the trunk to the carrier, another one, a phone, or the PBX itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from dashboard.pbx.readers.asterisk.conf_grammar import SECRET, Config, ConfSetting, Section
from dashboard.pbx.readers.asterisk.trunks import URIS
from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.secrets import Secret
from dashboard.sip import Trunk

WATCHED = ("manager.conf", "ari.conf")
"""Files that are read for their secrets alone."""

_HOLDERS = {*URIS, "register", "auth", "exten", "same"}
"""Settings in whose value a password may stand; where a place is a whole object, its others tell nothing."""
_HOST = re.compile(r"@([^/,;&|()\s~]+)")


def keep_nothing(_section: str, _name: str, _value: str) -> tuple[str, Secret | None]:
    """Keep no value of a file that is read for its secrets alone."""
    return "", None


def secrets_of(configs: Mapping[str, Config], carrier: Collection[str], trunk: Trunk) -> dict[Place, Secret]:
    """
    Say what each secret opens.

    Args:
        configs: By name of the file; ``WATCHED`` ones among them.
        carrier: Names of the lines that go to the carrier.
        trunk: By which the carrier's hosts are known.

    Returns:
        The kind of each secret by where it stands; the worst of them where it serves several ends.
    """
    told: dict[Place, Secret] = {}
    for name, config in configs.items():
        known = dict(config.secrets)
        if name in WATCHED:
            known = dict.fromkeys(known, Secret.MANAGEMENT)
        elif known:
            for place, kind in _uses(name, config, carrier, trunk):
                known[place] = known[place].worse(kind)
        for place, kind in known.items():
            told[place] = told.get(place, kind).worse(kind)
    return told


def _uses(name: str, config: Config, carrier: Collection[str], trunk: Trunk) -> Iterator[tuple[Place, Secret]]:
    """Return for each secret what the sections say that hold it, or take it over from a template."""
    logins = {} if name in ("sip.conf", "extensions.conf") else _logins(config, carrier, trunk)
    of_file = "host" if name == "sip.conf" else "type"
    for section in config.live():
        holding = [
            one
            for one in section.settings
            if one.place in config.secrets and (SECRET.search(one.name) or one.name in _HOLDERS)
        ]
        known = section.get(of_file) if holding else ""
        for one in holding:
            if name == "extensions.conf":
                yield one.place, _dialed(one, trunk)
            elif name == "sip.conf":
                yield one.place, _of_sip(section, one, known, carrier, trunk)
            else:
                yield one.place, _of_pjsip(section, one, known, carrier, trunk, logins)


def _logins(config: Config, carrier: Collection[str], trunk: Trunk) -> dict[str, Secret]:
    """Return what the ``auth`` sections of a pjsip.conf are used for, by their names."""
    found: dict[str, Secret] = {}

    def used(settings: list[ConfSetting], kind: Secret) -> None:
        for one in settings:
            found[one.value] = found.get(one.value, kind).worse(kind)

    for section in config.live():
        kind = section.get("type").lower()
        if kind == "endpoint":
            used(section.all("outbound_auth"), Secret.TRUNK if section.name in carrier else Secret.OTHER_TRUNK)
            used(section.all("auth"), Secret.PHONE)
        elif kind == "registration":
            ours = any(trunk.is_carrier(one.value) for one in section.all("server_uri"))
            used(section.all("outbound_auth"), Secret.REGISTRATION if ours else Secret.OTHER_TRUNK)
    return found


def _of_pjsip(
    section: Section, one: ConfSetting, kind: str, carrier: Collection[str], trunk: Trunk, logins: Mapping[str, Secret]
) -> Secret:
    if one.value:
        return _by_hosts(one.value.split(","), trunk) if one.place.line else Secret.UNKNOWN
    if kind.lower() == "auth":
        return logins.get(section.name, Secret.UNKNOWN)
    if one.name.startswith("outbound_auth/"):
        return Secret.TRUNK if section.name in carrier else Secret.OTHER_TRUNK
    return Secret.PHONE if one.name.startswith("inbound_auth/") else Secret.UNKNOWN


def _of_sip(section: Section, one: ConfSetting, host: str, carrier: Collection[str], trunk: Trunk) -> Secret:
    if one.value:
        kind = _by_hosts([one.value], trunk)
        return Secret.REGISTRATION if one.name == "register" and kind is Secret.TRUNK else kind
    if section.name in carrier:
        return Secret.TRUNK
    if section.name == "general":
        return Secret.UNKNOWN
    return Secret.PHONE if host in ("", "dynamic") else Secret.OTHER_TRUNK


def _dialed(one: ConfSetting, trunk: Trunk) -> Secret:
    """Say what a step's secret opens; in an object of a running system, the step may be another than the secret's."""
    hosts = _HOST.findall(one.value)
    kind = _by_hosts(hosts, trunk) if hosts else Secret.UNKNOWN
    return kind if one.place.line or kind is Secret.TRUNK else Secret.UNKNOWN


def _by_hosts(hosts: list[str], trunk: Trunk) -> Secret:
    return Secret.TRUNK if any(trunk.is_carrier(host.partition(":")[0]) for host in hosts) else Secret.OTHER_TRUNK
