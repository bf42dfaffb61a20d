"""Parts of the Exports page: list of tables, preview and CSV of one table, and the zip with its manifest."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from dashboard.core.text import counted, label_of
from dashboard.domain.claims import NOTHING
from dashboard.services.exports.csv_files import Seal, Table, account_name, csv_of, to_zip
from dashboard.services.exports.frames import all_tables
from dashboard.web import session
from dashboard.web.components import tables as table_components
from dashboard.web.components.formatting import plain

PREVIEW = 200


def tables() -> Mapping[str, Table]:
    """Return all tables that can be exported, by name."""
    opened = session.workspace()
    return session.kept(
        "exports",
        "",
        lambda: all_tables(session.snapshot(), session.findings(), opened.journal.entries(), opened.store),
    )


def title(found: Mapping[str, Table]) -> str:
    """Return the page title: number of tables and of calls; without a number if calls were never fetched."""
    known = session.claims()
    calls = known.figure(found["calls"].rows or 0, "calls")
    if calls.text == NOTHING:
        return f"{len(found)} tables, ready to download. {calls.why}"
    noun = "call" if found["calls"].rows == 1 else "calls"
    return f"{len(found)} tables, {calls.text} {noun} among them, ready to download. {calls.why}".strip()


def whole(found: Mapping[str, Table]) -> None:
    """Draw the download of all tables as a zip."""
    known = session.snapshot()
    seal = Seal.of(session.workspace().journal, account=_account(), taken_at=known.taken_at)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Download all as a zip",
            data=lambda: to_zip(found, seal),
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


def one(found: Mapping[str, Table]) -> None:
    """Draw the choice of a table, its download, and its first rows."""
    name = (
        st.pills(
            "Table",
            list(found),
            default="findings",
            required=True,
            format_func=label_of,
            key="table",
            bind="query-params",
            label_visibility="collapsed",
        )
        or "findings"
    )
    table = found[name]
    head = session.kept("export head", name, lambda: table.first(PREVIEW + 1))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            f"Download {name}.csv",
            data=lambda: csv_of(table, account=_account()),
            file_name=_name(name, "csv"),
            mime="text/csv",
            icon=":material/download:",
            key=f"exports_csv_{name}",
            on_click="ignore",
        )
        st.caption(said(table, len(head)), width="content")
    st.dataframe(
        table_components.shown(preview(head)),
        hide_index=True,
        column_config={column: label_of(column) for column in map(str, head)},
    )


def said(table: Table, looked_at: int) -> str:
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
    return account_name(sample=account.sample, tech_prefix=account.tech_prefix)


def _name(stem: str, ending: str) -> str:
    known = session.snapshot()
    mark = "-SAMPLE" if known.account.sample else ""
    return f"{stem}{mark}-{known.taken_at:%Y%m%d-%H%MZ}.{ending}"
