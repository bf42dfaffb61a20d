"""PBX names with markup: every page shows them as plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from streamlit.testing.v1 import AppTest

from dashboard.services.snapshot_builder import load_frame
from dashboard.services.workspace import Workspace
from tests.router import PAGES
from tests.web.pages.test_set_up_many import paste

NAMES = (
    "**bold** zq1",
    "[zq2](http://evil.example)",
    "$x$ zq3",
    "`zq4`",
    ":red[zq5]",
    "<img src=x onerror=zq6>",
    "# zq7",
    "![zq8](http://evil.example/x.png)",
    ":material/zq9:",
    "~~zq10~~",
    "1. zq14",
    "_zq15_",
    "https://zq16.example",
    "zq17@evil.example",
    ":smile: zq19",
)
DRAWN = re.compile(
    r"(?<!\\)(\*\*bold\*\* zq1|\[zq2\]\(|\$x\$ zq3|`zq4`|:red\[zq5|<img src|!\[zq8|:material/zq9:|~~zq10"
    r"|(?<![\w\\])_zq15_|:smile: zq19)|^# zq7|^1\. zq14|https://zq16|zq17@evil",
    re.MULTILINE,
)
"""Markup in these names that a browser would render."""
TEXTS_ALONE = frozenset({"dataframe", "arrow_data_frame", "code", "selectbox", "text_area"})
"""Elements whose texts are not rendered as Markdown."""


def texts(node: Any) -> Iterator[str]:
    """Yield every text of a page that Streamlit renders as Markdown."""
    told = getattr(node, "proto", None)
    if hasattr(told, "ListFields") and node.type not in TEXTS_ALONE:
        for field, value in told.ListFields():
            if isinstance(value, str) and field.name in ("body", "label", "help"):
                yield value
    for child in getattr(node, "children", {}).values():
        yield from texts(child)


def drawn(at: AppTest) -> list[str]:
    """Return the parts of the names that would be rendered as markup on a page that ran."""
    assert not at.exception
    return [found[0] for text in texts(at._tree) for found in DRAWN.finditer(text)]  # noqa: SLF001 - all element kinds


def messages(at: AppTest, name: str) -> list[str]:
    """Save a PBX on Inventory, then give it the addresses of the others; return what toasts and errors would render."""
    rows = [list(at.dataframe[0].value["name"]).index(name)]
    at.session_state["inventory_table"] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    found = press(at.run(), "Save")
    assert at.toast
    for place in range(1, len(NAMES) + 1):
        field = next(field for field in at.text_input if field.label == "Another address it calls from")
        field.set_value(f"198.51.100.{230 + place}")
        found += press(at, "Add the address")
        assert at.error
    return found


def press(at: AppTest, label: str) -> list[str]:
    """Press a button of a form by its label; return what would be rendered as markup."""
    next(button for button in at.button if button.label == label).click().run()
    return drawn(at)


def test_no_page_draws_a_name(app: Callable[..., AppTest], account: Workspace) -> None:
    """No name is rendered as markup from the paste to the plan, on every page and in the steps of each PBX."""
    rows = [
        f'"{name}",198.51.100.{230 + place},120755501{place:02},"{name}"\n' for place, name in enumerate(NAMES, start=1)
    ]
    at = paste(app("set_up_pbx"), "Name,IP,Numbers,Site\n" + "".join(rows))
    found = {"pasted": drawn(at)}
    at.button(key="set_up_import_keep").click().run()
    found["added"] = drawn(at)
    found |= {page: drawn(app(page)) for page in PAGES}
    found |= {name: drawn(app("set_up_pbx", pbx_id=name)) for name in NAMES}
    found["messages"] = messages(app("inventory"), NAMES[1])
    at = app("set_up_pbx")
    at.button(key="set_up_many_pbx_address_is_allowed").click().run()
    found["plan"] = drawn(at)

    assert set(NAMES) <= set(load_frame(account.state, "pbxs")["name"])
    assert {} == {where: what for where, what in found.items() if what}


def test_five_hundred_pbxs_at_once(app: Callable[..., AppTest], account: Workspace) -> None:
    """A table of 500 PBXs is added at once; pasted again, all its rows count as known."""
    areas = ("201", "203", "205", "208", "209")
    addresses = [f"192.0.2.{n + 1}" if n < 250 else "dynamic" for n in range(500)]
    text = "".join(f"Hall {n},{one},1{areas[n // 100]}55501{n % 100:02}\n" for n, one in enumerate(addresses))
    at = paste(app("set_up_pbx"), text)
    assert "Add 500 PBXs" == at.button(key="set_up_import_keep").label

    at.button(key="set_up_import_keep").click().run()
    again = paste(app("set_up_pbx"), text)

    assert not at.exception
    assert sum(load_frame(account.state, "pbxs")["name"].str.startswith("Hall ")) == 500
    assert {"= Known"} == {state for (state,) in again.dataframe[0].value["state"]}
