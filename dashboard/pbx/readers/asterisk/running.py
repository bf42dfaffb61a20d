"""
Reader of a running Asterisk over its manager interface: ``ami://HOST:PORT/NAME``, or ``ami+tls://`` with TLS.

``GetConfig`` returns the files that ``readers.asterisk.reader`` reads from a folder, as parsed by Asterisk, with
includes and templates expanded; so both give the same inventory. It is compared with the endpoints that PJSIP has
loaded: endpoints and registrations absent from all files (they may come from a database) are read with
``PJSIPShowEndpoint`` and ``PJSIPShowRegistrationsOutbound``, a dialplan absent from all files with ``ShowDialPlan``.
The location of every fact is the action and the object. Passwords, which AMI sends in clear text, are dropped while a
line is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_network

from dashboard.core.errors import SettingsError, SourceAnswerError
from dashboard.pbx.inventory.rows import Problem, ReaderResult
from dashboard.pbx.readers.asterisk.conf_grammar import GLOBALS, Config
from dashboard.pbx.readers.asterisk.manager import RIGHTS, AbsentError, Ami, DeniedError, logged_in
from dashboard.pbx.readers.asterisk.manager_connection import LIMITS, UNHARMED, ManagerTimeouts, Where
from dashboard.pbx.readers.asterisk.pbx import DIALPLAN, FILES, Pbx
from dashboard.pbx.readers.asterisk.trunks import PLAIN, URIS, keep_pjsip
from dashboard.pbx.readers.config_folder import Folder
from dashboard.pbx.readers.facts import Place, together
from dashboard.pbx.readers.hosts import host_of
from dashboard.pbx.readers.secrets import NamesOf, Secret, is_secret_name
from dashboard.sip import Trunk

SCHEME = "ami"
USER = "TRUNKGATE_AMI_USER"
SECRET = "TRUNKGATE_AMI_SECRET"  # noqa: S105 - the name of an environment variable
MOST_ENDPOINTS = 200
"""Maximum number of endpoints to the carrier that are absent from all files and requested individually."""
PJSIP = "pjsip.conf"
MOST_SAID = 20
LONGEST_NAME = 120
MOST_VARIABLES = 50
KINDS = {
    "EndpointDetail": "endpoint",
    "AorDetail": "aor",
    "IdentifyDetail": "identify",
    "TransportDetail": "transport",
    "AuthDetail": "auth",
    "OutboundRegistrationDetail": "registration",
}
"""Section type in a file, by AMI event."""
REGISTRATIONS = "PJSIPShowRegistrationsOutbound"
_STEP = frozenset({"Context", "Extension", "Priority", "Application", "AppData", "IncludeContext"})
_VARIABLE = re.compile(r"\$\{(?!EXTEN\b|ARG\d)([A-Za-z_]\w*)")
_SETTINGS = {
    "".join(part.capitalize() for part in name.split("_")): name for name in sorted(PLAIN | URIS) if "/" not in name
}
_WANTED = frozenset({"Event", "ObjectName", "Contacts", "OutboundAuths", "Password", "Md5Cred", *_SETTINGS})


def read_address(
    address: str, secrets: Mapping[str, str], trunk: Trunk, limits: ManagerTimeouts = LIMITS
) -> ReaderResult:
    """
    Read a running Asterisk; see ``pbx.sources`` for the reader interface.

    Args:
        address: ``ami://HOST:PORT/NAME``.
        secrets: User and secret, by the names of their environment variables.
        trunk: The account's trunk.
        limits: Time and size limits.

    Raises:
        SettingsError: The user or the secret is not set.
        InputError: The address is invalid.
        SourceError: Asterisk is unreachable, denies access, or sends an invalid response.
    """
    user = secrets.get(USER, "")
    secret = secrets.get(SECRET, "")
    if not user or not secret:
        raise SettingsError(f"Set {USER} and {SECRET} to a user of manager.conf with write = {RIGHTS}.")
    where = Where.of(address)
    pbx = Pbx(where.name, Place(str(where), 0), trunk)
    with logged_in(where, user, secret, limits) as ami:
        configs = {file: config for file in FILES if (config := _config(ami, file))}
        _add_dialplan(ami, configs)
        try:
            _add_loaded(ami, configs, trunk)
        except DeniedError:
            reason = f"The user may not ask what PJSIP has loaded. Give it write = {RIGHTS} in manager.conf."
            pbx.found.problems.append(Problem(f"{where} PJSIPShowEndpoints", None, "", reason))
    if not configs:
        raise SourceAnswerError(f"{where}: It has none of {', '.join(FILES)}. {UNHARMED} See its astetcdir.")
    pbx.configure(configs)
    return together([pbx.found], trunk)


def _config(ami: Ami, file: str) -> Config | None:
    """Read one of Asterisk's files on disk; return ``None`` if it does not exist."""
    config = _empty(file)
    place = Place("", 0)
    try:
        for key, value in ami.config(file):
            kind = key.partition("-")[0]
            if kind == "Category":
                place = _place(ami, f"GetConfig {file} [{value}]")
                config.begin(value, place)
            elif kind == "IsTemplate" and config.sections:
                config.sections[-1].template = True
            elif kind == "Line":
                name, _, rest = value.partition("=")
                config.take(name, rest, place)
    except AbsentError:
        return None
    return config


