"""The app under Streamlit's AppTest: in this process, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Node

import dashboard
from tests.waiting import WAIT_S

APP = Path(dashboard.__file__).parent / "app.py"


def new_app() -> AppTest:
    """Return the app before its first run."""
    app = AppTest.from_file(str(APP), default_timeout=WAIT_S)
    app._bidi_component_manager = _components()  # noqa: SLF001 - there is no public way to share it
    return app


@cache
def _components() -> BidiComponentManager:
    """Return the components of installed packages, discovered once because discovery is slower than most pages."""
    found = BidiComponentManager()
    found.discover_and_register_components(start_file_watching=False)
    return found


def form_errors(at: AppTest, key: str) -> list[str]:
    """Return the errors that stand in the form with a key, without escapes."""
    (form,) = (node for node in elements(at) if isinstance(node, Block) and _form_id(node) == key)
    return [visible_text(error.value) for error in form.get("error")]


def visible_text(markdown: str) -> str:
    """Return text as a reader sees it: without the escapes and the invisible word joiners of Markdown."""
    return markdown.replace("\\", "").replace("\u2060", "")


def elements(at: AppTest) -> list[Node]:
    """Return the blocks and elements of a page's main part in the order in which they are drawn."""
    return list(_below(at.main))


def _below(block: Block) -> Iterator[Node]:
    for child in block.children.values():
        yield child
        if isinstance(child, Block):
            yield from _below(child)


def _form_id(block: Block) -> str:
    return block.proto.form.form_id if block.type == "form" else ""
