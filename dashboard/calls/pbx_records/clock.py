"""A PBX's own times become UTC; a time that its zone has twice, or not at all, is said and never guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dashboard.calls.pbx_records.records import LineFault
from dashboard.core.errors import InputError

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
LONG = len("2026-11-23 14:05:00")
NEAR_S = 1800
"""Of two readings of a time, half an hour or more apart, at most one is so near the making of its channel."""


class Clock:
    """The clock of a PBX by the name of its zone."""

    def __init__(self, zone: str, *, now: datetime) -> None:
        """
        Take a zone.

        Args:
            zone: IANA name, or ``UTC``.
            now: No record begins later than a day after this.

        Raises:
            InputError: There is no zone of this name.
        """
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise InputError(f"There is no time zone {zone[:80]!r}. Write one such as America/Denver.") from exc
        self.name = zone
        self._latest = now + AHEAD
        self._offsets: dict[str, tuple[timedelta, ...]] = {}

    def utc(self, text: str, epoch_s: int | None) -> datetime | LineFault:
        """
        Read a time.

        Args:
            text: As the PBX wrote it.
            epoch_s: When the channel was made, where that is known: it tells two readings apart.
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
        found = [(local - offset).replace(tzinfo=UTC) for offset in offsets]
        if len(found) > 1:
            near = [at for at in found if epoch_s is not None and abs(at.timestamp() - epoch_s) < NEAR_S]
            if len(near) != 1:
                return LineFault(
                    "start",
                    f"{self.name} has this time twice, when its clocks go back. Have the PBX write UTC, "
                    "or its unique ids.",
                )
            found = near
        if not found:
            return LineFault("start", f"{self.name} does not have this time: its clocks go forward. Is the zone right?")
        if not EARLIEST <= found[0] <= self._latest:
            return LineFault("start", "It lies before 2000 or in the future. Is the clock of the PBX right?")
        return found[0]

    def _readings(self, local: datetime) -> tuple[timedelta, ...]:
        """Return the offsets from UTC that a minute of this zone may have."""
        found = []
        for fold in (0, 1):
            at = local.replace(tzinfo=self._zone, fold=fold)
            offset = at.utcoffset() or timedelta(0)
            if at.astimezone(UTC).astimezone(self._zone).replace(tzinfo=None) == local and offset not in found:
                found.append(offset)
        return tuple(found)
