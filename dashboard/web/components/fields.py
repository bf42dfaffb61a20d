"""Fields of a form that show recorded values, and what is typed into them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st


def fill(form: str, values: Mapping[str, Any]) -> None:
    """
    Fill the fields of a form before they are drawn, and again when the recorded values differ from those filled in.

    A field keeps what is typed into it even if its default changes, so without this it would show an old value after
    somebody else changed the recorded one, and saving the form would put the old value back.

    Args:
        form: Session key of the form.
        values: Recorded values by the session key of their field.
    """
    changed = st.session_state.get(form) != values
    for key, value in values.items():
        if changed or key not in st.session_state:
            st.session_state[key] = value
    st.session_state[form] = dict(values)
