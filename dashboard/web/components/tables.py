"""Table components: column types (chips in state colors, times, money, counts, text) and the CSV download."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, cast

import pandas as pd
import pyarrow
import streamlit as st

from dashboard.calls.store import sanitize_table as shown_table
from dashboard.charts import encodings
from dashboard.core.text import counted, visible
from dashboard.domain.snapshot import Snapshot
from dashboard.services.exports import csv_files, to_csv

Rows = TypeVar("Rows", pd.DataFrame, pyarrow.Table)
MOST_ROWS = 16
MOST_PX = 560


def sanitized(rows: Rows) -> Rows:
    """Return rows with invisible characters replaced in all texts; callers and files may contain any character."""
    if isinstance(rows, pyarrow.Table):
        return cast("Rows", shown_table(rows))
    texts = [name for name in rows.columns if not pd.api.types.is_numeric_dtype(rows[name])]
    hidden = [name for name in texts if any(map(_hides, rows[name]))]
    cleaned: pd.DataFrame = rows.assign(**{name: rows[name].astype(object).map(_cell) for name in hidden})
    return cleaned


def _hides(cell: object) -> bool:
    return cell != _cell(cell) if isinstance(cell, str | list) else False


def _cell(cell: object) -> object:
    if isinstance(cell, list):
        return [_cell(item) for item in cell]
    return visible(cell) if isinstance(cell, str) else cell


def height(rows: int, most: int = MOST_ROWS, px: int = MOST_PX) -> int | Literal["content"]:
    """Return a height that shows all rows if there are at most ``most``, else ``px`` pixels with a scroll bar."""
    return "content" if rows <= most else px


def chips(label: str, states: Mapping[str, str], *, width: int = 110) -> Any:
    """
    Configure a column of chips in the theme's state colors; each cell is a list of one text.

    A chip takes the theme's categorical color at the position of its option. Therefore each option is placed at a
    position of its state, and positions between are filled with options that no cell has.

    Args:
        label: Header of the column.
        states: Text of a chip to its state, one of ``encodings.STATES``.
        width: Width of the column in pixels.
    """
    options: list[str] = []
    for text, state in states.items():
        while len(options) % len(encodings.STATES) != encodings.STATES.index(state):
            options.append(" " * (len(options) + 1))
        options.append(text)
    return st.column_config.MultiselectColumn(label, options=options, color="auto", width=width)


def relative_time(label: str, *, help_text: str = "") -> Any:
    """Configure a column of times relative to now; the exact time appears on hover."""
    return st.column_config.DatetimeColumn(label, format="distance", width=120, help=help_text or None)


def at(label: str) -> Any:
    """Configure a column of exact times in the viewer's time zone."""
    return st.column_config.DatetimeColumn(label, format="D MMM HH:mm:ss", width=130)


def usd(label: str) -> Any:
    """Configure a column of amounts in USD."""
    return st.column_config.NumberColumn(label, format="dollar", width=90)


def whole(label: str) -> Any:
    """Configure a column of counts."""
    return st.column_config.NumberColumn(label, format="localized", width=80)


def text(label: str, *, width: int | None = None) -> Any:
    """Configure a column of text."""
    return st.column_config.TextColumn(label, width=width)


def download(name: str, rows: int, frame: Callable[[], pd.DataFrame], snapshot: Snapshot, *, key: str) -> None:
    """
    Draw a button that downloads exactly the displayed rows as CSV.

    Args:
        name: First part of the file name.
        rows: Number of rows.
        frame: Returns the rows; called when the file is requested.
        snapshot: Snapshot with the account and the time of the data.
        key: Key of the button.
    """
    account = csv_files.account_name(sample=snapshot.account.sample, tech_prefix=snapshot.account.tech_prefix)
    st.download_button(
        f"Download {counted(rows, 'row')} as CSV",
        data=lambda: to_csv(frame(), account=account),
        file_name=f"{name}{'-SAMPLE' if snapshot.account.sample else ''}-{snapshot.taken_at:%Y%m%d-%H%MZ}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=key,
        on_click="ignore",
    )
