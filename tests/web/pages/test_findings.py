"""Findings page: filters, details of a finding, its evidence and its fix."""

from __future__ import annotations

import json
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from tests.texts import golden


def words(at: AppTest) -> str:
    """Return the titles, headings, Markdown and captions of the page as one string."""
    return " ".join(text.value for text in [*at.title, *at.subheader, *at.markdown, *at.caption])


def test_the_title_counts_what_is_open(app: Callable[..., AppTest]) -> None:
    """The title counts the planted mismatches, each once, and their impact; the unevaluated finding is the last row."""
    at = app("findings")

    assert at.title[0].value.startswith("13 findings are open: ")
    assert 13 * [False] + [True] == [state == ["Not evaluated"] for state in at.dataframe[0].value["state"]]


def test_filters_are_kept_in_the_address(app: Callable[..., AppTest]) -> None:
    """A filter is read from the URL, so that a view can be shared."""
    at = app("findings", pbx="Phoenix")

    assert ["Phoenix"] == list(at.dataframe[0].value["subject"])


def test_a_filter_can_be_taken_off(app: Callable[..., AppTest]) -> None:
    """Without a filter by state all findings are shown, including those that passed."""
    at = app("findings")
    at.pills(key="state").set_value([]).run()

    assert len(at.dataframe[0].value) > 30


def test_the_worst_finding_is_open_at_once(app: Callable[..., AppTest]) -> None:
    """Without a selection the page shows the worst finding, its reason and its fix."""
    at = app("findings")

    assert "198.51.100.24 (Denver)" in at.subheader[0].value
    assert golden("checks.listed.is_not_on_the_list") in words(at)
    assert "Review fix" in [button.label for button in at.button]


def test_a_selected_row_is_shown_in_detail(app: Callable[..., AppTest]) -> None:
    """The selected finding is shown below the table, with its evidence and history."""
    at = app("findings")
    row = list(at.dataframe[0].value["subject"]).index("203.0.113.66 (unassigned)")
    at.session_state["findings_table"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    at.run()

    assert "203.0.113.66 (unassigned)" == at.subheader[0].value.replace("\\", "")
    assert "History" in words(at)
    assert len(at.dataframe) > 1


def test_no_match_is_reported(app: Callable[..., AppTest]) -> None:
    """If no finding matches the filters, the page says so."""
    at = app("findings", pbx="Seattle", state="Failed")

    assert golden("pages.findings.no_match") in words(at)


def test_review_opens_the_plan(app: Callable[..., AppTest]) -> None:
    """The button in the details opens the review of that finding's fix."""
    at = app("findings", pbx="Phoenix")
    at.button(key="findings_fix").click().run()

    assert not at.exception
    assert "Inbound route Phoenix" in words(at)
    assert golden("pages.set_up.outbound_calls_are_untouched") + "." in words(at)


def test_evidence_is_written_as_all_tables_are(app: Callable[..., AppTest]) -> None:
    """Counts have separators, and headers of dollar columns omit the unit, so that no header is cut off."""
    table = app("findings").dataframe[1]
    columns = json.loads(table.proto.columns)

    assert ["Cost in 24 h", "Cost"] == [
        columns[name]["label"] for name in (golden("pages.findings.cost_column"), "Cost (USD)")
    ]
    assert "localized" == columns["Calls"]["type_config"]["format"]


def test_a_moment_is_told_relative_in_one_place_only(app: Callable[..., AppTest]) -> None:
    """
    The details have the exact time, without an age.

    The browser computes the age in the table, so that the two cannot differ.
    """
    at = app("findings")
    (history,) = [text.value for text in at.markdown if text.value.startswith("**History.**")]

    assert "First seen " in history
    assert "ago" not in history.partition("First seen ")[2].partition(". ")[0]
