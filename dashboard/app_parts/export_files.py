"""The exports page: which tables there are, a look at one, its CSV, and the zip with its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial

import pandas as pd
import streamlit as st

from dashboard import session
from dashboard.app_parts.words import count, label_of, plain
from dashboard.reports.csv_file import account_name, manifest, to_csv, to_zip
from dashboard.reports.tables_of import all_tables

PREVIEW = 200


@st.cache_resource(max_entries=2, show_spinner="Collecting the tables")
def tables(key: tuple[str, ...]) -> dict[str, pd.DataFrame]:  # noqa: ARG001 - the cache's key
    """Return every table there is to export. Shared between sessions: never change one."""
    opened = session.workspace()
    return all_tables(session.snapshot(), session.findings(), opened.journal.entries(), opened.store)


def whole(found: Mapping[str, pd.DataFrame]) -> None:
    """Draw the download of everything."""
    known = session.snapshot()
    pack = partial(
        sealed_zip, found, account=_account(), taken_at=known.taken_at, head=session.workspace().journal.head()
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Download all as a zip",
            data=pack,
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


def one(found: Mapping[str, pd.DataFrame]) -> None:
    """Draw the choice of a table, its first rows, and its download."""
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
    frame = found[name]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            f"Download {name}.csv",
            data=partial(to_csv, frame, account=_account()),
            file_name=_name(name, "csv"),
            mime="text/csv",
            icon=":material/download:",
            key=f"exports_csv_{name}",
            on_click="ignore",
        )
        shown = f", the first {PREVIEW} are shown" if len(frame) > PREVIEW else ""
        st.caption(f"{count(len(frame), 'row')}{shown}. Times are UTC.", width="content")
    st.dataframe(
        preview(frame), hide_index=True, column_config={column: label_of(column) for column in map(str, frame)}
    )


def preview(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the first rows as they can be shown: money as text with all its digits."""
    head = frame.head(PREVIEW)
    money = [name for name in head if isinstance(head[name].dtype, pd.ArrowDtype)]
    return head.assign(**{str(name): head[name].astype("str") for name in money})


def sealed_zip(found: Mapping[str, pd.DataFrame], *, account: str, taken_at: datetime, head: str) -> bytes:
    """Return the CSV of every table and the manifest that seals them, as one zip."""
    files = {f"{name}.csv": to_csv(frame, account=account) for name, frame in found.items()}
    return to_zip(files, manifest(files, account=account, taken_at=taken_at, head=head))


def _account() -> str:
    account = session.snapshot().account
    return account_name(sample=account.sample, tech_prefix=account.tech_prefix)


def _name(stem: str, ending: str) -> str:
    known = session.snapshot()
    mark = "-SAMPLE" if known.account.sample else ""
    return f"{stem}{mark}-{known.taken_at:%Y%m%d-%H%MZ}.{ending}"
