"""
A synthetic account with a contact center, and export files with any number of its calls.

Addresses are from 198.18.0.0/15 (RFC 2544, for benchmarks), numbers from 555-01xx and from ranges reserved for fiction.
The seed determines everything. The admission rule and the account's true facts determine the result of each call, so
the account knows which calls a change would break or save.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from ipaddress import IPv4Address
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow

from dashboard import schemas
from dashboard.domain.admission import CallFacts, Decision, Observations, Policy, admit

OBSERVED = Observations(digest_rescues_prefix=True, no_path_status=403)
FIRST_ADDRESS = IPv4Address("198.18.0.1")
PREFIX = "12345678"
COLUMNS = (  # noqa: SIM905 - same text as an export's header, for comparison
    "direction start_time end_time destination number_alias callerid total_cost destination_name callerid_country "
    "line_information result call_fail_sip_code call_fail_reason duration billed_duration rate first_increment "
    "subsequent_increment cost_subtotal connect_fee usf_fee ccrf cnam_lookup_fee custom_x_tag customer_ip"
).split()
ENDINGS = (
    ("completed", "200", "OK", 0.70),
    ("failed", "486", "Busy Here", 0.08),
    ("failed", "480", "Temporarily Unavailable", 0.08),
    ("cancelled", "487", "Request Terminated", 0.09),
    ("failed", "404", "Not Found", 0.03),
    ("failed", "503", "Service Unavailable", 0.015),
    ("failed", "484", "Address Incomplete", 0.005),
)
REFUSED = ("failed", "403", "Tech Prefix and IP not in ACL - support@flowroute.com")
HOURS = np.array([1, 1, 1, 1, 1, 2, 4, 8, 14, 20, 22, 22, 18, 20, 22, 21, 19, 15, 11, 8, 5, 3, 2, 1], dtype="float64")
AREAS = (202, 206, 212, 213, 303, 305, 312, 404, 415, 503, 512, 602, 617, 713, 801, 919)
FEES = ("connect_fee", "usf_fee", "ccrf", "cnam_lookup_fee")
MONEY = ", ".join(f"{name}::DECIMAL(18, 8) AS {name}" for name in ("total_cost", "rate", "cost_subtotal", *FEES))
TIMES = ", ".join(f"strftime({name}, '%Y-%m-%d %H:%M:%S+00') AS {name}" for name in ("start_time", "end_time"))
ABROAD = 0.08
"""Share of the calls that go abroad, split equally between countries."""
COUNTRIES = (
    ("CANADA", 0.012, 1613),
    ("UNITED KINGDOM", 0.017, 4420),
    ("UNITED KINGDOM - MOBILE", 0.041, 44770),
    ("AUSTRALIA", 0.021, 612),
    ("GERMANY", 0.019, 4930),
    ("GERMANY - MOBILE", 0.052, 4915),
    ("FRANCE", 0.018, 331),
    ("MEXICO", 0.022, 5255),
    ("INDIA - MOBILE", 0.031, 9198),
    ("JAPAN", 0.033, 813),
    ("SPAIN", 0.02, 3491),
    ("PHILIPPINES - MOBILE", 0.16, 639),
)
ZONES = (
    ("UNITED STATES", 0.0098, 1, 0.88),
    ("UNITED STATES - TOLL FREE", 0.0, 1800, 0.04),
    *((name, rate, code, ABROAD / len(COUNTRIES)) for name, rate, code in COUNTRIES),
)


UNTAGGED = 3
"""PBXs whose number ends in this digit send no X-Tag."""
OWN_SHOWN = 0.1
"""Share of a dialer's calls that show the PBX's own number."""


@dataclass(frozen=True)
class Account:
    """
    PBXs of every kind, their addresses, the allow list and the credentials switch.

    Calls are distributed over PBXs by Zipf's law. Of every twenty PBXs, three dial without the prefix on credentials,
    one has moved to an address that is not listed, and the others are in order.
    """

    pbx_count: int = 40
    addresses_each: int = 3
    sources: int = 0
    """Number of addresses in total, in place of ``addresses_each``; the first PBXs have one more than the others."""
    entries: int = 2_000
    tagged: bool = True
    """Whether PBXs send X-Tags."""
    caller_ids: int = 0
    """Number of caller IDs of a dialer that shows local ones; 0 if each PBX shows its own number only."""
    until: datetime = datetime(2026, 11, 23, tzinfo=UTC)
    days: int = 92
    seed: int = 5
    callers: pd.DataFrame = field(init=False)
    """
    One row per address.

    ``pbx``, its number ``nth``, ``address``, ``weight``, ``tag``, ``dials_prefix``, ``digest``, ``listed``.
    """

    def __post_init__(self) -> None:
        rows = []
        each, more = divmod(self.sources, self.pbx_count) if self.sources else (self.addresses_each, 0)
        for number in range(self.pbx_count):
            by_credentials = number % 20 in {4, 9, 14}
            moved = number % 20 == 19
            for place in range(each + (number < more)):
                rows.append(
                    {
                        "pbx": f"pbx{number:03}",
                        "nth": number,
                        "address": str(FIRST_ADDRESS + len(rows)),
                        "weight": 1 / (number + 1) / (place + 1),
                        "tag": f"pbx{number:03}" if self.tagged and number % 10 != UNTAGGED else "",
                        "dials_prefix": not by_credentials,
                        "digest": by_credentials,
                        "listed": not by_credentials and not (moved and place == 0),
                    }
                )
        callers = pd.DataFrame(rows)
        object.__setattr__(self, "callers", callers.assign(weight=callers["weight"] / callers["weight"].sum()))

    @property
    def since(self) -> datetime:
        """Start of the first day."""
        return self.until - timedelta(days=self.days)

    @cached_property
    def policy(self) -> Policy:
        """Policy in force for the whole period: the listed addresses, and spare ones up to ``entries``."""
        listed = self.callers.loc[self.callers["listed"], "address"]
        spare = FIRST_ADDRESS + 2 * len(self.callers)
        others = [str(spare + number) for number in range(self.entries - len(listed))]
        return Policy(frozenset([*listed, *others]), credentials_on=True, tech_prefix=PREFIX)

    def decisions(self, policy: Policy) -> list[Decision]:
        """Return the true admission decision for a call of each ``callers`` row under a policy."""
        return [
            admit(
                CallFacts(
                    dials_prefix=row["dials_prefix"],
                    authorized=row["address"] in policy.networks,
                    credentials_on=policy.credentials_on,
                    digest_valid=row["digest"],
                ),
                OBSERVED,
            )
            for row in self.callers.to_dict("records")
        ]

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return ``allowed_ips``, ``pbxs``, ``pbx_addresses`` and ``pbx_numbers`` as in the inventory."""
        pbxs = self.callers.drop_duplicates("pbx")
        inventory = {
            "allowed_ips": pd.DataFrame({"network": sorted(self.policy.networks), "known_by": "operator"}),
            "pbxs": pd.DataFrame(
                {
                    "pbx_id": pbxs["pbx"],
                    "name": pbxs["pbx"].str.upper(),
                    "ip_kind": pbxs["digest"].map({True: "dynamic", False: "static"}),
                    "auth_method": pbxs["digest"].map({True: "credentials", False: "ip"}),
                    "dials_prefix": pbxs["dials_prefix"].map({True: "yes", False: "no"}),
                    "x_tag": pbxs["tag"],
                    "status": "active",
                }
            ),
            "pbx_addresses": pd.DataFrame(
                {
                    "pbx_id": self.callers["pbx"],
                    "address": self.callers["address"],
                    "kind": "primary",
                    "source": "declared",
                }
            ),
            "pbx_numbers": pd.DataFrame(
                {"pbx_id": pbxs["pbx"], "number": [str(_our_number(number)) for number in range(len(pbxs))]}
            ),
        }
        return {name: schemas.conform(frame, schemas.FRAMES[name], source=name) for name, frame in inventory.items()}

    def day(self, number: int, calls: int) -> pyarrow.Table:
        """
        Return the calls of one day in the columns of the export, ordered by time.

        Args:
            number: Day number, from 0.
            calls: Number of calls.
        """
        rng = np.random.default_rng([self.seed, number])
        second = np.sort(rng.choice(24, calls, p=HOURS / HOURS.sum()) * 3600 + rng.integers(0, 3600, calls))
        caller = rng.choice(len(self.callers), calls, p=self.callers["weight"])
        inbound = rng.random(calls) < 0.2
        zone = rng.choice(len(ZONES), calls, p=[share for *_, share in ZONES])
        ending = rng.choice(len(ENDINGS), calls, p=[share for *_, share in ENDINGS])
        decisions = self.decisions(self.policy)
        refused = ~np.array([bool(d.admitted) for d in decisions])[caller] & ~inbound
        talk = np.where((ending == 0) & ~refused, np.minimum(rng.lognormal(4.4, 1.1, calls), 7200).astype("int64"), 0)
        begin = np.datetime64(self.since.replace(tzinfo=None) + timedelta(days=number), "s") + second
        billed = (talk + 5) // 6 * 6
        rate = np.array([rate for _, rate, *_ in ZONES])[zone]
        cost = np.round(rate * billed / 60, 8)
        pbx = self.callers["nth"].to_numpy()[caller]
        ours = np.array([_our_number(number) for number in range(self.pbx_count)])[pbx]
        theirs = _their_numbers(rng, zone)
        shown = ours
        if self.caller_ids:
            shown = np.where(
                rng.random(calls) < OWN_SHOWN, ours, _local_numbers(rng.integers(0, self.caller_ids, calls))
            )
        no_tag = int(self.callers["nth"].eq(UNTAGGED).argmax())
        codes = np.where(refused, len(ENDINGS), ending)
        ends = [*ENDINGS, (*REFUSED, 0.0)]
        columns = {
            "direction": _pick(["Outbound", "Inbound"], inbound.astype("int64")),
            "start_time": begin,
            "end_time": begin + talk,
            "destination": np.where(inbound, ours, theirs),
            "number_alias": _pick(["", 'Front desk, "main"'], (inbound & (pbx % 5 == 0)).astype("int64")),
            "callerid": np.where(inbound, theirs, shown),
            "total_cost": cost,
            "destination_name": _pick([name for name, *_ in ZONES], zone),
            "callerid_country": _pick(["N/A"], np.zeros(calls, dtype="int64")),
            "line_information": _pick(["0", "61"], rng.integers(0, 2, calls)),
            "result": _pick([end[0] for end in ends], codes),
            "call_fail_sip_code": _pick([end[1] for end in ends], codes),
            "call_fail_reason": _pick([end[2] for end in ends], codes),
            "duration": talk,
            "billed_duration": billed,
            "rate": rate,
            "first_increment": np.full(calls, 6),
            "subsequent_increment": np.full(calls, 6),
            "cost_subtotal": cost,
            **{name: np.zeros(calls) for name in FEES},
            "custom_x_tag": _pick(list(self.callers["tag"]), np.where(inbound, no_tag, caller)),
            "customer_ip": _pick([f"{address}:5060" for address in self.callers["address"]], caller),
        }
        return pyarrow.table({name: columns[name] for name in COLUMNS})

    def write(self, folder: Path, calls: int, *, files: int = 23, packed: bool = False) -> list[Path]:
        """
        Write export files that hold ``calls`` calls in total, each with some days of the account in order of time.

        Args:
            folder: Target folder; created if missing.
            calls: Number of calls.
            files: Number of files.
            packed: Compress with gzip, as the carrier does.
        """
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for number, days in enumerate(np.array_split(np.arange(self.days), min(files, self.days))):
            made = pyarrow.concat_tables(self.day(int(day), _share(calls, self.days, int(day))) for day in days)
            paths.append(_export(folder / f"export-{number:03}.csv{'.gz' if packed else ''}", made))
        return paths

    def write_day(self, path: Path, number: int, calls: int) -> Path:
        """Write an export file of one day by its number; the number after the last day gives a new day."""
        return _export(path, self.day(number, calls))


