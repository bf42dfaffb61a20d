"""
Attribution of calls to PBXs.

Outbound calls are attributed by the X-Tag that one PBX sets, else by the source address that one PBX held at that time,
else (for a call without an X-Tag) by the caller ID that one PBX owns. For an address shared by several PBXs, the caller
ID counts only if one of them owns it; otherwise the call is attributed to all of them ("one of A, B"). Inbound calls
are attributed by the number dialed, if one PBX should receive it. An X-Tag or a number that two PBXs claim is ignored.
The caller supplies the X-Tag: it attributes a call and never authenticates it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboard.domain.snapshot import SHARED, egress_of

X_TAG = "x_tag"
ADDRESS = "address"
CALLER_ID = "caller_id"
NUMBER = "number"
SHARED_ADDRESS = "shared_address"
CLAIMS = (X_TAG, CALLER_ID)
"""Rules based on values that the caller supplies: they attribute a call and never authenticate it."""
OPEN, EVER = -(2**63), 2**63 - 1
"""Stand-ins for a missing time: as a start, earlier than every time; as an end (``EVER``), later than every time."""


def attribute(
    frame: pd.DataFrame, *, pbxs: pd.DataFrame, pbx_addresses: pd.DataFrame, pbx_numbers: pd.DataFrame
) -> pd.DataFrame:
    """
    Attribute each row to a PBX and name the rule that decided.

    Args:
        frame: TRAFFIC (evaluated at ``first_at``) or CALLS (at ``started_at``).
        pbxs: PBXS.
        pbx_addresses: PBX_ADDRESSES, valid in [valid_from, valid_to). ``egress_of`` decides whether configured ones
            count.
        pbx_numbers: PBX_NUMBERS.

    Returns:
        A copy with ``pbx_id`` and ``attributed_by`` (``x_tag``, ``address``, ``caller_id``, ``number``,
        ``shared_address``) filled; both are ``""`` if no rule matches a PBX. For ``shared_address``, ``pbx_id`` holds
        the IDs of all owners, sorted and joined by ``snapshot.SHARED``.
    """
    return CallerClaims.of(pbxs=pbxs, pbx_addresses=pbx_addresses, pbx_numbers=pbx_numbers).attribute(frame)


def claimed_sources(traffic: pd.DataFrame, pbx_addresses: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """
    Return the outbound sources that only an X-Tag or a caller ID ties to a PBX.

    Args:
        traffic: TRAFFIC, attributed.
        pbx_addresses: PBX_ADDRESSES.

    Returns:
        Source addresses of the rows of ``is_only_claimed``, by PBX ID.
    """
    rows = traffic[is_only_claimed(traffic, pbx_addresses)].drop_duplicates(["pbx_id", "source_ip"])
    sources: dict[str, tuple[str, ...]] = {}
    for pbx_id, source in zip(rows["pbx_id"], rows["source_ip"], strict=True):
        sources[pbx_id] = (*sources.get(pbx_id, ()), source)
    return sources


def is_only_claimed(rows: pd.DataFrame, pbx_addresses: pd.DataFrame) -> pd.Series[bool]:
    """
    Return which calls only an X-Tag or a caller ID ties to a PBX.

    These are outbound calls from an address that the PBX never had, or had left by then. Calls from before the PBX had
    the address count as its own, because an inventory may record an address later than the PBX began to use it.

    Args:
        rows: TRAFFIC (evaluated at ``first_at``), CALL_PATTERNS (the same) or CALLS (at ``started_at``), attributed.
        pbx_addresses: PBX_ADDRESSES.
    """
    found = (rows["direction"] == "outbound") & rows["attributed_by"].isin(CLAIMS) & (rows["source_ip"] != "")
    claims = rows[found]
    if claims.empty:
        return found.astype(bool)
    owned = egress_of(pbx_addresses)
    left_at: dict[tuple[str, str], int] = {}
    for pbx_id, address, end in zip(owned["pbx_id"], owned["address"], _us(owned["valid_to"]), strict=True):
        left_at[pbx_id, address] = max(left_at.get((pbx_id, address), OPEN), EVER if end == OPEN else end)
    pbx, pbxs = pd.factorize(claims["pbx_id"])
    source, sources = pd.factorize(claims["source_ip"])
    pair, pairs = pd.factorize(pbx * len(sources) + source)
    ends = [left_at.get((pbxs[one // len(sources)], sources[one % len(sources)]), OPEN) for one in pairs.tolist()]
    times = _us(claims["started_at" if "started_at" in rows.columns else "first_at"])
    found[found] = np.array(times) >= np.array(ends)[pair]
    return found.astype(bool)


@dataclass(frozen=True)
class CallerClaims:
    """Inventory lookup tables for attribution, built once and applied to many frames."""

    x_tags: dict[str, str]
    numbers: dict[str, str]
    addresses: dict[str, list[tuple[str, int, int]]]
    """Owners by address: PBX ID, start and end of ownership in microseconds since 1970."""

    @classmethod
    def of(cls, *, pbxs: pd.DataFrame, pbx_addresses: pd.DataFrame, pbx_numbers: pd.DataFrame) -> CallerClaims:
        """Build the lookup tables from an inventory; arguments as in ``attribute``."""
        egress = egress_of(pbx_addresses)
        egress = egress[(egress["pbx_id"] != "") & (egress["address"] != "")]
        begins = _us(egress["valid_from"])
        ends = _us(egress["valid_to"])
        addresses: dict[str, list[tuple[str, int, int]]] = {}
        for address, pbx_id, begin, end in zip(egress["address"], egress["pbx_id"], begins, ends, strict=True):
            addresses.setdefault(address, []).append((pbx_id, begin, EVER if end == OPEN else end))
        tags = _claims(pbxs["x_tag"], pbxs["pbx_id"])
        numbers = _claims(pbx_numbers["number"], pbx_numbers["pbx_id"])
        return cls(tags, numbers, addresses)

    def attribute(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Attribute each row to a PBX; see ``attribute``."""
        of_calls = "started_at" in frame.columns
        caller_id, dialed = ("caller_id", "destination") if of_calls else ("number", "number")
        inputs = (frame[name].tolist() for name in ("direction", "x_tag", "source_ip", caller_id, dialed))
        times = _us(frame["started_at" if of_calls else "first_at"])
        attributions = [
            self._outbound(tag, address, at, number) if direction == "outbound" else _by(NUMBER, self.numbers.get(to))
            for direction, tag, address, number, to, at in zip(*inputs, times, strict=True)
        ]
        columns = zip(*attributions, strict=True) if attributions else ((), ())
        result_columns = zip(("pbx_id", "attributed_by"), columns, strict=True)
        return frame.assign(
            **{name: pd.Series(values, index=frame.index, dtype="str") for name, values in result_columns}
        )

    def _outbound(self, tag: str, address: str, at: int, number: str) -> tuple[str, str]:
        if pbx_id := self.x_tags.get(tag):
            return pbx_id, X_TAG
        by_number = None if tag else self.numbers.get(number)
        claims = self.addresses.get(address, ())
        owners = {pbx_id for pbx_id, begin, end in claims if begin <= at < end}
        if len(owners) == 1:
            return owners.pop(), ADDRESS
        if owners and by_number not in owners:
            return SHARED.join(sorted(owners)), SHARED_ADDRESS
        return _by(CALLER_ID, by_number)


def _by(rule: str, pbx_id: str | None) -> tuple[str, str]:
    return (pbx_id, rule) if pbx_id else ("", "")


def _us(times: pd.Series) -> list[int]:
    """Return times in microseconds since 1970; ``OPEN`` for a missing time."""
    microseconds: list[int] = times.to_numpy(dtype="datetime64[us]").astype("int64").tolist()
    return microseconds


def _claims(keys: pd.Series, pbx_ids: pd.Series) -> dict[str, str]:
    """Return the PBX that claims each key, for keys that exactly one PBX claims."""
    claims = pd.DataFrame({"key": keys, "pbx_id": pbx_ids})
    claims = claims[(claims["key"] != "") & (claims["pbx_id"] != "")].drop_duplicates()
    sole = claims[~claims.duplicated("key", keep=False)]
    return dict(zip(sole["key"], sole["pbx_id"], strict=True))
