"""Declarations: an operator's statements about an account that no program can read; versions with date and name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from dashboard.carriers.flowroute.portal_paste import PasteDiff, accept_paste
from dashboard.core import clocks
from dashboard.core.errors import InputError
from dashboard.services.snapshot_builder import load_frame, save_frame
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


def keep_account(workspace: Workspace, *, tech_prefix: str, credentials_on: bool, by: str) -> None:
    """
    Store the tech prefix and the credentials switch as the portal shows them.

    Args:
        workspace: The open home.
        tech_prefix: Tech prefix as the portal shows it.
        credentials_on: State of the switch as the portal shows it.
        by: Person who looked at the portal, as text.

    Raises:
        DialStringError: The prefix is not eight digits.
    """
    now = clocks.now()
    last = workspace.state.latest("account")
    content = {**(last["content"] if last else {}), "sample": False}
    content |= {"tech_prefix": parse_tech_prefix(tech_prefix), "credentials_on": credentials_on}
    workspace.state.record("account", content, valid_from=now, seen_at=now, known_by=by)


def keep_list(
    workspace: Workspace, current: pd.DataFrame, found: PasteDiff, *, remove: Collection[str], by: str
) -> None:
    """
    Store the list as the portal shows it; entries missing from the paste are kept unless named in ``remove``.

    Args:
        workspace: The open home.
        current: Stored ALLOWED_IPS.
        found: Difference between the paste and ``current``.
        remove: Missing entries that were in fact removed from the list.
        by: Person who looked at the portal, as text.

    Raises:
        InputError: Another list was accepted since the paste was compared.
    """
    now = clocks.now()
    if set(load_frame(workspace.state, "allowed_ips")["network"]) != set(current["network"]):
        raise InputError("Somebody else changed the list meanwhile, so nothing was kept. Compare again.")
    frame = accept_paste(current, found, remove=remove, added_by=by, added_at=now)
    save_frame(workspace.state, "allowed_ips", frame, now=now, known_by=by)


def keep_inventory(workspace: Workspace, name: str, frame: pd.DataFrame, *, by: str) -> bool:
    """
    Store one frame of the inventory, or confirm that the stored one is still valid.

    Args:
        workspace: The open home.
        name: ``pbxs``, ``pbx_addresses``, ``pbx_numbers`` or ``pbx_config``.
        frame: The whole frame.
        by: Person who edited it, as text.

    Returns:
        Whether a new version was written, because the frame differs from the stored one.

    Raises:
        TableError: The frame does not conform to its schema.
    """
    return save_frame(workspace.state, name, frame, now=clocks.now(), known_by=by)
