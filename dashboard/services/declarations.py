"""Declarations: an operator's statements about an account that no program can read; versions with date and name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from dashboard.carriers.flowroute import portal_paste
from dashboard.core import clocks
from dashboard.services.snapshot_builder import INVENTORY, confirm_frame, save_frame
from dashboard.services.workspace import Workspace
from dashboard.sip import parse_tech_prefix


@dataclass(frozen=True)
class Shown:
    """Time and person of the last look at the portal."""

    at: datetime
    by: str


def last_shown(workspace: Workspace, kind: str) -> Shown | None:
    """
    Return when and by whom a declared copy was last confirmed.

    Args:
        workspace: The open home.
        kind: ``account`` or ``allowed_ips``.

    Returns:
        The last look at the portal; ``None`` if nothing was declared yet.
    """
    version = workspace.state.latest(kind)
    return Shown(version["seen_at"], version["known_by"]) if version else None


def save_account(
    workspace: Workspace, *, tech_prefix: str, credentials_on: bool, version_ids: Mapping[str, int], by: str
) -> None:
    """
    Store the tech prefix and the credentials switch as the portal shows them.

    Args:
        workspace: The open home.
        tech_prefix: Tech prefix as the portal shows it.
        credentials_on: State of the switch as the portal shows it.
        version_ids: ``Snapshot.version_ids`` of what the person saw here.
        by: Person who looked at the portal, as text.

    Raises:
        DialStringError: The prefix is not eight digits.
        StaleInputError: Somebody else changed the account after it was shown.
    """
    now = clocks.now()
    last = workspace.state.latest("account")
    content = {**(last["content"] if last else {}), "sample": False}
    content |= {"tech_prefix": parse_tech_prefix(tech_prefix), "credentials_on": credentials_on}
    based_on = _only(version_ids, "account")
    workspace.state.save_version("account", content, valid_from=now, seen_at=now, known_by=by, based_on=based_on)


def save_list(
    workspace: Workspace,
    current: pd.DataFrame,
    difference: portal_paste.PasteDiff,
    *,
    remove: Collection[str],
    version_ids: Mapping[str, int],
    by: str,
) -> None:
    """
    Store the list as the portal shows it; entries missing from the paste are kept unless named in ``remove``.

    Args:
        workspace: The open home.
        current: ALLOWED_IPS as shown.
        difference: Difference between the paste and ``current``.
        remove: Missing entries that were in fact removed from the list.
        version_ids: ``Snapshot.version_ids`` of the snapshot that ``current`` is from.
        by: Person who looked at the portal, as text.

    Raises:
        StaleInputError: Another list was accepted since the paste was compared.
    """
    now = clocks.now()
    frame = portal_paste.accept_paste(current, difference, remove=remove, added_by=by, added_at=now)
    based_on = _only(version_ids, "allowed_ips")
    save_frame(workspace.state, "allowed_ips", frame, now=now, known_by=by, based_on=based_on)


def save_inventory(
    workspace: Workspace, frames: Mapping[str, pd.DataFrame], *, version_ids: Mapping[str, int], by: str
) -> None:
    """
    Store frames of the inventory that were made from the inventory as shown.

    A frame that equals the stored one confirms it.

    Args:
        workspace: The open home.
        frames: Whole frames by name: ``pbxs``, ``pbx_addresses``, ``pbx_numbers`` or ``pbx_config``.
        version_ids: ``Snapshot.version_ids`` of the snapshot that the frames were made from.
        by: Person who edited them, as text.

    Raises:
        StaleInputError: Somebody else changed the inventory after it was shown.
        TableError: A frame does not conform to its schema.
    """
    now = clocks.now()
    based_on = _only(version_ids, *INVENTORY, *frames)
    for name, frame in frames.items():
        save_frame(workspace.state, name, frame, now=now, known_by=by, based_on=based_on)
        del based_on[name]  # it now has the version that was just written


def confirm_inventory(workspace: Workspace, *, version_ids: Mapping[str, int], by: str) -> None:
    """
    Confirm that the inventory as shown is still correct, without changing it.

    Args:
        workspace: The open home.
        version_ids: ``Snapshot.version_ids`` of the snapshot that was shown.
        by: Person who confirms it, as text.

    Raises:
        StaleInputError: Somebody else changed the inventory after it was shown.
    """
    now = clocks.now()
    based_on = _only(version_ids, *INVENTORY)
    for name in INVENTORY:
        confirm_frame(workspace.state, name, now=now, known_by=by, based_on=based_on)
        del based_on[name]


def _only(version_ids: Mapping[str, int], *names: str) -> dict[str, int]:
    """Return the ids of some kinds; 0 for a kind that had no version."""
    return {name: version_ids.get(name, 0) for name in names}
