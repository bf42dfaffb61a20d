"""
Which PBX a call belongs to.

Outbound: the X-Tag that one PBX sets, else the address that was one PBX's at that time, else (where
the call has no X-Tag) the caller id that one PBX owns. Inbound: the number dialed, where one PBX
should receive it. What two PBXs claim belongs to neither by that rule. An X-Tag is supplied by the
caller: it attributes, it never authenticates.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from dashboard.snapshot import egress_of

X_TAG, ADDRESS, CALLER_ID, NUMBER = "x_tag", "address", "caller_id", "number"


def attribute(
    frame: pd.DataFrame, *, pbxs: pd.DataFrame, pbx_addresses: pd.DataFrame, pbx_numbers: pd.DataFrame
) -> pd.DataFrame:
    """
    Say which PBX each row belongs to, and by which rule.

    Args:
        frame: TRAFFIC (judged at ``first_at``) or CALLS (at ``started_at``).
        pbxs: PBXS.
        pbx_addresses: PBX_ADDRESSES; valid in [valid_from, valid_to). Configured ones count as ``egress_of`` says.
        pbx_numbers: PBX_NUMBERS.

    Returns:
        A copy with ``pbx_id`` and ``attributed_by`` (``x_tag``, ``address``, ``caller_id``,
        ``number``) filled; both ``""`` where nothing speaks for one PBX.
    """
    return Claims.of(pbxs=pbxs, pbx_addresses=pbx_addresses, pbx_numbers=pbx_numbers).attribute(frame)


@dataclass(frozen=True)
class Claims:
    """What speaks for which PBX, made ready once for many frames."""

    x_tags: dict[str, str]
    numbers: dict[str, str]
    addresses: pd.DataFrame

    @classmethod
    def of(cls, *, pbxs: pd.DataFrame, pbx_addresses: pd.DataFrame, pbx_numbers: pd.DataFrame) -> Claims:
        """Take an inventory; as ``attribute``."""
        owned = egress_of(pbx_addresses)[["address", "pbx_id", "valid_from", "valid_to"]]
        tags, numbers = _claims(pbxs["x_tag"], pbxs["pbx_id"]), _claims(pbx_numbers["number"], pbx_numbers["pbx_id"])
        return cls(tags, numbers, owned[(owned["pbx_id"] != "") & (owned["address"] != "")])

    def attribute(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Say which PBX each row belongs to; as ``attribute``."""
        return _attribute(frame, self)


def _attribute(frame: pd.DataFrame, claims: Claims) -> pd.DataFrame:
    of_calls = "started_at" in frame.columns
    time = frame["started_at" if of_calls else "first_at"]
    caller_id = frame["caller_id" if of_calls else "number"]
    dialed = frame["destination" if of_calls else "number"]
    outbound, no_tag = frame["direction"] == "outbound", frame["x_tag"] == ""
    pbx_id = pd.Series("", index=frame.index, dtype="str")
    by = pd.Series("", index=frame.index, dtype="str")

    def settle(rule: str, found: pd.Series) -> None:
        """Take what a rule found for the rows that no earlier rule decided."""
        new = (pbx_id == "") & found.notna()
        pbx_id[new] = found[new]
        by[new] = rule

    settle(X_TAG, frame["x_tag"].where(outbound).map(claims.x_tags))
    settle(ADDRESS, _by_address(frame["source_ip"], time, claims.addresses, outbound & (pbx_id == "")))
    settle(CALLER_ID, caller_id.where(outbound & no_tag).map(claims.numbers))
    settle(NUMBER, dialed.where(~outbound).map(claims.numbers))
    return frame.assign(pbx_id=pbx_id, attributed_by=by)


def _claims(keys: pd.Series, pbx_ids: pd.Series) -> dict[str, str]:
    """Return who claims each key, where exactly one PBX does."""
    claims = pd.DataFrame({"key": keys, "pbx_id": pbx_ids})
    claims = claims[(claims["key"] != "") & (claims["pbx_id"] != "")].drop_duplicates()
    sole = claims[~claims.duplicated("key", keep=False)]
    return dict(zip(sole["key"], sole["pbx_id"], strict=True))


def _by_address(addresses: pd.Series, times: pd.Series, owned: pd.DataFrame, asked: pd.Series) -> pd.Series:
    """Return the one PBX whose address it was at that time, for the rows asked for; missing elsewhere."""
    wanted = asked & addresses.isin(owned["address"])
    rows = pd.DataFrame({"address": addresses[wanted], "at": times[wanted]})
    rows["row"] = rows.index
    met = rows.merge(owned, on="address")
    begun = met["valid_from"].isna() | (met["valid_from"] <= met["at"])
    going = met["valid_to"].isna() | (met["at"] < met["valid_to"])
    valid = met.loc[begun & going, ["row", "pbx_id"]].drop_duplicates()
    sole = valid[~valid.duplicated("row", keep=False)]
    return sole.set_index("row")["pbx_id"].reindex(addresses.index)
