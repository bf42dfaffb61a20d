"""Call records with markup and hidden characters: pages and downloads show them as plain text."""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.replay.replayer import LABELS
from dashboard.core.text import FORMULA_STARTS, UNSAFE, visible
from dashboard.domain.changes import AllowAddress
from dashboard.services.exports.csv_files import csv_of
from dashboard.services.exports.frames import all_tables
from dashboard.services.workspace import Workspace
from dashboard.web.outcomes.table import VIEWS
from tests.calls.exports import HEADER, a_row, as_csv, at
from tests.router import PAGES
from tests.web.pages.drafting import edit, expected
from tests.web.pages.seen import sent

HIDDEN: Final = "\u202e\x1b[2J\x9b31m\x07\u200b"
WORD: Final = "qz"
"""Part of every hostile text, by which it is found on a page."""
MARKUP: Final = (
    f"{HIDDEN}[{WORD}0](http://evil.example)",
    f"<img src=x onerror={WORD}1>{HIDDEN}",
    f"`{HIDDEN}` ![{WORD}2](http://evil.example/x.png) :red[x]",
    f"=HYPERLINK('http://evil.example'){HIDDEN}{WORD}3\n# {WORD}\n===",
)
DRAWN: Final = re.compile(
    r"(?<!\\)\]\(http|(?<!\\)<img|(?<!\\):red\[x\]|https?://evil|^\s*#\s|^\s*=+\s*$", re.MULTILINE
)
"""Text that Markdown would render as markup."""
CODE: Final = re.compile(r"(?<![`\\])(`+)(?!`).*?(?<!`)\1(?!`)")
"""Monospace text, in which Markdown renders no markup."""
MARKDOWN: Final = frozenset({"body", "label", "help", "caption", "delta"})
"""Fields of elements that Streamlit renders as Markdown."""
AS_IT_IS: Final = frozenset({"dataframe", "vega_lite_chart", "code"})
"""Elements whose texts are not rendered as Markdown."""
NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
UNLISTED: Final = "203.0.113.77"


