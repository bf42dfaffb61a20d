"""
Settings: one table of all variables, read once. This module is the only one that holds secrets.

A value comes from the environment, else from ``$TRUNKGATE_HOME/config.toml`` (mode 0600; its keys are the
names of the fields, such as ``window_days``), else it is the default. Nothing is read from the working directory.
The fields of ``Settings`` and ``INTERNAL`` form the table: to add a variable, add one line here.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import Field, SecretStr, TypeAdapter, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from dashboard.core.endpoints import is_loopback, key_origin, syslog_target
from dashboard.core.errors import SettingsError
from dashboard.core.regular_files import NESTED
from dashboard.core.setting_faults import SWITCH, sentence
from dashboard.core.stories import STORIES
from dashboard.core.text import quoted

PREFIXES = ("TRUNKGATE_", "FLOWROUTE_")
"""Prefixes of the names of all variables that are read."""

SYNCED_BY = "TRUNKGATE_SYNCED_BY"
TRACEBACK = "TRUNKGATE_TRACEBACK"
EMULATOR_ACCESS_KEY = "TRUNKGATE_EMULATOR_ACCESS_KEY"
EMULATOR_SECRET_KEY = "TRUNKGATE_EMULATOR_SECRET_KEY"  # noqa: S105 - the name of a variable, not its value

INTERNAL = {
    SYNCED_BY: "Set by `trunkgate serve` for its pages: another process syncs this home.",
    TRACEBACK: "Set by an operator to `1`: print the traceback of an internal error of trunkgate.",
    EMULATOR_ACCESS_KEY: "Set by the process that starts the embedded account: its access key.",
    EMULATOR_SECRET_KEY: "Set by the process that starts the embedded account: its secret key.",
    "TRUNKGATE_SCREENSHOTS": "Set by `make screenshots`: the folder that the browser tests write pictures to.",
}
"""Variables that are not settings: parts of trunkgate and its tests pass them on. ``config.toml`` rejects them."""

CONFIG_FILE = "config.toml"
FLOWROUTE_URL = "https://api.flowroute.com"
LONGEST_S = 3650 * 86400
"""Upper limit of ages and intervals: ten years."""
SHORTEST_KEY = 16
"""Minimum length in characters of the key that signs anchors."""
NARROW_ENOUGH = 8
"""Minimum prefix length: no provider has a wider network; 0.0.0.0/0 would make private addresses count as public."""


_SWITCH: TypeAdapter[bool] = TypeAdapter(bool)


def _default_home() -> Path:
    return user_data_path("trunkgate", appauthor=False)


def _expanded(home: str | Path) -> Path:
    """
    Return the path of a home with ``~`` expanded.

    Raises:
        ValueError: The path is blank, or ``~`` cannot be expanded; the message continues the setting's name.
    """
    if not str(home).strip():
        raise ValueError("is blank; it must be the path of a folder")
    try:
        return Path(home).expanduser()
    except RuntimeError:
        raise ValueError(f"is {home}, and no such user has a home folder; write the whole path") from None


class Mode(StrEnum):
    """Kind of account that a home belongs to, and how the account is read."""

    EMBEDDED = "embedded"
    """The sample account that the emulator serves; no key."""
    FLOWROUTE = "flowroute"
    """A real account, read by API key."""
    FILES = "files"
    """A real account without an API key: imported call files, a pasted allow list, an inventory."""


class ConfigFile(PydanticBaseSettingsSource):
    """Settings source for the home's ``config.toml``; the environment takes precedence."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - signature of the base class
        """Return no value: ``__call__`` returns all values at once."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """
        Return the values of the file by the names that the model accepts; empty if there is no file.

        Raises:
            SettingsError: The file is not private, is not TOML, or has an unknown key.
        """
        try:
            home = _expanded(self.current_state.get("home") or _default_home())
        except ValueError:
            return {}  # the model reports the same fault
        values = _read_config(home / CONFIG_FILE)
        return {_alias_of(name): value for name, value in values.items() if value != ""}


class Settings(BaseSettings):
    """
    Settings of the operator, each an environment variable or the key of the same name in ``config.toml``.

    Names of durations end in their unit. An empty value counts as not set. Use ``Settings.read()``: it turns an
    invalid value into a sentence for the operator, so the message of each validator continues the setting's name.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_prefix="TRUNKGATE_",
        env_file=None,
        env_ignore_empty=True,
        allow_inf_nan=False,
    )

    home: Path = Field(default_factory=_default_home)
    """Folder that holds the state of one account."""

    account: Mode | None = None
    """
    Kind of account: the sample account, a Flowroute account read by API key, or imported files. When not set, the kind
    that the home remembers, else ``flowroute`` where an API key is set, else ``embedded``.
    """
    accept_open_home: bool = False
    """
    Accept a home whose file system keeps no permissions, so that other users of the machine may be able to read it.
    """

    flowroute_base_url: str = Field(default="", validation_alias="FLOWROUTE_BASE_URL")
    """
    Address of another API than ``https://api.flowroute.com``. An address on loopback is taken for an emulator, so its
    portal is read too.
    """

    flowroute_access_key: SecretStr = Field(default=SecretStr(""), validation_alias="FLOWROUTE_ACCESS_KEY")
    """Access key of the Flowroute API; set it together with the secret key."""

    flowroute_secret_key: SecretStr = Field(default=SecretStr(""), validation_alias="FLOWROUTE_SECRET_KEY")
    """Secret key of the Flowroute API; set it together with the access key."""

    netbox_token: SecretStr = Field(default=SecretStr(""))
    """API token of the NetBox that the inventory is read from; permission to view is enough."""

    ami_user: SecretStr = Field(default=SecretStr(""))
    """User of the Asterisk Manager Interface (AMI), to read a running Asterisk."""

    ami_secret: SecretStr = Field(default=SecretStr(""))
    """
    Secret of the AMI user. ``ami://`` sends it, and the answers with SIP passwords, in clear text: use it in a trusted
    network only, else ``ami+tls://``.
    """

    journal_key: SecretStr = Field(default=SecretStr(""))
    """
    Key that signs the anchors of the journal (HMAC-SHA256), 16 characters or more: without it nobody can rewrite the
    journal and its anchors unnoticed.
    """

    journal_syslog: str = ""
    """
    Syslog target that also receives each head of the journal: the path of a socket such as ``/dev/log``, or
    ``HOST:PORT`` for UDP.
    """

    inventory_sources: str = ""
    """
    Addresses of running systems that the page Inventory can read, comma separated, such as
    ``netbox+https://netbox.example.net/``; without user names and tokens.
    """

    public_ranges: str = ""
    """
    Networks in CIDR notation to treat as public, comma separated, none wider than a /8. The sample account adds the
    documentation ranges.
    """

    window_days: int = Field(default=30, ge=1, le=92)
    """Days of calls that checks, plans and pages cover."""

    history_days: int = Field(default=30, ge=1, le=92)
    """Days of calls that the first sync fetches."""

    keep_calls_days: int | None = Field(default=None, ge=93, le=3650)
    """Days after which single calls are deleted and only their sums are kept. When not set, calls are kept forever."""

    silent_days: int = Field(default=28, ge=1, le=365)
    """Days without a call after which an allowed address counts as unused; four weeks cover every hour of a week."""

    calls_stale_s: int = Field(default=2 * 3600, ge=60, le=LONGEST_S)
    """Age in seconds after which fetched calls, and numbers and inbound routes, are stale."""

    files_stale_s: int = Field(default=2 * 86400, ge=60, le=LONGEST_S)
    """Age in seconds of the latest imported call after which calls are stale in mode ``files``."""

    allowed_ips_stale_s: int = Field(default=7 * 86400, ge=60, le=LONGEST_S)
    """Age in seconds after which the list of allowed IPs and the state of the SIP credentials are stale."""

    inventory_stale_s: int = Field(default=30 * 86400, ge=60, le=LONGEST_S)
    """Age in seconds after which the inventory and the configurations of PBXs are stale."""

    pbx_records_stale_s: int = Field(default=7 * 86400, ge=60, le=LONGEST_S)
    """Age in seconds of a PBX's newest own call record after which nothing is concluded from its records."""

    calls_settle_s: int = Field(default=3600, ge=0, le=LONGEST_S)
    """Seconds that the carrier may take to write the CDR of a call that has ended."""

    sync_every_s: float = Field(default=900.0, ge=1, le=LONGEST_S)
    """Seconds between two syncs of ``trunkgate serve``, except on the embedded account."""

    embedded_sync_every_s: float = Field(default=10.0, ge=1, le=LONGEST_S)
    """Seconds between two syncs of ``trunkgate serve`` on the embedded account."""

    sync_again_hours: int = Field(default=48, ge=1, le=92 * 24)
    """Hours that each sync fetches again: an export selects calls by their start, and a call ends later."""

    max_changes: int = Field(default=25, ge=1, le=1000)
    """Largest number of changes that one fix may make."""

    sample_calls: int = Field(default=50_000, ge=0, le=100_000_000)
    """Number of calls in the history of a sample account when it is created."""

    sample_refusals_in_cdrs: bool = True
    """Whether rejected calls leave a CDR on a sample account that is created."""

    sample_without: str = ""
    """Stories to leave out of a sample account when it is created, comma separated, such as ``dynamic``."""

    live_calls_per_s: float = Field(default=0.5, ge=0, le=1000)
    """Calls per second of live traffic on the embedded account while ``trunkgate serve`` runs."""

    @field_validator("home")
    @classmethod
    def _home(cls, home: Path) -> Path:
        return _expanded(home)

    @field_validator("sample_without")
    @classmethod
    def _stories(cls, text: str) -> str:
        strange = [part for part in _parts(text) if part not in STORIES]
        if strange:
            raise ValueError(
                f"names no story of the sample account: {', '.join(map(quoted, strange))}. It has {', '.join(STORIES)}"
            )
        return text

    @field_validator("public_ranges")
    @classmethod
    def _networks(cls, text: str) -> str:
        for part in _parts(text):
            try:
                network = ip_network(part)
            except ValueError as exc:
                raise ValueError(
                    f"has {quoted(part)}, which is not a network in CIDR form, such as 203.0.113.0/24"
                ) from exc
            if network.prefixlen < NARROW_ENOUGH:
                raise ValueError(
                    f"has {part}, which is wider than a /{NARROW_ENOUGH}: private addresses would pass as public"
                )
        return text

    @field_validator("journal_key")
    @classmethod
    def _journal_key(cls, key: SecretStr) -> SecretStr:
        text = key.get_secret_value().strip()
        if text and len(text) < SHORTEST_KEY:
            raise ValueError(f"is shorter than {SHORTEST_KEY} characters, so it can be guessed")
        return SecretStr(text)

    @field_validator("journal_syslog")
    @classmethod
    def _syslog(cls, address: str) -> str:
        address = address.strip()
        if address:
            syslog_target(address)
        return address

    @field_validator("inventory_sources")
    @classmethod
    def _sources(cls, text: str) -> str:
        for number, part in enumerate(_parts(text), start=1):
            scheme, separator, location = part.partition("://")
            if not (scheme and separator and location) or "@" in location.partition("/")[0]:
                raise ValueError(
                    f"is a list whose number {number} is not an address such as netbox+https://netbox.example.net/ "
                    "with no user in it"
                )
        return text

    @field_validator("ami_user", "ami_secret")
    @classmethod
    def _one_line(cls, secret: SecretStr) -> SecretStr:
        text = secret.get_secret_value().strip("\r\n")
        if not text.isprintable():
            raise ValueError("holds a character that cannot be seen; copy it again")
        return SecretStr(text)

    @field_validator("flowroute_access_key", "flowroute_secret_key", "netbox_token")
    @classmethod
    def _key(cls, key: SecretStr) -> SecretStr:
        text = key.get_secret_value().strip()
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise ValueError("holds a character that no key has; copy it again")
        return SecretStr(text)

    @field_validator("flowroute_base_url")
    @classmethod
    def _address(cls, url: str) -> str:
        return key_origin(url.strip()) if url else url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - nothing is read from the working directory
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources in order of precedence: arguments, environment, ``config.toml``."""
        return init_settings, env_settings, ConfigFile(settings_cls)

    @classmethod
    def read(cls) -> Settings:
        """
        Read the environment and ``config.toml``.

        Raises:
            SettingsError: A variable or a key is unknown or has an invalid value; the message names it.
        """
        refuse_unknown(os.environ)
        if _switch(os.environ, TRACEBACK) is None:
            raise SettingsError(f"{TRACEBACK} is {quoted(os.environ[TRACEBACK])}. It must be {SWITCH}.")
        try:
            settings = cls()
        except ValidationError as exc:
            table = variables()
            faults = (
                sentence(_source_of(e["loc"]), cls.model_fields[table[_variable(e["loc"])]], e) for e in exc.errors()
            )
            raise SettingsError(f"A setting cannot be used. {' '.join(faults)}") from None
        if settings.has_key != bool(settings.flowroute_secret_key.get_secret_value()):
            raise SettingsError("Set both FLOWROUTE_ACCESS_KEY and FLOWROUTE_SECRET_KEY, or neither.")
        if settings.account is Mode.FLOWROUTE and not settings.has_key:
            raise SettingsError("TRUNKGATE_ACCOUNT=flowroute needs FLOWROUTE_ACCESS_KEY and FLOWROUTE_SECRET_KEY.")
        if settings.flowroute_base_url and settings.account is None and not settings.has_key:
            raise SettingsError(
                "FLOWROUTE_BASE_URL is set without FLOWROUTE_ACCESS_KEY and FLOWROUTE_SECRET_KEY. "
                "Set the keys too, or unset the address to use the embedded account."
            )
        return settings

    @property
    def has_key(self) -> bool:
        """Whether an API key is set."""
        return bool(self.flowroute_access_key.get_secret_value())

    @property
    def mode(self) -> Mode:
        """Mode of these settings; an existing home may be bound to another (``account_binding.bind_account``)."""
        return self.account or (Mode.FLOWROUTE if self.has_key else Mode.EMBEDDED)

    @property
    def embedded(self) -> bool:
        """Whether the embedded account (the emulator) is used."""
        return self.mode is Mode.EMBEDDED

    @property
    def files(self) -> bool:
        """Whether calls come from imported files only, and nothing is fetched."""
        return self.mode is Mode.FILES

    @cached_property
    def base_url(self) -> str:
        """Origin of the Flowroute API that the key is for, without a trailing slash."""
        return (self.flowroute_base_url or FLOWROUTE_URL).rstrip("/")

    @cached_property
    def host(self) -> str:
        """Host of ``base_url``."""
        return urlsplit(self.base_url).hostname or ""

    @cached_property
    def on_loopback(self) -> bool:
        """Whether ``base_url`` is on this machine: an emulator, so its portal can be read too."""
        return is_loopback(self.base_url)

    @property
    def source_secrets(self) -> dict[str, str]:
        """Credentials of running systems in clear text, by name of the environment variable; never store them."""
        secrets = (("netbox_token", self.netbox_token), ("ami_user", self.ami_user), ("ami_secret", self.ami_secret))
        return {_variable((name,)): secret.get_secret_value() for name, secret in secrets}

    @cached_property
    def running_sources(self) -> tuple[str, ...]:
        """Addresses in ``inventory_sources``."""
        return _parts(self.inventory_sources)

    @cached_property
    def treated_as_public(self) -> tuple[str, ...]:
        """Networks in ``public_ranges``, in CIDR notation."""
        return _parts(self.public_ranges)

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """Names of the stories in ``sample_without``."""
        return _parts(self.sample_without)


def wants_traceback(environment: Mapping[str, str]) -> bool:
    """Return whether an internal error of trunkgate prints its traceback."""
    return _switch(environment, TRACEBACK) is True


def variables() -> dict[str, str]:
    """Return the field name of ``Settings`` by environment variable."""
    return {_variable((_alias_of(name),)): name for name in Settings.model_fields}


def refuse_unknown(environment: Mapping[str, str]) -> None:
    """
    Reject environment variables with one of our prefixes that are not in the table.

    Raises:
        SettingsError: A variable is unknown; the message suggests the nearest name and never shows the value.
    """
    table = [*variables(), *INTERNAL]
    setting_names = sorted(name for name in environment if name.upper().startswith(PREFIXES))
    unknown = [name for name in setting_names if name.upper() not in table]
    if unknown:
        faults = " ".join(f"{name} is not a setting. Did you mean {_nearest(name.upper(), table)}?" for name in unknown)
        raise SettingsError(f"{faults} Correct the name, or unset it.")


def _switch(environment: Mapping[str, str], name: str) -> bool | None:
    """Return the Boolean value of a variable, false if not set; ``None`` if the value is not a Boolean."""
    try:
        return _SWITCH.validate_python(environment.get(name) or "0")
    except ValidationError:
        return None


def _parts(text: str) -> tuple[str, ...]:
    """Return the nonempty parts of a comma-separated text."""
    return tuple(filter(None, (piece.strip() for piece in text.split(","))))


def _nearest(name: str, names: list[str]) -> str:
    return get_close_matches(name, names, n=1, cutoff=0.0)[0]


def _read_config(path: Path) -> dict[str, Any]:
    """Return the keys and values of a settings file; empty if there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # do not block on a pipe
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise SettingsError(f"The settings file {path} is a device or a pipe. Replace it with a text file.")
            content = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as exc:
        raise SettingsError(f"The settings file {path} cannot be read: {exc.strerror}.") from exc
    if os.name == "posix" and stat.S_IMODE(status.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(
            f"The settings file {path} is open to other users (mode {stat.S_IMODE(status.st_mode):04o}), and it may "
            f"hold secrets. Run `chmod 600 {path}`."
        )
    try:
        values = tomllib.loads(content.decode())
    except UnicodeDecodeError:
        raise SettingsError(f"The settings file {path} is not UTF-8 text. Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as exc:
        raise SettingsError(
            f"The settings file {path} is not TOML: {exc}. Write lines such as window_days = 30."
        ) from None
    except RecursionError:
        raise SettingsError(
            f"The settings file {path} is not one of trunkgate: {NESTED}. Write lines such as window_days = 30."
        ) from None
    keys = sorted(set(Settings.model_fields) - {"home"})
    if "home" in values:
        raise SettingsError(f"{path}: home cannot be set here, because the file is in the home. Set TRUNKGATE_HOME.")
    unknown = [name for name in values if name not in keys]
    if unknown:
        faults = " ".join(f"{name} is not a setting. Did you mean {_nearest(name, keys)}?" for name in unknown)
        raise SettingsError(f"{path}: {faults} Correct the name, or remove it.")
    return values


def _alias_of(name: str) -> str:
    """Return the name by which the model accepts a field."""
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else name


def _source_of(location: tuple[int | str, ...]) -> str:
    """Return the source of an invalid value: the environment variable, or the key in ``config.toml``."""
    variable = _variable(location)
    if any(name.upper() == variable and value for name, value in os.environ.items()):
        return variable
    return f"{variables()[variable]} in {CONFIG_FILE} ({variable})"


def _variable(location: tuple[int | str, ...]) -> str:
    """Return the environment variable at the location of a validation error."""
    name = str(location[0]) if location else ""
    return name if name.isupper() else f"TRUNKGATE_{name.upper()}"
