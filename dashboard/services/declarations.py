"""What an operator says of an account that no program can read: kept as dated, signed versions."""

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
    """When somebody last looked at the portal for something, and who."""

    at: datetime
    by: str


def last_shown(workspace: Workspace, kind: str) -> Shown | None:
    """
    Say how a declared copy is known.

    Args:
        workspace: The open home.
        kind: ``account`` or ``allowed_ips``.

    Returns:
        The last look at the portal; ``None`` where nobody said yet what it shows.
    """
    version = workspace.state.latest(kind)
    return Shown(version["seen_at"], version["known_by"]) if version else None


def keep_account(workspace: Workspace, *, tech_prefix: str, credentials_on: bool, by: str) -> None:
    """
    Keep what the portal shows of the prefix and the switch.

    Args:
        workspace: The open home.
        tech_prefix: As the portal shows it.
        credentials_on: As the portal shows it.
        by: Who looked, as text.

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
    Keep the list as the portal shows it; entries that the paste leaves out stay unless named.

    Args:
        workspace: The open home.
        current: ALLOWED_IPS as kept.
        found: The paste against it.
        remove: Which of the missing entries are really gone.
        by: Who looked, as text.

    Raises:
        InputError: Somebody else accepted another list since the paste was compared.
    """
    now = clocks.now()
    if set(load_frame(workspace.state, "allowed_ips")["network"]) != set(current["network"]):
        raise InputError("Somebody else changed the list meanwhile, so nothing was kept. Compare again.")
    frame = accept_paste(current, found, remove=remove, added_by=by, added_at=now)
    save_frame(workspace.state, "allowed_ips", frame, now=now, known_by=by)


def keep_inventory(workspace: Workspace, name: str, frame: pd.DataFrame, *, by: str) -> bool:
    """
    Keep one frame of the inventory, or confirm that it still holds.

    Args:
        workspace: The open home.
        name: ``pbxs``, ``pbx_addresses``, ``pbx_numbers`` or ``pbx_config``.
        frame: All of its rows.
        by: Who edited it, as text.

    Returns:
        True where it differs from what was kept.

    Raises:
        TableError: The frame does not keep its contract.
    """
    return save_frame(workspace.state, name, frame, now=clocks.now(), known_by=by)
