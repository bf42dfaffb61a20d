"""Source of PBX records: the PBX, its clock, and how to recognize a call to the carrier's trunk."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from dashboard.calls.pbx_records.clock import Clock
from dashboard.calls.pbx_records.readers import freeswitch_csv
from dashboard.calls.pbx_records.records import DialTarget, RecordLayout
from dashboard.core.errors import InputError
from dashboard.core.text import quoted
from dashboard.schemas.object_types import ObjectType
from dashboard.sip import Trunk

_SEPARATORS = re.compile(r"[*#]|%23|%2A", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class RecordOrigin:
    """Source of a PBX's records."""

    pbx_id: str
    clock: Clock
    account: Trunk
    trunks: frozenset[str]
    """Names of the PBX's trunks to the carrier, in lower case."""
    template: RecordLayout | None = None
    _known: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)
    """Cached decision per host and trunk name: a file repeats a few names on every line."""

    @classmethod
    def of(
        cls,
        pbx_id: str,
        *,
        pbxs: pd.DataFrame,
        pbx_config: pd.DataFrame,
        account: Trunk,
        now: datetime,
        zone: str = "",
        trunks: Collection[str] = (),
        template: str = "",
    ) -> RecordOrigin:
        """
        Create the source from the inventory.

        Args:
            pbx_id: The PBX.
            pbxs: PBXS; its ``timezone`` applies if no zone is given.
            pbx_config: PBX_CONFIG; a trunk whose host is the carrier's is recognized by its name.
            account: The account's side of the trunk.
            now: A record may start at most a day after this time.
            zone: IANA name of the time zone of the file.
            trunks: More names of trunks to the carrier.
            template: Template text of a FreeSWITCH that uses a custom one.

        Raises:
            InputError: The PBX is not in the inventory, its zone is unknown, or the template lacks a field.
        """
        row = pbxs[pbxs["pbx_id"] == pbx_id]
        if row.empty:
            pbx_ids = ", ".join(sorted(pbxs["pbx_id"])) or "none"
            raise InputError(f"The inventory has no PBX {quoted(pbx_id)}; it has: {pbx_ids}.")
        zone = zone or str(row["timezone"].iloc[0])
        if not zone:
            raise InputError(
                f"The times of {pbx_id} have no zone, and the inventory does not know its own. Give --timezone, "
                "such as America/Denver, or --utc where the PBX writes UTC (Asterisk: usegmtime=yes)."
            )
        form = freeswitch_csv.of_template(template) if template else None
        if template and form is None:
            needed = ", ".join(freeswitch_csv.NEEDED)
            raise InputError(f"The template lacks a field or has one twice. It needs {needed}, each as ${{name}}.")
        facts = pbx_config[pbx_config["pbx_id"] == pbx_id]
        hosts = facts[(facts["object_type"] == ObjectType.TRUNK) & (facts["attribute"] == "host")]
        trunk_names = [
            str(name)
            for name, host in zip(hosts["object_name"], hosts["value"], strict=True)
            if name and account.is_carrier(str(host).partition(":")[0])
        ]
        names = frozenset(name.lower() for name in (*trunk_names, *trunks))
        return cls(pbx_id, Clock(zone, now=now), account, names, form)

    def sent(self, targets: Iterable[DialTarget]) -> tuple[str, DialTarget] | None:
        """Return the number called and the target if a call went to the carrier; ``None`` otherwise."""
        for target in targets:
            *heads, number = _SEPARATORS.split(target.user)
            prefixed = bool(self.account.tech_prefix) and heads == [self.account.tech_prefix]
            digits = number.removeprefix("+").removeprefix("011")
            if (
                digits.isascii()
                and digits.isdigit()
                and (prefixed or any(map(self._is_ours, (target.trunk, target.host))))
            ):
                return digits, target
        return None

    def _is_ours(self, name: str) -> bool:
        """Return whether a trunk or a host is the carrier's."""
        if name not in self._known:
            self._known[name] = name.lower() in self.trunks or self.account.is_carrier(name)
        return self._known[name]
