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


def compare(spec: TrunkSpec, config: pd.DataFrame) -> list[SettingComparison]:
    """
    Compare a trunk specification with the current configuration.

    Args:
        spec: The specification of one PBX.
        config: Configuration facts (PBX_CONFIG); facts of other PBXs are ignored.

    Returns:
        One comparison per setting, grouped by subject, wanted values first, without duplicates.
    """
    rows = config[config["pbx_id"] == spec.pbx_id]
    facts = [
        (str(attribute), _Now(str(value), str(file), int(line)))
        for attribute, value, file, line in zip(
            rows["attribute"], rows["value"], rows["file"], rows["line"].fillna(0).astype(int), strict=True
        )
    ]

    def now(attribute: str) -> list[_Now]:
        by_value = {item.value: item for each, item in reversed(facts) if each == attribute}
        return list(reversed(by_value.values()))

    comparisons = [
        *_subject("PoP called", (spec.pop, spec.second), now("host"), _is_host),
        *_subject("Authentication", ("ip",), now("auth")),
        *_subject("Registration", (), now("registration")),
        *_subject("Dialed in front", (spec.dialed,), now("dial"), lambda text, value: text.startswith(value)),
        *_subject("Let in", spec.ranges, now("match"), _contains_range),
        *_subject("Public address", (spec.address,), now("external")),
        *_subject("X-Tag", (spec.x_tag,), now("x_tag")),
    ]
    return list(dict.fromkeys(comparisons))


def _subject(
    subject: str, wanted_values: tuple[str, ...], now: list[_Now], fits: Callable[[str, str], bool] = str.__eq__
) -> Iterator[SettingComparison]:
    """Pair each wanted value with a current one: a fitting value if any, else one of the others."""
    values = [value for value in wanted_values if value]
    unmatched = [
        current_value for current_value in now if not any(fits(current_value.value, value) for value in values)
    ]
    for value in values:
        equal = next((current_value for current_value in now if fits(current_value.value, value)), None)
        counterpart = equal or (unmatched.pop(0) if unmatched else None)
        if counterpart is None:
            yield SettingComparison(subject, "", value, SettingState.MISSING)
        else:
            state = SettingState.SAME if equal else SettingState.CHANGED
            yield SettingComparison(subject, counterpart.value, value, state, counterpart.file, counterpart.line)
    for current_value in unmatched:
        yield SettingComparison(
            subject, current_value.value, "", SettingState.EXTRA, current_value.file, current_value.line
        )


def _is_host(text: str, value: str) -> bool:
    return text.lower() == value.partition(":")[0].lower()


def _contains_range(text: str, value: str) -> bool:
    """Return whether an allowed network contains a range; False for a host name."""
    try:
        outer = ip_network(text, strict=False)
        inner = ip_network(value)
    except ValueError:
        return False
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]  # same IP version