@pytest.fixture(scope="module", autouse=True)
def hostile(account: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import calls with hostile texts: of an own and of an unlisted source, answered and refused, and inbound."""
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=90)
    rows = []
    for place, text in enumerate(MARKUP * 8):
        moment = now - timedelta(hours=5 * place)
        row = dict.fromkeys(
            (
                "destination_name",
                "number_alias",
                "callerid",
                "callerid_country",
                "line_information",
                "call_fail_reason",
                "custom_x_tag",
                "sip_callid",
                "cdr_id",
            ),
            text,
        )
        row |= {"start_time": at(moment), "end_time": at(moment + timedelta(minutes=1)), "total_cost": "9.00000000"}
        row |= {"cdr_id": f"{text}{place}", "sip_callid": f"{text}{place}"}
        own = {"custom_x_tag": "", "callerid": "+14255550111"}
        refused = {"result": "failed", "call_fail_sip_code": "403", "duration": "0", "total_cost": "0"}
        rows += [
            a_row(**row | {"destination": text, "customer_ip": f"{UNLISTED}:5060"}),
            a_row(**row | {"cdr_id": f"b{text}{place}"} | own | {"customer_ip": "198.51.100.24:5060"}),
            a_row(
                **row | refused | {"cdr_id": f"c{text}{place}", "destination": text, "customer_ip": f"{UNLISTED}:5060"}
            ),
            a_row(**row | {"cdr_id": f"d{text}{place}", "direction": "Inbound", "customer_ip": text}),
            a_row(**row | {"cdr_id": f"e{text}{place}", "result": text, "call_fail_sip_code": "500"}),
            a_row(**row | {"cdr_id": f"f{text}{place}", "customer_ip": text}),
        ]
    file = tmp_path_factory.mktemp("calls") / f"calls{HIDDEN.replace(chr(7), '')}.csv"
    file.write_text(as_csv(rows, [*HEADER, "sip_callid", "cdr_id"]))
    (result,) = import_files(account.store, [file])
    assert (5 * len(MARKUP * 8), len(MARKUP * 8)) == (result.kept, result.rejected), result


def faults(page: AppTest) -> list[tuple[str, str, str]]:
    """Return the texts of a page that have a hidden character or that Markdown would render as markup."""
    found = []
    for kind, field, text in sent(page):
        drawn = field in MARKDOWN and kind not in AS_IT_IS and DRAWN.search(CODE.sub("", text))
        if drawn or UNSAFE.search(text.replace("\u2060", "")):
            found.append((kind, field, text))
    return found


def shows(page: AppTest, *kinds: str) -> bool:
    """Return whether a hostile text is on a page, or in its elements of the given kinds."""
    return any(WORD in text for kind, _, text in sent(page) if not kinds or kind in kinds)


def chosen(page: AppTest, table: str, place: int) -> AppTest:
    """Select a row of a table and rerun the page."""
    page.session_state[table] = {"selection": {"rows": [place], "columns": [], "cells": []}}
    return page.run()


def test_no_page_draws_a_text_of_a_call(app: Callable[..., AppTest]) -> None:
    """No page renders a hostile text when it opens."""
    page = app()
    found = {"": faults(page)}
    for name in PAGES:
        found[name] = faults(page.switch_page(f"web/pages/{name}.py").run())

    assert {} == {name: texts for name, texts in found.items() if texts}


def test_outcome_tables_render_no_hostile_text(app: Callable[..., AppTest]) -> None:
    """No table of the Outcomes page renders a hostile text, for any grouping, nor do the details of a row."""
    page = app("outcomes", span="7 days")
    found = {}
    there = set()
    for by in VIEWS:
        page.pills(key="by").set_value(by).run()
        there |= {by} if shows(page, "dataframe") else set()
        texts = page.dataframe[0].value.get("of", pd.Series(dtype="str")).astype("str")
        place = int(texts.str.contains(WORD).argmax()) if len(texts) else 0
        found[by] = faults(page) + faults(chosen(page, f"outcomes_{by}", place))

    assert {} == {by: texts for by, texts in found.items() if texts}
    assert {"destination", "dialed", "new"} <= there


@pytest.mark.parametrize("direction", ["Outbound", "Inbound"])
def test_call_details_render_no_hostile_text(app: Callable[..., AppTest], direction: str) -> None:
    """The call table and the details of a call (addresses, numbers, tag, reason, key) render no hostile text."""
    page = app("calls", span="7 days", direction=direction)
    found = faults(page)
    zones = page.dataframe[0].value["zone"]
    places = [place for place, zone in enumerate(zones) if WORD in zone][: len(MARKUP)]
    for place in places:
        found += faults(chosen(page, "calls_table_0", place))
        assert shows(page, "markdown")

    assert [] == found
    assert len(MARKUP) == len(places)


def test_a_destination_is_offered_as_it_can_be_shown(app: Callable[..., AppTest]) -> None:
    """
    A destination is offered without hidden characters.

    Selected, or in a link as the carrier's file has it, it finds its calls.
    """
    page = app("calls", span="7 days")
    offered = next(zone for zone in page.selectbox(key="zone").options if WORD in zone)
    page.selectbox(key="zone").select(offered).run()
    linked = app("calls", span="7 days", zone=next(text for text in MARKUP if visible(text) == offered))

    for each in (page, linked):
        assert [] == faults(each)
        assert {offered} == set(each.dataframe[0].value["zone"])


def test_export_previews_render_no_hostile_text(app: Callable[..., AppTest], account: Workspace) -> None:
    """The preview of every table renders no hostile text."""
    page = app("exports")
    found = {}
    there = set()
    for name in all_tables(account.snapshot(), [], [], account.store):
        page.pills(key="table").set_value(name).run()
        found[name] = faults(page)
        there |= {name} if shows(page, "dataframe") else set()

    assert {} == {name: texts for name, texts in found.items() if texts}
    assert {"calls", "rejected_rows"} <= there


def test_no_file_to_download_has_a_formula_or_a_hidden_character(account: Workspace) -> None:
    """No CSV file has a formula or a hidden character, including those of tables added later."""
    tables = all_tables(account.snapshot(), account.findings(), account.journal.entries(), account.store)
    files = {name: csv_of(table, account="SAMPLE").decode() for name, table in tables.items()}
    cells = {name: [cell for row in csv.reader(io.StringIO(text)) for cell in row] for name, text in files.items()}

    assert [] == [name for name, text in files.items() if UNSAFE.search(text)]
    assert [] == [
        (name, cell)
        for name, texts in cells.items()
        for cell in texts
        if cell.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(cell)
    ]
    assert {"calls", "traffic", "rejected_rows"} <= {name for name, text in files.items() if WORD in text}


def test_finding_evidence_renders_no_hostile_text(app: Callable[..., AppTest]) -> None:
    """The finding on an unlisted source, whose evidence has its calls and destinations, renders no hostile text."""
    page = app("findings")
    subjects = [str(subject) for subject in page.dataframe[0].value["subject"]]
    places = [place for place, subject in enumerate(subjects) if UNLISTED in subject]
    found = [fault for place in places for fault in faults(chosen(page, "findings_table", place))]

    assert [] == found
    assert places


def test_what_if_calls_render_no_hostile_text(app: Callable[..., AppTest], account: Workspace) -> None:
    """A draft that allows the unlisted source shows its calls and the numbers dialed without rendering their texts."""
    page = app("what_if")
    edit(page, added_rows=[{"network": UNLISTED, "label": MARKUP[0]}])
    foreseen = expected(account, AllowAddress(network=UNLISTED))
    found = faults(page)
    there = []
    for label in [label for label in LABELS if foreseen.calls(label)]:
        page.session_state["behind_label"] = label
        found += faults(page.run())
        there += [label] * shows(page, "dataframe")

    assert [] == found
    assert there


SOURCES: Final = sorted((Path(dashboard.__file__).parent).rglob("*.py"))


def tables_drawn() -> Iterator[tuple[str, ast.expr]]:
    """Yield the place of each call that draws a table, and the expression of its data."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"st.dataframe", "st.data_editor", "st.table"}:
                yield f"{path.name}:{node.lineno}", node.args[0]


def test_every_table_of_a_page_is_made_fit_to_be_shown() -> None:
    """The data of every table, including those added later, passes through ``shown``."""
    found = dict(tables_drawn())

    assert len(found) > 15
    made_fit = ("tables.sanitized(", "table_components.sanitized(")
    assert [] == [place for place, drawn in found.items() if not ast.unparse(drawn).startswith(made_fit)]
