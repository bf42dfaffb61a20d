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
from dashboard.core.text import one_line, quoted
from dashboard.pbx.inventory.rows import Problem, ReaderResult
from dashboard.pbx.readers.asterisk.conf_grammar import GLOBALS, Config
from dashboard.pbx.readers.asterisk.manager import RIGHTS, AbsentError, Ami, DeniedError, logged_in
from dashboard.pbx.readers.asterisk.manager_connection import LIMITS, UNHARMED, ManagerTimeouts, Where
from dashboard.pbx.readers.asterisk.pbx import DIALPLAN, FILES, Pbx
from dashboard.pbx.readers.asterisk.trunks import PLAIN, URIS, keep_pjsip
from dashboard.pbx.readers.config_folder import Folder
from dashboard.pbx.readers.facts import Place, combine
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
    endpoint = Where.of(address)
    pbx = Pbx(endpoint.name, Place(str(endpoint), 0), trunk)
    with logged_in(endpoint, user, secret, limits) as ami:
        configs = {file: config for file in FILES if (config := _config(ami, file))}
        _add_dialplan(ami, configs)
        try:
            _add_loaded(ami, configs, trunk)
        except DeniedError:
            reason = f"The user may not ask what PJSIP has loaded. Give it write = {RIGHTS} in manager.conf."
            pbx.found.problems.append(Problem(f"{endpoint} PJSIPShowEndpoints", None, "", reason))
    if not configs:
        raise SourceAnswerError(f"{endpoint}: It has none of {', '.join(FILES)}. {UNHARMED} See its astetcdir.")
    pbx.configure(configs)
    return combine([pbx.found], trunk)


def _config(ami: Ami, file: str) -> Config | None:
    """Read one of Asterisk's files on disk; return ``None`` if it does not exist."""
    config = _empty(file)
    location = Place("", 0)
    try:
        for key, value in ami.config(file):
            kind = key.partition("-")[0]
            if kind == "Category":
                location = _request_location(ami, f"GetConfig {file} [{value}]")
                config.begin(value, location)
            elif kind == "IsTemplate" and config.sections:
                config.sections[-1].template = True
            elif kind == "Line":
                name, _, line_value = value.partition("=")
                config.take(name, line_value, location)
    except AbsentError:
        return None
    return config


def _add_dialplan(ami: Ami, configs: dict[str, Config]) -> None:
    """Add the loaded dialplan if no file has one: it may be written in another language or come from a database."""
    written = configs.get(DIALPLAN)
    if written and any(
        written_setting.name == "exten" for section in written.sections for written_setting in section.settings
    ):
        return
    config = _empty(DIALPLAN)
    variables: dict[str, None] = {}
    try:
        for event in ami.events("ShowDialPlan", _STEP):
            location = _request_location(ami, f"ShowDialPlan {event.get('Context', '')}")
            if not config.sections or config.sections[-1].place != location:
                config.begin(event.get("Context", ""), location)
            if "IncludeContext" in event:
                config.take("include", event["IncludeContext"], location)
            elif "Application" in event:
                step = f"{event['Application']}({event.get('AppData', '')})"
                config.take("exten", f"{event.get('Extension', '')},{event.get('Priority', '')},{step}", location)
                for setting in config.sections[-1].settings[-1:]:
                    variables |= dict.fromkeys(_VARIABLE.findall(setting.value))
    except AbsentError:
        return
    if config.sections:
        configs[DIALPLAN] = config
        _add_globals(ami, config, [name for name in variables if not is_secret_name(name, NamesOf.ASTERISK)])


def _add_globals(ami: Ami, config: Config, names: list[str]) -> None:
    """Add the values of the global variables used in steps, up to ``MOST_VARIABLES``."""
    location = _request_location(ami, "Getvar")
    config.begin(GLOBALS, location)
    try:
        for name in names[:MOST_VARIABLES]:
            if value := ami.value(name):
                config.take(name, value, location)
    except DeniedError:
        reason = f"The user may not ask for variables, so some dial strings stay open. Give it write = {RIGHTS}."
        config.problems.append(Problem(location.file, None, "", reason))


