"""The configuration that a PBX should have, beside what was read of the one it has."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Final

import pandas as pd
import streamlit as st

from dashboard import session, writing
from dashboard.app_parts import grids
from dashboard.app_parts.words import plain
from dashboard.errors import InputError
from dashboard.snapshot import Snapshot

STATE_WORDS: Final = {"same": "As wanted", "changed": "Change", "missing": "Add", "extra": "Take out"}
STATE_COLORS: Final = {"As wanted": "good", "Change": "plain", "Add": "plain", "Take out": "plain"}


def show(snapshot: Snapshot, pbx_id: str) -> None:
    """Draw what to write for one PBX: the kind to choose, what differs, the files and the steps."""
    try:
        wanted = writing.wanted_for(snapshot, pbx_id)
    except InputError as exc:
        st.markdown(plain(str(exc)))
        return
    kinds, vendor = writing.kinds(), snapshot.pbxs.loc[snapshot.pbxs["pbx_id"] == pbx_id, "vendor"]
    kind = st.selectbox(
        "Write it for",
        kinds,
        index=kinds.index(writing.kind_for(str(vendor.iloc[0]))),
        format_func=writing.label_of,
        key=f"writing_kind_{pbx_id}",
    )
    with session.errors_said():
        _written(snapshot, wanted, kind)


def _written(snapshot: Snapshot, wanted: writing.Wanted, kind: str) -> None:
    pbx_id, snippet = wanted.pbx_id, writing.write(kind, wanted)
    if (snapshot.pbx_config["pbx_id"] == pbx_id).any():
        rows = frame_of(writing.compare(wanted, snapshot.pbx_config))
        st.dataframe(
            grids.shown(rows),
            hide_index=True,
            height=grids.height(len(rows)),
            column_config={
                "state": grids.chips("To do", STATE_COLORS, width=90),
                "what": grids.text("What", width=120),
                "now": grids.text("Now", width=200),
                "wanted": grids.text("Wanted", width=200),
                "place": grids.text("Where it stands", width=220),
            },
            key=f"writing_rows_{pbx_id}",
        )
    else:
        st.caption("Nothing was read of its configuration yet: import it on Inventory to see what differs.")
    if snippet.settings:
        st.dataframe(
            grids.shown(
                pd.DataFrame([{"page": one.page, "field": one.field, "value": one.value} for one in snippet.settings])
            ),
            hide_index=True,
            height=grids.height(len(snippet.settings)),
            column_config={
                "page": grids.text("Page", width=250),
                "field": grids.text("Field", width=190),
                "value": grids.text("Value", width=260),
            },
            key=f"writing_settings_{pbx_id}",
        )
    st.markdown("\n".join(f"{number}. {step}" for number, step in enumerate(snippet.steps, start=1)))
    for path, text in snippet.files.items():
        st.caption(path)
        st.code(text, language="xml" if path.endswith(".xml") else "ini", height=320)
    if snippet.files:
        _download(snippet.files, f"{pbx_id}-{kind}", f"writing_download_{pbx_id}")


def _download(files: Mapping[str, str], name: str, key: str) -> None:
    st.download_button(
        "Download the files",
        zipped(files),
        file_name=f"{name}.zip",
        mime="application/zip",
        key=key,
        on_click="ignore",
    )


def frame_of(rows: list[writing.Compared]) -> pd.DataFrame:
    """Return what differs as the page shows it, what there is to do in front."""
    ordered = sorted(rows, key=lambda row: row.state is writing.State.SAME)
    return pd.DataFrame(
        {
            "state": [[STATE_WORDS[row.state]] for row in ordered],
            "what": [row.what for row in ordered],
            "now": [row.now for row in ordered],
            "wanted": [row.wanted for row in ordered],
            "place": [f"{row.file}, line {row.line}" if row.line else row.file for row in ordered],
        }
    )


def zipped(files: Mapping[str, str]) -> bytes:
    """Return files as an archive; the same files make the same bytes."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return held.getvalue()
