"""The environment, read once. Secrets live here and nowhere else."""

from __future__ import annotations

from functools import cached_property
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from dashboard.errors import SettingsError

FLOWROUTE_URL = "https://api.flowroute.com"
LONGEST_S = 3650 * 86400
"""Ten years: no age or pause is longer."""
SHORTEST_KEY = 16
"""Characters of a key that signs anchors."""
NARROW_ENOUGH = 8
"""No provider has a network wider than that; 0.0.0.0/0 would let private addresses pass for public."""


class Settings(BaseSettings):
    """
    What the operator may set, each by the environment variable of the same name.

    Seconds, days and counts carry their unit in the name. ``Settings.read()`` is the door that
    turns a wrong value into a sentence.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_prefix="TRUNKGATE_")

    home: Path = Field(default_factory=lambda: user_data_path("trunkgate", appauthor=False))
    """State folder (``TRUNKGATE_HOME``). One account per home."""

    flowroute_base_url: str = Field(default="", validation_alias="FLOWROUTE_BASE_URL")
    flowroute_access_key: SecretStr = Field(default=SecretStr(""), validation_alias="FLOWROUTE_ACCESS_KEY")
    flowroute_secret_key: SecretStr = Field(default=SecretStr(""), validation_alias="FLOWROUTE_SECRET_KEY")

    netbox_token: SecretStr = Field(default=SecretStr(""))
    """API token of the NetBox that the inventory is read from."""

    ami_user: SecretStr = Field(default=SecretStr(""))
    ami_secret: SecretStr = Field(default=SecretStr(""))
    """Of the Asterisk Manager Interface of running PBXs."""

    journal_key: SecretStr = Field(default=SecretStr(""))
    """Signs the anchors of the journal (HMAC-SHA256), so that nobody without it can rewrite journal and anchors."""

    journal_syslog: str = ""
    """Where each head of the journal is sent too: path of a socket such as ``/dev/log``, or HOST:PORT for UDP."""

    inventory_sources: str = ""
    """Running systems that the page Inventory can read, by address, comma separated; no token stands in one."""

    public_ranges: str = ""
    """Networks to treat as public, comma separated. The sample account adds the documentation ranges."""

    window_days: int = Field(default=30, ge=1, le=92)
    """Days of calls that checks, plans and pages look back on."""

    history_days: int = Field(default=30, ge=1, le=92)
    """Days of calls the first sync asks for."""

    keep_calls_days: int | None = Field(default=None, ge=93, le=3650)
    """Days after which single calls go away and only their roll-up stays; never where not set."""

    silent_days: int = Field(default=28, ge=1, le=365)
    """An allowed address without a call for this long is silent: four whole weeks see every hour of a week."""

    calls_stale_s: int = Field(default=2 * 3600, ge=60, le=LONGEST_S)
    allowed_ips_stale_s: int = Field(default=7 * 86400, ge=60, le=LONGEST_S)
    inventory_stale_s: int = Field(default=30 * 86400, ge=60, le=LONGEST_S)

    pbx_records_stale_s: int = Field(default=7 * 86400, ge=60, le=LONGEST_S)
    """Age of a PBX's newest own record from which on nothing is concluded from its records."""

    calls_settle_s: int = Field(default=3600, ge=0, le=LONGEST_S)
    """How long after its end a call may be missing from the carrier's CDRs without meaning anything."""

    sync_every_s: float = Field(default=900.0, ge=1, le=LONGEST_S)
    """Pause between two syncs of ``serve``; on the embedded account ``embedded_sync_every_s`` counts."""

    embedded_sync_every_s: float = Field(default=10.0, ge=1, le=LONGEST_S)
    sync_again_hours: int = Field(default=48, ge=1, le=92 * 24)
    """Exports select by call start, so this many last hours are fetched again."""

    max_changes: int = Field(default=25, ge=1, le=1000)
    """The largest fix: one press of a button changes no more than this many things."""

    sample_calls: int = Field(default=50_000, ge=0, le=100_000_000)
    """Calls in the history of a sample account when it is made."""

    sample_refusals_in_cdrs: bool = True
    """Whether refused calls leave a CDR on a sample account that is made; the real carrier's way is not known."""

    sample_without: str = ""
    """Stories to leave out of a sample account when it is made, comma separated, such as ``dynamic``."""

    live_calls_per_s: float = Field(default=0.5, ge=0, le=1000)
    """Live traffic of the embedded account while ``serve`` runs."""

    @field_validator("public_ranges")
    @classmethod
    def _networks(cls, text: str) -> str:
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            try:
                network = ip_network(part)
            except ValueError as exc:
                raise ValueError(f"{part} is not a network in CIDR form, such as 203.0.113.0/24") from exc
            if network.prefixlen < NARROW_ENOUGH:
                raise ValueError(f"{part} is wider than a /{NARROW_ENOUGH}: private addresses would pass as public")
        return text

    @field_validator("journal_key")
    @classmethod
    def _journal_key(cls, key: SecretStr) -> SecretStr:
        text = key.get_secret_value().strip()
        if text and len(text) < SHORTEST_KEY:
            raise ValueError(f"it is shorter than {SHORTEST_KEY} characters, so it can be guessed")
        return SecretStr(text)

    @field_validator("journal_syslog")
    @classmethod
    def _syslog(cls, address: str) -> str:
        host, _, port = address.partition(":")
        if address and not address.startswith("/") and (not host or (port and not port.isdecimal())):
            raise ValueError("it is neither the path of a socket, such as /dev/log, nor HOST or HOST:PORT")
        return address

    @field_validator("inventory_sources")
    @classmethod
    def _sources(cls, text: str) -> str:
        for number, part in enumerate(filter(None, (piece.strip() for piece in text.split(","))), start=1):
            scheme, found, rest = part.partition("://")
            if not (scheme and found and rest) or "@" in rest.partition("/")[0]:
                raise ValueError(
                    f"number {number} is not an address such as netbox+https://netbox.example.net/ with no user in it"
                )
        return text

    @field_validator("ami_user", "ami_secret")
    @classmethod
    def _one_line(cls, secret: SecretStr) -> SecretStr:
        text = secret.get_secret_value().strip("\r\n")
        if not text.isprintable():
            raise ValueError("it holds a character that cannot be seen; copy it again")
        return SecretStr(text)

    @field_validator("flowroute_access_key", "flowroute_secret_key", "netbox_token")
    @classmethod
    def _key(cls, key: SecretStr) -> SecretStr:
        text = key.get_secret_value().strip()
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise ValueError("it holds a character that no key has; copy it again")
        return SecretStr(text)

    @field_validator("flowroute_base_url")
    @classmethod
    def _address(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            named = not url or (parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0)
        except ValueError:
            named = False
        if not named:
            raise ValueError("it is not an address such as https://api.flowroute.com")
        return url

    @classmethod
    def read(cls) -> Settings:
        """
        Read the environment.

        Raises:
            SettingsError: A variable holds something that cannot be used; it is named.
        """
        try:
            settings = cls()
        except ValidationError as exc:
            faults = "; ".join(f"{_variable(e['loc'])}: {e['msg']}" for e in exc.errors(include_input=False))
            raise SettingsError(f"A setting cannot be used. {faults}.") from None
        if bool(settings.flowroute_access_key.get_secret_value()) != bool(
            settings.flowroute_secret_key.get_secret_value()
        ):
            raise SettingsError("Set both FLOWROUTE_ACCESS_KEY and FLOWROUTE_SECRET_KEY, or neither.")
        if settings.flowroute_base_url and settings.embedded:
            raise SettingsError(
                "FLOWROUTE_BASE_URL is set without FLOWROUTE_ACCESS_KEY and FLOWROUTE_SECRET_KEY. "
                "Set the keys too, or unset the address to use the embedded account."
            )
        return settings

    @cached_property
    def embedded(self) -> bool:
        """True where no key is set, so the embedded account (the emulator) is used."""
        return not self.flowroute_access_key.get_secret_value()

    @cached_property
    def base_url(self) -> str:
        """Origin of the Flowroute API that a key is for, without a slash at the end."""
        return (self.flowroute_base_url or FLOWROUTE_URL).rstrip("/")

    @cached_property
    def host(self) -> str:
        """Host of ``base_url``."""
        return urlsplit(self.base_url).hostname or ""

    @cached_property
    def on_loopback(self) -> bool:
        """True where ``base_url`` is on this machine: an emulator, so its portal can be asked too."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def source_secrets(self) -> dict[str, str]:
        """What running systems ask for, in clear, by the name of its environment variable; never to be kept."""
        secrets = (("netbox_token", self.netbox_token), ("ami_user", self.ami_user), ("ami_secret", self.ami_secret))
        return {_variable((name,)): secret.get_secret_value() for name, secret in secrets}

    @cached_property
    def running_sources(self) -> tuple[str, ...]:
        """``inventory_sources`` as addresses."""
        return tuple(filter(None, (piece.strip() for piece in self.inventory_sources.split(","))))

    @cached_property
    def treated_as_public(self) -> tuple[str, ...]:
        """``public_ranges`` as CIDR texts."""
        return tuple(filter(None, (piece.strip() for piece in self.public_ranges.split(","))))

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """``sample_without`` as names of stories."""
        return tuple(filter(None, (piece.strip() for piece in self.sample_without.split(","))))


def _variable(place: tuple[int | str, ...]) -> str:
    """Return the environment variable that a fault of the settings is about."""
    name = str(place[0]) if place else ""
    return name if name.isupper() else f"TRUNKGATE_{name.upper()}"
