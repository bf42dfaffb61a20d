"""
NetBox reader: devices and virtual machines marked as PBXs by a tag or a custom field, read over the API.

The address is NetBox's URL with the prefix ``netbox+``, such as ``netbox+https://netbox.example.net/?tag=pbx``. Its
options are ``tag`` (default ``pbx``), or ``field``, a custom field that must be true or, as ``NAME:VALUE``, have a
value; and for each of ``FIELDS`` the name of its custom field, if it differs. The token is ``TRUNKGATE_NETBOX_TOKEN``.
Addresses are read as declared, because a register records the intended state. For a PBX behind NAT the outside address
counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from dashboard.core.endpoints import is_loopback
from dashboard.core.errors import InputError, SettingsError, SourceAnswerError
from dashboard.core.text import quoted
from dashboard.pbx.inventory.cells import read_cell
from dashboard.pbx.inventory.ids import pbx_id_of
from dashboard.pbx.inventory.rows import CONFIG_FRAME, InventoryRow, Problem, ReaderResult
from dashboard.pbx.readers.netbox.objects import (
    custom_fields_of,
    host_of,
    id_of,
    in_order,
    is_inside,
    of,
    text_of,
    value_of,
)
from dashboard.pbx.readers.netbox.secrets import is_secret, secrets_of
from dashboard.pbx.readers.secrets import SECRET_PRESENT, NamesOf, is_secret_name
from dashboard.schemas.object_types import ObjectType
from dashboard.sip import Trunk

if TYPE_CHECKING:
    from dashboard.pbx.readers.netbox.session import NetBox

SCHEME = "netbox"
TOKEN = "TRUNKGATE_NETBOX_TOKEN"  # noqa: S105 - the name of the variable, not its value
TAG = "pbx"
FIELDS = (
    "auth_method",
    "dials_prefix",
    "inbound_host",
    "ip_kind",
    "numbers",
    "owner",
    "pbx_id",
    "pop",
    "vendor",
    "x_tag",
)
"""Data read from custom fields of the same name, unless the address specifies another field."""
STATUS: Mapping[str, str] = {
    "active": "active",
    "planned": "standby",
    "staged": "standby",
    "inventory": "standby",
    "offline": "standby",
    "paused": "standby",
    "failed": "standby",
    "decommissioning": "retired",
}
"""Inventory status by NetBox status."""
DYNAMIC = frozenset({"dhcp", "slaac"})
"""NetBox statuses of dynamic addresses."""
VENDORS = ("3CX", "Asterisk", "FreePBX", "FreeSWITCH", "FusionPBX", "Kamailio")
"""Prefixes of platform names that are PBX software; any other platform is an operating system."""
NOT_USED = frozenset({"deprecated", "reserved"})
MOST_PBXS = 5_000
IDS = 50
"""Maximum number of ids in one request."""
_KINDS = (("dcim", "devices", "device_id"), ("virtualization", "virtual_machines", "virtual_machine_id"))
_BETWEEN = re.compile(r"[,;\n]+")


def read_address(address: str, secrets: Mapping[str, str], trunk: Trunk) -> ReaderResult:  # noqa: ARG001 - a register has no data about the carrier
    """
    Read all PBXs from NetBox; see ``pbx.sources`` for the reader interface.

    Raises:
        SettingsError: The token is not set.
        InputError: The address is invalid.
        SourceError: NetBox does not respond, declines the request, sends an invalid response, or marks no PBX.
    """
    from dashboard.pbx.readers.netbox.session import NetBox  # noqa: PLC0415 - loads an HTTP client, which file readers do not need

    base, options = _parts(address)
    if base.startswith("http:") and not is_loopback(base):
        raise InputError(f"netbox+{base} would send the token in clear. Use netbox+https.")
    if not secrets.get(TOKEN):
        raise SettingsError(f"NetBox asks for a token. Set {TOKEN}; the token needs to view only.")
    return _Register(NetBox(base, secrets[TOKEN]), options).reading()


def _parts(address: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(address.partition("+")[2])
    base = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/").removesuffix("/api"), "", ""))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError("The address of a NetBox is like netbox+https://netbox.example.net/?tag=pbx.")
    options = dict(parse_qsl(parts.query))
    unknown = sorted(set(options) - {"tag", "field", *FIELDS})
    if unknown:
        option_names = ", ".join(("tag", "field", *FIELDS))
        raise InputError(f"The address of a NetBox has no option {quoted(unknown[0], 40)}. It has {option_names}.")
    for option, option_value in options.items():
        if option != "tag" and is_secret_name(option_value.partition(":")[0], NamesOf.NETBOX):
            raise InputError(f"The custom field that {option} names looks like a secret's. Name one that holds none.")
    return base, options


class _Register:
    """Reader of one NetBox."""

    def __init__(self, netbox: NetBox, options: Mapping[str, str]) -> None:
        self._netbox = netbox
        self._options = options
        self._field, _, self._wanted = options.get("field", "").partition(":")
        self._tag = "" if self._field else options.get("tag", TAG)
        self._rows: list[InventoryRow] = []
        self._problems: list[Problem] = []

    def reading(self) -> ReaderResult:
        """Read devices, then virtual machines, each with their addresses."""
        for app, kind, key in _KINDS:
            marked = self._marked(app, kind)
            addresses = self._addresses(key, [record["id"] for record in marked])
            zones = self._zones(marked)
            for record in marked:
                location = f"{self._netbox.host}/{app}/{kind.replace('_', '-')}/{record['id']}/"
                self._pbx(record, addresses.get(record["id"], []), zones, location)
        if not self._rows and not self._problems:
            mark = f"the custom field {self._field}" if self._field else f"the tag {self._tag}"
            raise SourceAnswerError(
                f"{self._netbox.host} shows no device and no virtual machine with {mark}. Mark the PBXs with it, "
                "or see "
                "that the token may view them."
            )
        return ReaderResult(tuple(self._rows), tuple(self._problems))

    def _marked(self, app: str, kind: str) -> list[dict[str, Any]]:
        """Return the marked objects; the mark is checked again because NetBox ignores unknown filters."""
        filters = {f"cf_{self._field}": self._wanted or "true"} if self._field else {"tag": self._tag}
        marked: list[dict[str, Any]] = []
        for record in self._netbox.all(app, kind, **filters):
            tag_list = record.get("tags")
            tags = {str(of(tag).get("slug")) for tag in (tag_list if isinstance(tag_list, list) else ())}
            value = text_of(custom_fields_of(record).get(self._field)) if self._field else ""
            if self._tag in tags or (self._field and value.lower() in (self._wanted.lower() or "yes", "true")):
                marked.append(record)
            if len(marked) > MOST_PBXS:
                self._say("", "", f"More than {MOST_PBXS:,} objects are marked as PBXs; the rest was left out.")
                return marked[:MOST_PBXS]
        return marked

    def _addresses(self, key: str, ids: list[int]) -> dict[int, list[dict[str, Any]]]:
        """Return addresses by the id of the object to which they are assigned."""
        addresses: dict[int, list[dict[str, Any]]] = {}
        name = key.removesuffix("_id")
        for start in range(0, len(ids), IDS):
            id_batch = ids[start : start + IDS]
            for address in self._netbox.all("ipam", "ip_addresses", **{key: id_batch}):
                holder = id_of(of(address.get("assigned_object")).get(name))
                if holder in id_batch:
                    addresses.setdefault(holder, []).append(address)
        return addresses

    def _zones(self, marked: list[dict[str, Any]]) -> dict[int, str]:
        ids = sorted({site_id for record in marked if (site_id := id_of(record.get("site")))})
        zones: dict[int, str] = {}
        for start in range(0, len(ids), IDS):
            id_batch = ids[start : start + IDS]
            for site in self._netbox.all("dcim", "sites", id=id_batch):
                zones[site["id"]] = text_of(site.get("time_zone"))
        return zones

    def _pbx(
        self, record: Mapping[str, Any], addresses: list[dict[str, Any]], zones: Mapping[int, str], location: str
    ) -> None:
        name = str(record.get("name") or record.get("display") or "")
        fields = {field: self._given(record, self._options.get(field, field)) for field in FIELDS}
        pbx_id = fields["pbx_id"] or pbx_id_of(name)
        made_of = "" if fields["pbx_id"] else f"{name} ({location})"
        begun = len(self._rows)
        status = value_of(record, "status")
        site = of(record.get("site"))
        platform = text_of(of(record.get("platform")).get("name")).lower()
        vendor = next((vendor for vendor in VENDORS if platform.startswith(vendor.lower())), "")
        cells = {
            "name": name,
            "site": text_of(site.get("name")),
            "timezone": zones.get(id_of(site), ""),
            "vendor": fields["vendor"] or vendor,
            "owner": fields["owner"] or text_of(of(record.get("tenant")).get("name")),
            "status": STATUS.get(status, ""),
            **{field: fields[field] for field in ("auth_method", "dials_prefix", "inbound_host", "pop", "x_tag")},
        }
        used = [address for address in in_order(record, addresses) if value_of(address, "status") not in NOT_USED]
        dynamic = bool(used) and value_of(used[0], "status") in DYNAMIC
        cells["ip_kind"] = fields["ip_kind"] or ("dynamic" if dynamic else "")
        if status and status not in STATUS:
            self._say(
                location, "status", f"{quoted(status, 40)} is no state that NetBox has by itself; it was left out."
            )
        valid_cells = {column: text for column, text in cells.items() if text and self._fits(location, column, text)}
        self._rows.append(InventoryRow("pbxs", location, 0, {"pbx_id": pbx_id, **valid_cells}))
        self._declare(pbx_id, used)
        for number in filter(None, map(str.strip, _BETWEEN.split(fields["numbers"]))):
            if self._fits(location, "number", number):
                self._rows.append(InventoryRow("pbx_numbers", location, 0, {"pbx_id": pbx_id, "number": number}))
        facts = {**{column: cells[column] for column in ("name", "site", "owner", "vendor")}, "status": status}
        facts |= {field: value for field, value in fields.items() if value}
        for key, value in facts.items():
            self._fact(pbx_id, key, value, location)
        for path, kind in secrets_of(record):
            self._rows.append(_fact_row(pbx_id, SECRET_PRESENT, kind.value, f"{location} {path}"))
        self._rows[begun:] = [replace(row, made_of=made_of) for row in self._rows[begun:]]

    @staticmethod
    def _given(record: Mapping[str, Any], name: str) -> str:
        """Return the value of a custom field as text; ``""`` if it contains a secret."""
        value = custom_fields_of(record).get(name)
        return "" if is_secret(name, value) else text_of(value)

    def _declare(self, pbx_id: str, used: list[dict[str, Any]]) -> None:
        """Add each address as a fact, and the addresses that the carrier can see as declared addresses."""
        declared: set[str] = set()
        for record in used:
            location = f"{self._netbox.host}/ipam/ip-addresses/{record.get('id', '')}/"
            outside = record.get("nat_outside") or []
            outside_list = outside if isinstance(outside, list) else [outside]
            outer = [host for outside_address in outside_list if (host := host_of(of(outside_address).get("address")))]
            inner = host_of(record.get("address"))
            nat_note = f" behind {', '.join(outer)}" if outer else ""
            self._fact(pbx_id, "address", f"{inner}{nat_note}", location)
            for address in filter(None, outer or [inner]):
                if address not in declared and not is_inside(address):
                    cells = {"pbx_id": pbx_id, "address": address, "kind": "failover" if declared else "primary"}
                    self._rows.append(InventoryRow("pbx_addresses", location, 0, {**cells, "source": "declared"}))
                    declared.add(address)

    def _fits(self, location: str, column: str, text: str) -> bool:
        """Return whether a cell is valid; report an invalid one, so that the rest of the PBX is kept."""
        try:
            if column != "inbound_host":
                read_cell("pbx_numbers" if column == "number" else "pbxs", column, text, ())
        except InputError as exc:
            self._say(location, column, str(exc))
            return False
        return True

    def _fact(self, pbx_id: str, key: str, value: str, location: str) -> None:
        if value:
            self._rows.append(_fact_row(pbx_id, key, value, location))

    def _say(self, location: str, column: str, message: str) -> None:
        self._problems.append(Problem(location or self._netbox.host, None, column, message))


def _fact_row(pbx_id: str, attribute: str, value: str, location: str) -> InventoryRow:
    cells = {
        "pbx_id": pbx_id,
        "object_type": ObjectType.RECORD,
        "object_name": "",
        "attribute": attribute,
        "value": value,
        "file": location,
        "line": "",
    }
    return InventoryRow(CONFIG_FRAME, location, 0, cells, if_fit=True)
