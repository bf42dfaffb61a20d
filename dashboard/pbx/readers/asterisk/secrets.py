"""Kinds of the secrets in Asterisk's files: trunk to the carrier, another trunk, a phone, or the PBX itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from dashboard.pbx.readers.asterisk.conf_grammar import Config, ConfSetting, Section
from dashboard.pbx.readers.asterisk.trunks import URIS
from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.secrets import NamesOf, Secret, is_secret_name
from dashboard.sip import Trunk

WATCHED = ("manager.conf", "ari.conf")
"""Files that are read only to find secrets."""

_HOLDERS = {*URIS, "register", "auth", "exten", "same"}
"""Settings whose value may contain a password; in an object of a running system, others are not evidence."""
_HOST = re.compile(r"@([^/,;&|()\s~]+)")


def keep_nothing(_section: str, _name: str, _value: str) -> tuple[str, Secret | None]:
    """Drop every value of a file that is read only to find secrets."""
    return "", None


def secrets_of(configs: Mapping[str, Config], carrier: Collection[str], trunk: Trunk) -> dict[Place, Secret]:
    """
    Return the kind of each secret.

    Args:
        configs: Configurations by file name, including the ``WATCHED`` ones.
        carrier: Names of the endpoints that go to the carrier.
        trunk: The account's trunk, which identifies the carrier's hosts.

    Returns:
        The kind of each secret by location; the most severe one for a secret with several uses.
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
    """Yield the kinds of each secret according to the sections that contain it or inherit it from a template."""
    logins = {} if name in ("sip.conf", "extensions.conf") else _logins(config, carrier, trunk)
    of_file = "host" if name == "sip.conf" else "type"
    for section in config.live():
        holding = [
            one
            for one in section.settings
            if one.place in config.secrets and (is_secret_name(one.name, NamesOf.ASTERISK) or one.name in _HOLDERS)
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
    """Return the use of each ``auth`` section of a pjsip.conf, by section name."""
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
    """Return the kind of a dialplan step's secret; in a running system, the secret may belong to another step."""
    hosts = _HOST.findall(one.value)
    kind = _by_hosts(hosts, trunk) if hosts else Secret.UNKNOWN
    return kind if one.place.line or kind is Secret.TRUNK else Secret.UNKNOWN


def _by_hosts(hosts: list[str], trunk: Trunk) -> Secret:
    return Secret.TRUNK if any(trunk.is_carrier(host.partition(":")[0]) for host in hosts) else Secret.OTHER_TRUNK