def _add_loaded(ami: Ami, configs: dict[str, Config], trunk: Trunk) -> None:
    """Add loaded PJSIP endpoints to the carrier that are absent from all files; report endpoints not loaded."""
    loaded = {
        event_fields["ObjectName"]: event_fields
        for event_fields in _events(ami, "PJSIPShowEndpoints")
        if "ObjectName" in event_fields
    }
    written = {name: location for config in configs.values() for name, location in _endpoints(config).items()}
    unwritten = [
        name for name, event_fields in loaded.items() if name not in written and _may_be_carrier(event_fields, trunk)
    ]
    if unwritten:
        config = configs.setdefault(PJSIP, _empty(PJSIP))
        requested = frozenset(unwritten[:MOST_ENDPOINTS])
        transports = _transports(config)
        if len(unwritten) > len(requested):
            reason = f"More than {MOST_ENDPOINTS} endpoints to the carrier stand in no file; the rest was left out."
            config.problems.append(Problem(f"{ami.where} PJSIPShowEndpoints", None, "", reason))
        for name in unwritten[:MOST_ENDPOINTS]:
            for event in _events(ami, "PJSIPShowEndpoint", Endpoint=name):
                _add_event(config, event, name, _request_location(ami, f"PJSIPShowEndpoint {name}"), transports)
        for event in _events(ami, REGISTRATIONS):
            if event.get("Endpoint") in requested:
                location = _request_location(ami, f"{REGISTRATIONS} {event.get('ObjectName', '')}")
                _add_event(config, event, event["Endpoint"], location, transports)
    for name, location in [(name, location) for name, location in written.items() if name not in loaded][:MOST_SAID]:
        reason = f"The endpoint {quoted(name)} is in the file and not loaded. Reload PJSIP, or see its log."
        configs[PJSIP if PJSIP in configs else next(iter(configs))].problems.append(
            Problem(location.file, None, "", reason)
        )


def _events(ami: Ami, action: str, **fields: str) -> list[Mapping[str, str]]:
    """Return the events of a list action; empty if the list is empty or the module is not loaded."""
    try:
        return list(ami.events(action, _WANTED, **fields))
    except AbsentError:
        return []


def _transports(config: Config) -> set[str]:
    """Return the names of a configuration's transports."""
    return {section.name for section in config.sections if section.get("type") == "transport"}


def _add_event(config: Config, event: Mapping[str, str], endpoint: str, location: Place, transports: set[str]) -> None:
    """Add an event as the equivalent section of a file; add each transport only once."""
    kind = KINDS.get(event.get("Event", ""))
    name = event.get("ObjectName", endpoint)
    if kind is None or (kind == "transport" and name in transports):
        return
    if kind == "transport":
        transports.add(name)
    config.begin(name, location)
    config.take("type", kind, location)
    if kind == "auth" and {"Password", "Md5Cred"} & set(event):
        config.secrets[location] = Secret.UNKNOWN
    for header, setting in _SETTINGS.items():
        if header in event and setting != "type":
            value = event[header]
            config.take(setting, ",".join(map(_network, value.split(","))) if setting == "match" else value, location)
    if kind == "identify":
        config.take("endpoint", endpoint, location)
    for contact in event.get("Contacts", "").split(",") if kind == "aor" else ():
        config.take("contact", contact.partition("/")[2], location)


def _endpoints(config: Config) -> dict[str, Place]:
    """Return the endpoints of a configuration with their locations, by name."""
    return {
        section.name: section.place
        for section in config.live()
        if section.get("type").lower() in ("endpoint", "wizard")
    }


def _may_be_carrier(endpoint: Mapping[str, str], trunk: Trunk) -> bool:
    """Return whether a listed endpoint has a contact at the carrier."""
    contacts = endpoint.get("Contacts", "").split(",")
    return any(trunk.is_carrier(host_of(contact.partition("/")[2])) for contact in contacts)


def _network(text: str) -> str:
    """Return a network in the notation of files; Asterisk sends the mask in dotted form."""
    try:
        network = ip_network(text.strip())
    except ValueError:
        return text.strip()
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _request_location(ami: Ami, request: str) -> Place:
    """Return the location for an AMI request, without unprintable characters."""
    return Place(f"{ami.where} {one_line(request, LONGEST_NAME)}", 0)


def _empty(file: str) -> Config:
    return Config(Folder("", {}), "", FILES.get(file, keep_pjsip))
