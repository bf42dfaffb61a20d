"""Import of the inventory from CSV: what it would change and what cannot be taken, before anything is kept."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import session
from dashboard.app_parts import declared
from dashboard.app_parts.words import ICONS, count, label_of, plain
from dashboard.inventory import FRAMES, STAYS, Difference, Problem, Upload, merge, read_files
from dashboard.snapshot import Snapshot

MOST_PROBLEMS = 200


def show(snapshot: Snapshot) -> None:
    """Draw the upload and, once files are there, the preview."""
    st.caption(
        "PBXs, their addresses and their numbers, in one file or in three. A file needs the columns `pbx_id` and "
        "`name`, or `pbx_id` and `address`, or `pbx_id` and `number`."
    )
    files = st.file_uploader("CSV files", accept_multiple_files=True, key="inventory_files", type=["csv", "tsv", "txt"])
    if not files:
        return
    current = {name: getattr(snapshot, name) for name in FRAMES}
    uploads = [Upload(file.name, file.getvalue()) for file in files]
    with session.errors_said():
        found = read_files(uploads, treated_as_public=snapshot.treated_as_public, current=current)
        difference = merge(current, found)
        _problems(found.problems)
        _preview(difference)
        _accept(difference, current)


def _problems(problems: list[Problem]) -> None:
    if not problems:
        return
    st.warning(f"{count(len(problems), 'thing')} cannot be taken. Every good row is kept.", icon=ICONS["warning"])
    frame = pd.DataFrame(
        [
            {
                "file": one.file,
                "line": one.line,
                "column": label_of(one.column),
                "what": one.message,
                "value": one.value,
            }
            for one in problems[:MOST_PROBLEMS]
        ]
    )
    st.dataframe(
        frame,
        hide_index=True,
        column_config={"file": "File", "line": "Line", "column": "Column", "what": "What is wrong", "value": "Value"},
        placeholder="",
    )


def _preview(difference: Difference) -> None:
    st.markdown(f"**{plain(difference.sentence())}**")
    if difference.changes.empty:
        return
    frame = difference.changes.assign(
        frame=difference.changes["frame"].map(label_of), column=difference.changes["column"].map(label_of)
    )
    st.dataframe(
        frame[["change", "frame", "key", "column", "before", "after"]],
        hide_index=True,
        column_config={
            "change": "Change",
            "frame": "Table",
            "key": "Row",
            "column": "Column",
            "before": "Before",
            "after": "After",
        },
    )


def _accept(difference: Difference, current: dict[str, pd.DataFrame]) -> None:
    stay = difference.count(STAYS)
    drop = stay and st.checkbox(
        f"Remove the {count(stay, 'row')} that the import does not have", key="inventory_import_replace"
    )
    kept = difference.replaced if drop else difference.merged
    same = all(kept[name].equals(current[name]) for name in FRAMES)
    if st.button("Keep this inventory", type="primary", disabled=same, key="inventory_import_keep"):
        for name in FRAMES:
            declared.keep_inventory(session.workspace(), name, kept[name], by=session.who().name)
        session.note("The import is kept.")
        st.rerun()
