"""Conversion of PBX local times to UTC; ambiguous and nonexistent times are reported, never guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dashboard.calls.pbx_records.records import LineFault
from dashboard.core.errors import InputError
from dashboard.core.text import quoted

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
LONG = len("2026-11-23 14:05:00")
NEAR_S = 1800
"""Two candidates for an ambiguous time are half an hour or more apart, so at most one is this near to its channel's
creation."""


class Clock:
    """Clock of a PBX in a named time zone."""

    def __init__(self, zone: str, *, now: datetime) -> None:
        """
        Load the time zone.

        Args:
            zone: IANA name, or ``UTC``.
            now: A record may start at most a day after this time.

        Raises:
            InputError: No time zone has this name.
        """
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise InputError(f"There is no time zone {quoted(zone)}. Write one such as America/Denver.") from exc
        self.name = zone
        self._latest = now + AHEAD
        self._offsets: dict[str, tuple[timedelta, ...]] = {}

    def utc(self, text: str, epoch_s: int | None) -> datetime | LineFault:
        """
        Convert a local time to UTC.

        Args:
            text: Time as the PBX wrote it.
            epoch_s: Creation time of the channel, if known: resolves an ambiguous time.
        """
        try:
            local = datetime.fromisoformat(text) if len(text) == LONG else None
        except ValueError:
            local = None
        if local is None or local.tzinfo is not None:
            return LineFault("start", "It is not a time such as 2026-11-23 14:05:00.")
        minute = text[:16]
        if minute not in self._offsets:
            self._offsets[minute] = self._readings(local.replace(second=0))
        offsets = self._offsets[minute]
        candidates = [(local - offset).replace(tzinfo=UTC) for offset in offsets]
        if len(candidates) > 1:
            matching = [at for at in candidates if epoch_s is not None and abs(at.timestamp() - epoch_s) < NEAR_S]
            if len(matching) != 1:
                return LineFault(
                    "start",
                    f"{self.name} has this time twice, when its clocks go back. Have the PBX write UTC, "
                    "or its unique ids.",
                )
            candidates = matching
        if not candidates:
            return LineFault("start", f"{self.name} does not have this time: its clocks go forward. Is the zone right?")
        if not EARLIEST <= candidates[0] <= self._latest:
            return LineFault("start", "It lies before 2000 or in the future. Is the clock of the PBX right?")
        return candidates[0]

    def _readings(self, local: datetime) -> tuple[timedelta, ...]:
        """Return the possible offsets from UTC of a minute in this zone."""
        offsets = []
        for fold in (0, 1):
            at = local.replace(tzinfo=self._zone, fold=fold)
            offset = at.utcoffset() or timedelta(0)
            if at.astimezone(UTC).astimezone(self._zone).replace(tzinfo=None) == local and offset not in offsets:
                offsets.append(offset)
        return tuple(offsets)