def _add_dialplan(ami: Ami, configs: dict[str, Config]) -> None:
    """Add the loaded dialplan if no file has one: it may be written in another language or come from a database."""
    written = configs.get(DIALPLAN)
    if written and any(one.name == "exten" for section in written.sections for one in section.settings):
        return
    config = _empty(DIALPLAN)
    named: dict[str, None] = {}
    try:
        for event in ami.events("ShowDialPlan", _STEP):
            place = _place(ami, f"ShowDialPlan {event.get('Context', '')}")
            if not config.sections or config.sections[-1].place != place:
                config.begin(event.get("Context", ""), place)
            if "IncludeContext" in event:
                config.take("include", event["IncludeContext"], place)
            elif "Application" in event:
                step = f"{event['Application']}({event.get('AppData', '')})"
                config.take("exten", f"{event.get('Extension', '')},{event.get('Priority', '')},{step}", place)
                for kept in config.sections[-1].settings[-1:]:
                    named |= dict.fromkeys(_VARIABLE.findall(kept.value))
    except AbsentError:
        return
    if config.sections:
        configs[DIALPLAN] = config
        _add_globals(ami, config, [name for name in named if not is_secret_name(name, NamesOf.ASTERISK)])


def _add_globals(ami: Ami, config: Config, names: list[str]) -> None:
    """Add the values of the global variables used in steps, up to ``MOST_VARIABLES``."""
    place = _place(ami, "Getvar")
    config.begin(GLOBALS, place)
    try:
        for name in names[:MOST_VARIABLES]:
            if value := ami.value(name):
                config.take(name, value, place)
    except DeniedError:
        reason = f"The user may not ask for variables, so some dial strings stay open. Give it write = {RIGHTS}."
        config.problems.append(Problem(place.file, None, "", reason))


def _add_loaded(ami: Ami, configs: dict[str, Config], trunk: Trunk) -> None:
    """Add loaded PJSIP endpoints to the carrier that are absent from all files; report endpoints not loaded."""
    loaded = {one["ObjectName"]: one for one in _events(ami, "PJSIPShowEndpoints") if "ObjectName" in one}
    written = {name: place for config in configs.values() for name, place in _endpoints(config).items()}
    more = [name for name, one in loaded.items() if name not in written and _may_be_carrier(one, trunk)]
    if more:
        config = configs.setdefault(PJSIP, _empty(PJSIP))
        asked = frozenset(more[:MOST_ENDPOINTS])
        transports = _transports(config)
        if len(more) > len(asked):
            reason = f"More than {MOST_ENDPOINTS} endpoints to the carrier stand in no file; the rest was left out."
            config.problems.append(Problem(f"{ami.where} PJSIPShowEndpoints", None, "", reason))
        for name in more[:MOST_ENDPOINTS]:
            for event in _events(ami, "PJSIPShowEndpoint", Endpoint=name):
                _take(config, event, name, _place(ami, f"PJSIPShowEndpoint {name}"), transports)
        for event in _events(ami, REGISTRATIONS):
            if event.get("Endpoint") in asked:
                place = _place(ami, f"{REGISTRATIONS} {event.get('ObjectName', '')}")
                _take(config, event, event["Endpoint"], place, transports)
    for name, place in [(name, place) for name, place in written.items() if name not in loaded][:MOST_SAID]:
        reason = f"The endpoint {name[:80]!r} is in the file and not loaded. Reload PJSIP, or see its log."
        configs[PJSIP if PJSIP in configs else next(iter(configs))].problems.append(
            Problem(place.file, None, "", reason)
        )


def _events(ami: Ami, action: str, **fields: str) -> list[Mapping[str, str]]:
    """Return the events of a list action; empty if the list is empty or the module is not loaded."""
    try:
        return list(ami.events(action, _WANTED, **fields))
    except AbsentError:
        return []


def _transports(config: Config) -> set[str]:
    """Return the names of a configuration's transports."""
    return {one.name for one in config.sections if one.get("type") == "transport"}


def _take(config: Config, event: Mapping[str, str], endpoint: str, place: Place, transports: set[str]) -> None:
    """Add an event as the equivalent section of a file; add each transport only once."""
    kind = KINDS.get(event.get("Event", ""))
    name = event.get("ObjectName", endpoint)
    if kind is None or (kind == "transport" and name in transports):
        return
    if kind == "transport":
        transports.add(name)
    config.begin(name, place)
    config.take("type", kind, place)
    if kind == "auth" and {"Password", "Md5Cred"} & set(event):
        config.secrets[place] = Secret.UNKNOWN
    for header, setting in _SETTINGS.items():
        if header in event and setting != "type":
            value = event[header]
            config.take(setting, ",".join(map(_network, value.split(","))) if setting == "match" else value, place)
    if kind == "identify":
        config.take("endpoint", endpoint, place)
    for contact in event.get("Contacts", "").split(",") if kind == "aor" else ():
        config.take("contact", contact.partition("/")[2], place)


def _endpoints(config: Config) -> dict[str, Place]:
    """Return the endpoints of a configuration with their locations, by name."""
    return {one.name: one.place for one in config.live() if one.get("type").lower() in ("endpoint", "wizard")}


def _may_be_carrier(endpoint: Mapping[str, str], trunk: Trunk) -> bool:
    """Return whether a listed endpoint has a contact at the carrier."""
    contacts = endpoint.get("Contacts", "").split(",")
    return any(trunk.is_carrier(host_of(one.partition("/")[2])) for one in contacts)


def _network(text: str) -> str:
    """Return a network in the notation of files; Asterisk sends the mask in dotted form."""
    try:
        network = ip_network(text.strip())
    except ValueError:
        return text.strip()
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _place(ami: Ami, asked: str) -> Place:
    """Return the location for an AMI request, without unprintable characters."""
    return Place(f"{ami.where} {''.join(filter(str.isprintable, asked[:LONGEST_NAME]))}", 0)


def _empty(file: str) -> Config:
    return Config(Folder("", {}), "", FILES.get(file, keep_pjsip))
