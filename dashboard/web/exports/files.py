"""Parts of the Exports page: list of tables, preview and CSV of one table, and the zip with its manifest."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from dashboard.core.text import counted, label_of
from dashboard.domain.claims import NOTHING
from dashboard.services.exports import csv_files, frames
from dashboard.web import session
from dashboard.web.components import tables as table_components
from dashboard.web.components.formatting import plain

PREVIEW = 200


def tables() -> Mapping[str, csv_files.Table]:
    """Return all tables that can be exported, by name."""
    opened = session.workspace()
    return session.cached(
        "exports",
        "",
        lambda: frames.all_tables(session.snapshot(), session.findings(), opened.journal.entries(), opened.store),
    )


def title(export_tables: Mapping[str, csv_files.Table]) -> str:
    """Return the page title: number of tables and of calls; without a number if calls were never fetched."""
    current_claims = session.claims()
    calls = current_claims.figure(export_tables["calls"].rows or 0, "calls")
    if calls.text == NOTHING:
        return f"{len(export_tables)} tables, ready to download. {calls.why}"
    noun = "call" if export_tables["calls"].rows == 1 else "calls"
    return f"{len(export_tables)} tables, {calls.text} {noun} among them, ready to download. {calls.why}".strip()


def draw_archive(export_tables: Mapping[str, csv_files.Table]) -> None:
    """Draw the download of all tables as a zip."""
    snapshot = session.snapshot()
    seal = csv_files.Seal.of(session.workspace().journal, account=_account(), taken_at=snapshot.taken_at)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Download all as a zip",
            data=lambda: csv_files.to_zip(export_tables, seal),
            file_name=_name("trunkgate", "zip"),
            mime="application/zip",
            type="primary",
            icon=":material/folder_zip:",
            key="exports_zip",
            on_click="ignore",
        )
        st.caption(
            f"Every row says whose it is ({plain(_account())}). The manifest holds each file's SHA-256 "
            "and the journal's last hash.",
            width="stretch",
        )


def draw_table(export_tables: Mapping[str, csv_files.Table]) -> None:
    """Draw the choice of a table, its download, and its first rows."""
    name = (
        st.pills(
            "Table",
            list(export_tables),
            default="findings",
            required=True,
            format_func=label_of,
            key="table",
            bind="query-params",
            label_visibility="collapsed",
        )
        or "findings"
    )
    table = export_tables[name]
    head = session.cached("export head", name, lambda: table.first(PREVIEW + 1))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            f"Download {name}.csv",
            data=lambda: csv_files.csv_of(table, account=_account()),
            file_name=_name(name, "csv"),
            mime="text/csv",
            icon=":material/download:",
            key=f"exports_csv_{name}",
            on_click="ignore",
        )
        st.caption(row_count_text(table, len(head)), width="content")
    st.dataframe(
        table_components.sanitized(preview(head)),
        hide_index=True,
        column_config={column: label_of(column) for column in map(str, head)},
    )


def row_count_text(table: csv_files.Table, looked_at: int) -> str:
    """
    Return how many rows a table has and how many of them are shown.

    ``looked_at`` is the number of rows that were read, at most ``PREVIEW`` plus one.
    """
    if looked_at <= PREVIEW:
        return f"{counted(looked_at, 'row')}. Times are UTC."
    rows = counted(table.rows, "row") if table.rows is not None else f"More than {PREVIEW} rows"
    return f"{rows}, the first {PREVIEW} are shown. Times are UTC."


def preview(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the first rows for display, with amounts of money as text with all digits."""
    head = frame.head(PREVIEW)
    money = [name for name in head if isinstance(head[name].dtype, pd.ArrowDtype)]
    return head.assign(**{str(name): head[name].astype("str") for name in money})


def _account() -> str:
    account = session.snapshot().account
    return csv_files.account_name(sample=account.sample, tech_prefix=account.tech_prefix)


def _name(stem: str, ending: str) -> str:
    snapshot = session.snapshot()
    mark = "-SAMPLE" if snapshot.account.sample else ""
    return f"{stem}{mark}-{snapshot.taken_at:%Y%m%d-%H%MZ}.{ending}"
