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
    kinds: dict[Place, Secret] = {}
    for name, config in configs.items():
        file_secrets = dict(config.secrets)
        if name in WATCHED:
            file_secrets = dict.fromkeys(file_secrets, Secret.MANAGEMENT)
        elif file_secrets:
            for location, kind in _uses(name, config, carrier, trunk):
                file_secrets[location] = file_secrets[location].worse(kind)
        for location, kind in file_secrets.items():
            kinds[location] = kinds.get(location, kind).worse(kind)
    return kinds


def _uses(name: str, config: Config, carrier: Collection[str], trunk: Trunk) -> Iterator[tuple[Place, Secret]]:
    """Yield the kinds of each secret according to the sections that contain it or inherit it from a template."""
    logins = {} if name in ("sip.conf", "extensions.conf") else _logins(config, carrier, trunk)
    of_file = "host" if name == "sip.conf" else "type"
    for section in config.live():
        secret_settings = [
            setting
            for setting in section.settings
            if setting.place in config.secrets
            and (is_secret_name(setting.name, NamesOf.ASTERISK) or setting.name in _HOLDERS)
        ]
        section_kind = section.get(of_file) if secret_settings else ""
        for setting in secret_settings:
            if name == "extensions.conf":
                yield setting.place, _dialed(setting, trunk)
            elif name == "sip.conf":
                yield setting.place, _of_sip(section, setting, section_kind, carrier, trunk)
            else:
                yield setting.place, _of_pjsip(section, setting, section_kind, carrier, trunk, logins)


def _logins(config: Config, carrier: Collection[str], trunk: Trunk) -> dict[str, Secret]:
    """Return the use of each ``auth`` section of a pjsip.conf, by section name."""
    uses: dict[str, Secret] = {}

    def record_uses(settings: list[ConfSetting], kind: Secret) -> None:
        for setting in settings:
            uses[setting.value] = uses.get(setting.value, kind).worse(kind)

    for section in config.live():
        kind = section.get("type").lower()
        if kind == "endpoint":
            record_uses(section.all("outbound_auth"), Secret.TRUNK if section.name in carrier else Secret.OTHER_TRUNK)
            record_uses(section.all("auth"), Secret.PHONE)
        elif kind == "registration":
            is_carrier = any(trunk.is_carrier(server.value) for server in section.all("server_uri"))
            record_uses(section.all("outbound_auth"), Secret.REGISTRATION if is_carrier else Secret.OTHER_TRUNK)
    return uses


def _of_pjsip(
    section: Section,
    setting: ConfSetting,
    kind: str,
    carrier: Collection[str],
    trunk: Trunk,
    logins: Mapping[str, Secret],
) -> Secret:
    if setting.value:
        return _by_hosts(setting.value.split(","), trunk) if setting.place.line else Secret.UNKNOWN
    if kind.lower() == "auth":
        return logins.get(section.name, Secret.UNKNOWN)
    if setting.name.startswith("outbound_auth/"):
        return Secret.TRUNK if section.name in carrier else Secret.OTHER_TRUNK
    return Secret.PHONE if setting.name.startswith("inbound_auth/") else Secret.UNKNOWN


def _of_sip(section: Section, setting: ConfSetting, host: str, carrier: Collection[str], trunk: Trunk) -> Secret:
    if setting.value:
        kind = _by_hosts([setting.value], trunk)
        return Secret.REGISTRATION if setting.name == "register" and kind is Secret.TRUNK else kind
    if section.name in carrier:
        return Secret.TRUNK
    if section.name == "general":
        return Secret.UNKNOWN
    return Secret.PHONE if host in ("", "dynamic") else Secret.OTHER_TRUNK


def _dialed(setting: ConfSetting, trunk: Trunk) -> Secret:
    """Return the kind of a dialplan step's secret; in a running system, the secret may belong to another step."""
    hosts = _HOST.findall(setting.value)
    kind = _by_hosts(hosts, trunk) if hosts else Secret.UNKNOWN
    return kind if setting.place.line or kind is Secret.TRUNK else Secret.UNKNOWN


def _by_hosts(hosts: list[str], trunk: Trunk) -> Secret:
    return Secret.TRUNK if any(trunk.is_carrier(host.partition(":")[0]) for host in hosts) else Secret.OTHER_TRUNK
