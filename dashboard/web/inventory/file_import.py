"""Import of the inventory from files, with a preview of changes and problems before anything is saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import pandas as pd
import streamlit as st

from dashboard.core.errors import DashboardError
from dashboard.core.text import counted, join, label_of, titled
from dashboard.domain.snapshot import Snapshot
from dashboard.pbx import (
    CONFIG_FRAME,
    READER_FRAMES,
    Inventory,
    InventoryDiff,
    LintContext,
    LintFinding,
    LintLevel,
    Problem,
    Upload,
    inventory_frames,
    lint_inventory,
    needs_pbx_name,
    read_files,
)
from dashboard.pbx.inventory import diff
from dashboard.services import declarations
from dashboard.web import session
from dashboard.web.components import tables
from dashboard.web.components.formatting import ICONS, plain
from dashboard.web.inventory import running_systems

MOST_PROBLEMS = 200
ROUND = "inventory_import_round"
"""Session key of the import counter. Each import has its own uploader, so an imported file disappears from it."""

TYPES: Final = ["csv", "tsv", "txt", "conf", "cfg", "list", "sql", "xml", "zip", "tar", "gz", "tgz"]
PRESSED = "inventory_import_pressed"
REFUSED = "inventory_import_refused"
Kept = Mapping[str, pd.DataFrame]

NAMES: Final = {"pbxs": "PBX", "pbx_addresses": "Address", "pbx_numbers": "Number", "pbx_config": "Configuration of"}
NOT_THERE = "Not there"


@dataclass(frozen=True)
class PressedImport:
    """Frames to save, as previewed when the button was pressed."""

    frames: Kept
    shown: Mapping[str, int]
    """``Snapshot.version_ids`` of the inventory that the preview compared with."""
    said: str
    """Message after they are saved."""


@st.fragment
def show() -> None:
    """Draw the upload and, once files are present, the preview; a finished import is cleared from both immediately."""
    snapshot = session.snapshot()
    st.caption(
        "Tables: a file needs the columns `pbx_id` and `name`, or `pbx_id` and `address`, or `pbx_id` and `number`. "
        "Or the configuration of a PBX: its folder as .zip or .tar.gz, or its single files. Passwords are left out."
    )
    number = st.session_state.setdefault(ROUND, 0)
    files = st.file_uploader(
        "CSV files, or the configuration of a PBX",
        accept_multiple_files=True,
        key=f"inventory_files_{number}",
        type=TYPES,
    )
    running = running_systems.show(snapshot, number)
    placeholder = st.empty()
    save_pressed(PRESSED, ROUND, lambda: placeholder.caption("Importing, then reading the inventory again"))
    if not files and running is None:
        return
    current = inventory_frames(snapshot)
    uploads = [Upload(file.name, file.getvalue()) for file in files]
    with session.show_errors(), placeholder.container():
        pbx = _ask_pbx(snapshot) if needs_pbx_name(uploads) else ""
        if pbx is None:
            return
        inventory = read(snapshot, uploads, pbx) if uploads or running is None else running
        difference = diff.merge(current, inventory)
        _problems(inventory.problems)
        for note in inventory.notes[:MOST_PROBLEMS]:
            st.caption(plain(str(note)))
        _pitfalls(
            lint_inventory(
                {**difference.merged, CONFIG_FRAME: inventory.frames[CONFIG_FRAME]}, LintContext.of(snapshot)
            )
        )
        preview(difference)
        _accept(difference, snapshot, read_any=not inventory.frames[CONFIG_FRAME].empty)


def read(snapshot: Snapshot, uploads: list[Upload], pbx: str) -> Inventory:
    """
    Read uploads in the context of the account and the inventory.

    Args:
        snapshot: Snapshot of the account and the inventory.
        uploads: Tables, archives, single configuration files.
        pbx: Id or name of the PBX that single configuration files belong to.
    """
    return read_files(
        uploads,
        treated_as_public=snapshot.treated_as_public,
        current=inventory_frames(snapshot),
        trunk=LintContext.of(snapshot).trunk,
        name=pbx,
    )


def _ask_pbx(snapshot: Snapshot) -> str | None:
    """Ask which PBX single configuration files belong to; a folder would carry its name."""
    pbx: str | None = st.selectbox(
        "Configuration of which PBX?",
        list(snapshot.pbxs["pbx_id"]),
        index=None,
        format_func=lambda pbx_id: snapshot.name_of(str(pbx_id)),
        placeholder="Choose one, or type the name of a new one",
        accept_new_options=True,
        key="inventory_import_whose",
    )
    return pbx


def save_pressed(key: str, finished: str, waiting: Callable[[], Any]) -> None:
    """
    Save the import whose button was pressed in the name of the actor, and draw the whole page again.

    A refused import stays on the page, with the reason, and is compared with the current inventory.

    Args:
        key: Session key of the import; it is removed.
        finished: Session key of the counter of finished imports.
        waiting: Tells the operator to wait; called before anything is saved.
    """
    if refused := st.session_state.pop(REFUSED, ""):
        session.show_error(refused)
    pressed: PressedImport | None = st.session_state.pop(key, None)
    if pressed is None:
        return
    waiting()
    try:
        by = session.actor().name
        declarations.save_inventory(session.workspace(), pressed.frames, version_ids=pressed.shown, by=by)
    except DashboardError as exc:
        st.session_state[REFUSED] = str(exc)
    else:
        session.note(pressed.said)
        st.session_state[finished] += 1
    st.rerun()


def _problems(problems: list[Problem]) -> None:
    if not problems:
        return
    st.warning(f"{counted(len(problems), 'thing')} cannot be taken. Every good row is kept.", icon=ICONS["warning"])
    frame = pd.DataFrame(
        [
            {
                "file": problem.file,
                "line": problem.line,
                "column": label_of(problem.column),
                "what": problem.message,
                "value": problem.value,
            }
            for problem in problems[:MOST_PROBLEMS]
        ]
    )
    st.dataframe(
        tables.sanitized(frame),
        hide_index=True,
        column_config={"file": "File", "line": "Line", "column": "Column", "what": "What is wrong", "value": "Value"},
        placeholder="",
    )


def _pitfalls(pitfalls: list[LintFinding]) -> None:
    """Draw the lint findings of the configurations that were read; none of them prevents the import."""
    if not pitfalls:
        return
    serious = sum(finding.level is not LintLevel.NOTE for finding in pitfalls)
    headline = f"{counted(serious, 'thing')} to put right in the configuration" if serious else "Nothing to put right"
    (st.warning if serious else st.info)(
        f"{headline}. Passwords in it were left out.", icon=ICONS["warning" if serious else "good"]
    )
    frame = pd.DataFrame([asdict(finding) | {"line": finding.line or None} for finding in pitfalls[:MOST_PROBLEMS]])
    st.dataframe(
        tables.sanitized(
            frame[["level", "file", "line", "sentence", "cure"]].assign(level=frame["level"].str.capitalize())
        ),
        hide_index=True,
        column_config={
            "level": "Level",
            "file": "File",
            "line": "Line",
            "sentence": "What is wrong",
            "cure": "What to do",
        },
        placeholder="",
    )


def preview(difference: InventoryDiff) -> None:
    """Draw the changes of an import, cell by cell."""
    st.markdown(f"**{plain(difference.sentence())}**")
    frame = changes_frame(difference)
    if frame.empty:
        return
    st.dataframe(
        tables.sanitized(frame),
        hide_index=True,
        height=tables.height(len(frame)),
        column_config={
            "change": tables.text("Change", width=80),
            "what": tables.text("What", width=250),
            "column": tables.text("Column", width=120),
            "before": tables.text("Before", width=170),
            "after": tables.text("After", width=200),
        },
    )


def changes_frame(difference: InventoryDiff) -> pd.DataFrame:
    """Return the changes of an import as ``change``, ``what``, ``column``, ``before``, ``after``."""
    rows = [
        {
            "change": str(row["change"]).capitalize(),
            "what": _row_name(row),
            "column": label_of(row["column"]) if row["column"] else "",
            "before": NOT_THERE if row["change"] == diff.ADDED else row["before"],
            "after": _summary(difference, row) if row["change"] == diff.ADDED else row["after"] or _removal_text(row),
        }
        for row in difference.changes.to_dict("records")
        if row["change"] != diff.STAYS
    ]
    return pd.DataFrame(rows, columns=["change", "what", "column", "before", "after"], dtype="str")


def _row_name(row: Mapping[Any, Any]) -> str:
    """Return a readable name of a row: its address or number and the PBX it belongs to."""
    pbx_id, item, source = [*str(row["key"]).split(" "), "", ""][:3]
    kind = f"{source} {NAMES[row['frame']]}".capitalize() if source not in ("", "declared") else NAMES[row["frame"]]
    return f"{kind} {item} of {pbx_id}" if item else f"{kind} {pbx_id}"


def _removal_text(row: Mapping[Any, Any]) -> str:
    return "Taken out" if row["change"] == diff.GONE else ""


def _summary(difference: InventoryDiff, row: Mapping[Any, Any]) -> str:
    """Return the cells of an added row that are not part of its key."""
    if row["after"]:
        return str(row["after"])
    frame = difference.merged[row["frame"]]
    pbx_id, item = [*str(row["key"]).split(" "), ""][:2]
    pbx_rows = frame[frame["pbx_id"] == pbx_id]
    keys = ["pbx_id"] if not item else ["pbx_id", "address" if "address" in frame else "number"]
    if item:
        pbx_rows = pbx_rows[pbx_rows[keys[1]] == item]
    cells = pbx_rows.iloc[-1].drop(keys)
    return ", ".join(str(cell) for cell in cells if not pd.isna(cell) and str(cell)) or "There"


def _accept(difference: InventoryDiff, snapshot: Snapshot, *, read_any: bool) -> None:
    """
    Draw the button that saves the import, and the option to remove the rows that the import does not contain.

    An unchanged configuration is saved too, which confirms it as of now. The age of a configuration that was not read
    does not change.
    """
    current = inventory_frames(snapshot)
    absent = difference.count(diff.STAYS)
    drop = False
    if absent:
        with st.expander(f"{counted(absent, 'row')} not in the import"):
            rows = difference.changes[difference.changes["change"] == diff.STAYS].to_dict("records")
            st.caption(plain(join((_row_name(row) for row in rows), most=MOST_PROBLEMS)))
            drop = st.checkbox(f"Remove the {counted(absent, 'row')}", key="inventory_import_replace")
    accepted = difference.replaced if drop else difference.merged
    changes = any(not accepted[name].equals(current[name]) for name in READER_FRAMES)
    accepted = {name: accepted[name] for name in READER_FRAMES if name != CONFIG_FRAME or read_any or drop}
    added = difference.count(diff.ADDED)
    changed = difference.count(diff.CHANGED) + difference.count(diff.GONE)
    does = [f"import {counted(added + changed, 'change')}"] if added + changed else []
    results = [f"{added:,} added", f"{changed:,} changed"]
    if drop:
        does.append(f"remove {counted(absent, 'row')}")
        results.append(f"{absent:,} removed")
    st.button(
        titled(join(does, None)) or ("Confirm the configuration" if read_any else "Nothing to import"),
        type="primary",
        disabled=not changes and not read_any,
        key="inventory_import_keep",
        on_click=press,
        args=(PRESSED, PressedImport(accepted, snapshot.version_ids, f"Imported: {', '.join(results)}.")),
    )


def press(key: str, pressed: PressedImport) -> None:
    """Schedule an import to be saved at the start of the next run; see ``save_pressed``."""
    st.session_state[key] = pressed
