"""Wanted configuration of a PBX, compared with the configuration that was read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Final

import pandas as pd
import streamlit as st

from dashboard.core.errors import InputError
from dashboard.domain.snapshot import Snapshot
from dashboard.pbx import writers
from dashboard.web import session
from dashboard.web.components import tables
from dashboard.web.components.formatting import plain

STATE_WORDS: Final = {"same": "As wanted", "changed": "Change", "missing": "Add", "extra": "Take out"}
STATE_COLORS: Final = {"As wanted": "good", "Change": "plain", "Add": "plain", "Take out": "plain"}


def show(snapshot: Snapshot, pbx_id: str) -> None:
    """Draw the wanted configuration of one PBX: choice of the PBX kind, differences, steps and files."""
    try:
        spec = writers.trunk_spec_for(snapshot, pbx_id)
    except InputError as exc:
        st.markdown(plain(str(exc)))
        return
    kinds = writers.kinds()
    vendor = snapshot.pbxs.loc[snapshot.pbxs["pbx_id"] == pbx_id, "vendor"]
    kind = st.selectbox(
        "Write it for",
        kinds,
        index=kinds.index(writers.kind_for(str(vendor.iloc[0]))),
        format_func=writers.label_of,
        key=f"writing_kind_{pbx_id}",
    )
    with session.show_errors():
        _draw_config(snapshot, spec, kind)


def _draw_config(snapshot: Snapshot, spec: writers.TrunkSpec, kind: str) -> None:
    pbx_id = spec.pbx_id
    snippet = writers.write(kind, spec)
    if (snapshot.pbx_config["pbx_id"] == pbx_id).any():
        rows = frame_of(writers.compare(spec, snapshot.pbx_config))
        st.dataframe(
            tables.sanitized(rows),
            hide_index=True,
            height=tables.height(len(rows)),
            column_config={
                "state": tables.chips("To do", STATE_COLORS, width=90),
                "what": tables.text("What", width=120),
                "now": tables.text("Now", width=200),
                "wanted": tables.text("Wanted", width=200),
                "place": tables.text("Where it stands", width=220),
            },
            key=f"writing_rows_{pbx_id}",
        )
    else:
        st.caption("Nothing was read of its configuration yet: import it on Inventory to see what differs.")
    if snippet.settings:
        st.dataframe(
            tables.sanitized(
                pd.DataFrame(
                    [
                        {"page": setting.page, "field": setting.field, "value": setting.value}
                        for setting in snippet.settings
                    ]
                )
            ),
            hide_index=True,
            height=tables.height(len(snippet.settings)),
            column_config={
                "page": tables.text("Page", width=250),
                "field": tables.text("Field", width=190),
                "value": tables.text("Value", width=260),
            },
            key=f"writing_settings_{pbx_id}",
        )
    st.markdown("\n".join(f"{number}. {plain(step)}" for number, step in enumerate(snippet.steps, start=1)))
    for path, text in snippet.files.items():
        st.caption(plain(path))
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


def frame_of(rows: list[writers.SettingComparison]) -> pd.DataFrame:
    """Return the comparison as shown on the page, settings to change first."""
    ordered = sorted(rows, key=lambda row: row.state is writers.SettingState.SAME)
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
    """Return files as a zip archive; equal files give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return buffer.getvalue()
