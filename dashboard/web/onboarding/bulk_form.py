"""Form that adds many PBXs: a pasted or uploaded table, the parsed lines, and one button that adds the valid ones."""

from __future__ import annotations

import hashlib
from typing import Final

import streamlit as st

from dashboard.pbx import Problem, Upload
from dashboard.services.onboarding import PastedFleet, bulk_add
from dashboard.web import session
from dashboard.web.components import tables
from dashboard.web.components.formatting import ICONS, plain
from dashboard.web.inventory import file_import

ROUND = "set_up_import_round"
PRESSED = "set_up_import_pressed"
MOST_TOLD = 8
"""Number of problems listed above the table, where their full text is visible."""
TYPES: Final = ["csv", "tsv", "txt"]
EXAMPLE: Final = "Denver, 198.51.100.24, 13035550120\nTulsa, 198.51.100.77, 19185550100\nMiami, dynamic"
HOW = (
    "A line for each PBX, from a spreadsheet or with commas: name, address, numbers, in any order. Headers are "
    "recognized and not needed. A dynamic address is the word dynamic."
)


@st.fragment
def show() -> None:
    """Draw the text field and the upload, then the parsed lines; nothing is saved before the button is pressed."""
    number = st.session_state.setdefault(ROUND, 0)
    placeholder = st.empty()
    file_import.save_pressed(PRESSED, ROUND, lambda: placeholder.caption("Adding, then checking the account again"))
    st.caption(HOW)
    text = st.text_area(
        "Table of PBXs",
        key=f"set_up_paste_{number}",
        height=140,
        placeholder=EXAMPLE,
    )
    file = st.file_uploader("Or a file of them", key=f"set_up_file_{number}", type=TYPES)
    if file is not None:
        _read_table(bulk_add.table(file.name, file.getvalue()))
    elif text and text.strip():
        _read_table(bulk_add.upload(text))


def _read_table(table: Upload) -> None:
    mark = hashlib.sha256(table.data).hexdigest()
    with session.show_errors():
        pasted = session.cached("set_up_paste", (table.name, mark), lambda: bulk_add.read(session.snapshot(), table))
        _show(pasted)


def _show(pasted: PastedFleet) -> None:
    if pasted.problems:
        st.warning(bulk_add.problems_of(pasted), icon=ICONS["warning"])
        lines = [f"- {_at(problem)}{plain(problem.message)}" for problem in pasted.problems[:MOST_TOLD]]
        omitted = len(pasted.problems) - MOST_TOLD
        st.markdown("\n".join([*lines, *([f"- and {omitted:,} more, in the rows below"] if omitted > 0 else [])]))
    if pasted.layout:
        st.caption(plain(pasted.layout))
    st.dataframe(
        tables.sanitized(pasted.rows),
        hide_index=True,
        height=tables.height(len(pasted.rows), most=12, px=440),
        column_config={
            "line": st.column_config.NumberColumn("Line", width=55),
            "state": tables.chips("State", bulk_add.STATES, width=110),
            "name": tables.text("PBX", width=120),
            "kind": tables.text("Address", width=75),
            "addresses": tables.text("Calls from", width=130),
            "numbers": tables.whole("Numbers") | {"width": 70},
            "says": tables.text("What to know", width=420),
        },
        key="set_up_pasted",
    )
    changed = bulk_add.changed_only(pasted.difference)
    if not changed.empty:
        file_import.preview(changed)
    st.button(
        bulk_add.press_of(pasted),
        type="primary",
        icon=":material/playlist_add:",
        disabled=pasted.empty,
        key="set_up_import_keep",
        on_click=file_import.press,
        args=(PRESSED, file_import.PressedImport(pasted.difference.merged, pasted.shown, bulk_add.result_of(pasted))),
    )


def _at(problem: Problem) -> str:
    return f"**Line {problem.line}:** " if problem.line else ""
