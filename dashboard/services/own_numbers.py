"""The account's own numbers, by which calls without an X-Tag are attributed to PBXs; from the state to the store."""

from __future__ import annotations

import logging
from collections.abc import Callable

from dashboard.calls import CallStore
from dashboard.calls.store import repair as store_repair
from dashboard.core.progress import Progress
from dashboard.services.snapshot_builder import load_frame
from dashboard.storage import State

log = logging.getLogger(__name__)


class InventoryNumbers:
    """Callable that returns the numbers of the PBXs in the inventory; read again only after a new version."""

    def __init__(self, state: State) -> None:
        """Read from this state database."""
        self._state = state
        self._numbers: tuple[int, frozenset[str]] | None = None

    def __call__(self) -> frozenset[str]:
        """Return the numbers, digits without ``+``."""
        version = self._state.last_version()
        cached = self._numbers
        if cached is None or cached[0] != version:
            cached = (version, frozenset(load_frame(self._state, "pbx_numbers")["number"]))
            self._numbers = cached
        return cached[1]


def update_own_numbers(
    state: State, store: CallStore, *, progress: Progress | None = None, stop: Callable[[], bool] | None = None
) -> store_repair.Renewal:
    """
    Give the store the numbers of the account and of the PBXs.

    Args:
        state: State database with the account's numbers and the inventory.
        store: Call store; the roll-ups of days on which a new number called are computed again.
        progress: Callback with a description of the step and the completed share, 0 to 1.
        stop: Callback polled between steps; True ends the renewal early.

    Returns:
        The days that were renewed, and those whose calls are unreadable.

    Raises:
        BusyError: Another process is writing into the store.
        StoreError: The disk cannot be written.
    """
    before = store.generations.current().unreadable
    frames = [load_frame(state, name) for name in ("numbers", "pbx_numbers")]
    numbers = {number for frame in frames for number in frame["number"]}
    renewal = store_repair.set_own_numbers(store, numbers, progress=progress, stop=stop)
    retired = [day for day in store.unattributed_days() if day not in renewal.unreadable]
    if renewal.rolled_up and retired:
        log.warning(
            "Calls up to %s are not attributed by the caller IDs added now: only the sums of these days are kept.",
            retired[-1],
        )
    for day, sentence in renewal.unreadable.items():
        if day not in before:  # each sync tries them again
            log.warning("Calls of %s are not attributed by the caller IDs added now. %s", day, sentence)
    return renewal
