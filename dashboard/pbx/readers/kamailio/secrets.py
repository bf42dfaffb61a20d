"""Kinds of the secrets in Kamailio's files: trunk to the carrier, another trunk, phones, a database or an API."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.secrets import Secret, by_name, logins_cut
from dashboard.sip import Trunk

if TYPE_CHECKING:
    from dashboard.pbx.readers.kamailio.tables import KamailioTables

MARK_OF_CARRIER = "flowroute"
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,30}):(?://)?$", re.IGNORECASE)
_HOST = re.compile(r"@(\[[^\]]*\]|[^/:;>\s\"']+)")
_HTTP = ("http", "https")
_SIP = ("sip", "sips")
_DATABASES = re.compile(r"mysql|postgres\w*|pgsql|unixodbc|odbc|oracle|redis|mongodb|cassandra|sqlite|db_\w+")
_REALM = 1
"""Index of the realm in ``user:realm:password``."""


@dataclass
class Held:
    """Locations of secrets, and their kinds as far as their own lines show."""

    kinds: dict[Place, Secret] = field(default_factory=dict)
    hosts: dict[Place, set[str]] = field(default_factory=dict)
    """Hosts and realms of SIP logins, by location."""
    variables: dict[Place, set[str]] = field(default_factory=dict)
    """Pseudo-variables to which a secret is assigned, by location."""
    answering: str = ""
    """The pseudo-variable with the password for a digest challenge."""

    def keep(self, location: Place, kind: Secret = Secret.UNKNOWN) -> None:
        """Record the location of a secret; of several on one line, the most severe kind is kept."""
        self.kinds[location] = self.kinds.get(location, kind).worse(kind)

    def without_logins(self, text: str, location: Place) -> str:
        """Return a text without the passwords in its URLs, and record the kinds of the passwords."""
        return logins_cut(text, lambda run, match: self._login(run, match, location))

    def _login(self, text: str, match: re.Match[str], location: Place) -> str:
        before = _SCHEME.search(text[max(0, match.start() - 40) : match.start()])
        host = _HOST.match(text, match.end())
        scheme = before[1].lower() if before else ""
        if scheme in _SIP and host:
            self.hosts.setdefault(location, set()).add(host[1])
        http = Secret.API_KEY if scheme in _HTTP else Secret.UNKNOWN
        self.keep(location, Secret.DATABASE if _DATABASES.fullmatch(scheme) else http)
        return match[0].partition(":")[0]

    def named(self, name: str, value: str, location: Place) -> None:
        """Record a secret by the name of its parameter or pseudo-variable."""
        self.keep(location, by_name(name.strip("$()")))
        parts = value.split(":")
        if name == "credential" and len(parts) > _REALM:
            self.hosts.setdefault(location, set()).add(parts[_REALM])
        elif name.startswith("$"):
            self.variables.setdefault(location, set()).add(name)


def secrets_of(
    script_secrets: Held,
    tables: KamailioTables,
    signs_in: Mapping[str, Place],
    carrier_trunks: Iterable[str],
    trunk: Trunk,
) -> dict[Place, Secret]:
    """
    Return the kind of each secret.

    Args:
        script_secrets: Secrets of the script.
        tables: Lists and tables, whose secrets are in rows with their hosts.
        signs_in: Trunks on which a digest challenge is answered, with the location.
        carrier_trunks: Trunks that go to the carrier.
        trunk: The account's trunk, which identifies the carrier's hosts.

    Returns:
        The kind of each secret by location.
    """
    kinds = dict(script_secrets.kinds)

    def record_kind(secret_location: Place, kind: Secret) -> None:
        kinds[secret_location] = kinds.get(secret_location, kind).worse(kind)

    for location, hosts in script_secrets.hosts.items():
        record_kind(location, Secret.TRUNK if any(_is_carrier(host, trunk) for host in hosts) else Secret.OTHER_TRUNK)
    answers = Secret.TRUNK if set(carrier_trunks) & set(signs_in) else Secret.OTHER_TRUNK
    for location, names in script_secrets.variables.items():
        if signs_in and script_secrets.answering in names:
            record_kind(location, answers)
    destinations = [(destination.host, destination.place) for rows in tables.sets.values() for destination in rows]
    for location in tables.secrets:
        record_kind(location, Secret.UNKNOWN)
    for entries, kind in ((tables.registrations, Secret.REGISTRATION), (destinations, Secret.TRUNK)):
        for host, location in entries:
            if location in kinds:
                record_kind(location, kind if trunk.is_carrier(host) else Secret.OTHER_TRUNK)
    return kinds


def _is_carrier(host: str, trunk: Trunk) -> bool:
    return trunk.is_carrier(host.strip("[]")) or MARK_OF_CARRIER in host.lower()