def _export(path: Path, made: pyarrow.Table) -> Path:
    """Write calls in the carrier's format, compressed with gzip if the path's suffix asks for it."""
    how = "gzip" if path.suffix == ".gz" else "none"
    text = f"SELECT * REPLACE ({MONEY}, {TIMES}) FROM made"  # noqa: S608 - constants of this module
    with duckdb.connect() as connection:
        connection.register("made", made)
        connection.execute(f"COPY ({text}) TO '{path}' (FORMAT csv, HEADER, COMPRESSION {how})")
    return path


def _share(calls: int, days: int, day: int) -> int:
    return calls * (day + 1) // days - calls * day // days


def _our_number(pbx: int) -> int:
    return int(f"1{AREAS[pbx % len(AREAS)]}55501{pbx // len(AREAS):02}")


def _local_numbers(which: np.ndarray) -> np.ndarray:
    """Return caller IDs, 555-01xx of a hundred area codes."""
    return 10**10 + (201 + which // 100) * 10**7 + 5_550_100 + which % 100


def _their_numbers(rng: np.random.Generator, zone: np.ndarray) -> np.ndarray:
    """Draw a called number in each zone: 555-01xx of any area code at home, the zone's code and seven digits abroad."""
    home = 10**10 + rng.integers(201, 990, len(zone)) * 10**7 + 5_550_100 + rng.integers(0, 100, len(zone))
    code = np.array([code for _, _, code, _ in ZONES])[zone]
    return np.where(zone == 0, home, code * 10**7 + rng.integers(0, 10**7, len(zone)))


def _pick(values: list[str], codes: np.ndarray) -> pyarrow.Array:
    return pyarrow.DictionaryArray.from_arrays(pyarrow.array(codes.astype("int32")), pyarrow.array(values)).cast(
        "string"
    )
