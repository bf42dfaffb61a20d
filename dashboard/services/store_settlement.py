"""Settlement of interrupted changes of the call store: the outcome is determined by reading the store."""

from __future__ import annotations

from dashboard.calls import CallStore
from dashboard.calls.store import Generation
from dashboard.core.errors import BusyError
from dashboard.core.locks import exclusive
from dashboard.storage import PHASE_DONE, PHASE_FAILED, State, store_changes

ACTOR = "trunkgate"
"""Who records the outcome of an interrupted change."""


def settle_store_changes(state: State, store: CallStore) -> None:
    """
    Record the outcome of interrupted changes of the call store; do nothing while a change runs.

    Args:
        state: State database with the records.
        store: Call store, which is read but not changed.

    Raises:
        StoreError: The store's manifest is unreadable.
        StateError: The outcome cannot be recorded.
    """
    if not store_changes.open_changes(state):
        return
    try:
        with exclusive(state.home / store_changes.LOCK, timeout_s=0, busy=store_changes.BUSY):
            for begun in store_changes.open_changes(state):
                generation = store.generations.current()
                done = generation.name != begun.generation and _is_in_place(begun, generation)
                calls = begun.calls if done else 0
                message = f"Found after an interruption: {_found(begun, done=done)}"
                store_changes.finish(
                    state, begun, PHASE_DONE if done else PHASE_FAILED, calls=calls, message=message, actor=ACTOR
                )
    except BusyError:
        return


def _is_in_place(begun: store_changes.StoreChange, generation: Generation) -> bool:
    """Return whether the store is as it would be after a change; a repair leaves no trace, so it counts as not done."""
    days = [generation.days[day] for day in begun.days if day in generation.days]
    if begun.command == store_changes.FORGET:
        return not days
    return begun.command == store_changes.DROP_IMPORTED and not any(day.file_only_rows for day in days)


def _found(begun: store_changes.StoreChange, *, done: bool) -> str:
    """Return what the store shows of a change, as the end of a sentence."""
    if begun.command in {store_changes.FORGET, store_changes.DROP_IMPORTED}:
        return "the store does not have these calls." if done else "the store has these calls; nothing was removed."
    return "no call was changed; repair the days again if their sums are still damaged."
