"""Comparison of a PBX's trunk specification with its current configuration facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network

import pandas as pd

from dashboard.pbx.writers.trunk_spec import TrunkSpec


class SettingState(StrEnum):
    """Result of comparing one setting."""

    SAME = "same"
    CHANGED = "changed"
    MISSING = "missing"
    EXTRA = "extra"
    """Present but to be removed."""


@dataclass(frozen=True)
class SettingComparison:
    """One setting: current value with its location, and wanted value; ``""`` for a missing value."""

    what: str
    now: str
    wanted: str
    state: SettingState
    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class _Now:
    value: str
    file: str
    line: int


def compare(wanted: TrunkSpec, config: pd.DataFrame) -> list[SettingComparison]:
    """
    Compare a trunk specification with the current configuration.

    Args:
        wanted: The specification of one PBX.
        config: Configuration facts (PBX_CONFIG); facts of other PBXs are ignored.

    Returns:
        One comparison per setting, grouped by subject, wanted values first, without duplicates.
    """
    rows = config[config["pbx_id"] == wanted.pbx_id]
    facts = [
        (str(attribute), _Now(str(value), str(file), int(line)))
        for attribute, value, file, line in zip(
            rows["attribute"], rows["value"], rows["file"], rows["line"].fillna(0).astype(int), strict=True
        )
    ]

    def now(attribute: str) -> list[_Now]:
        found = {one.value: one for each, one in reversed(facts) if each == attribute}
        return list(reversed(found.values()))

    found = [
        *_subject("PoP called", (wanted.pop, wanted.second), now("host"), _is_host),
        *_subject("Authentication", ("ip",), now("auth")),
        *_subject("Registration", (), now("registration")),
        *_subject("Dialed in front", (wanted.dialed,), now("dial"), lambda text, value: text.startswith(value)),
        *_subject("Let in", wanted.ranges, now("match"), _holds),
        *_subject("Public address", (wanted.address,), now("external")),
        *_subject("X-Tag", (wanted.x_tag,), now("x_tag")),
    ]
    return list(dict.fromkeys(found))


def _subject(
    what: str, wanted: tuple[str, ...], now: list[_Now], fits: Callable[[str, str], bool] = str.__eq__
) -> Iterator[SettingComparison]:
    """Pair each wanted value with a current one: a fitting value if any, else one of the others."""
    values = [value for value in wanted if value]
    left = [one for one in now if not any(fits(one.value, value) for value in values)]
    for value in values:
        same = next((one for one in now if fits(one.value, value)), None)
        other = same or (left.pop(0) if left else None)
        if other is None:
            yield SettingComparison(what, "", value, SettingState.MISSING)
        else:
            state = SettingState.SAME if same else SettingState.CHANGED
            yield SettingComparison(what, other.value, value, state, other.file, other.line)
    for one in left:
        yield SettingComparison(what, one.value, "", SettingState.EXTRA, one.file, one.line)


def _is_host(text: str, value: str) -> bool:
    return text.lower() == value.partition(":")[0].lower()


def _holds(text: str, value: str) -> bool:
    """Return whether an allowed network contains a range; False for a host name."""
    try:
        outer = ip_network(text, strict=False)
        inner = ip_network(value)
    except ValueError:
        return False
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]  # same IP version
