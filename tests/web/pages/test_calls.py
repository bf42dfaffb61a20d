"""Calls page: outcomes of calls, and the search for single calls."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.repair import drop_file_only
from dashboard.services.workspace import Workspace
from tests.calls.exports import as_csv, rows_at
from tests.texts import golden


def words(at: AppTest) -> str:
    """Return the titles, Markdown and captions of the page as one string."""
    return " ".join(text.value for text in [*at.title, *at.markdown, *at.caption])


def test_the_title_says_how_many_were_refused(app: Callable[..., AppTest]) -> None:
    """The title states the number of calls and the period, followed by how many were refused."""
    assert golden("pages.calls.in_30_days") + "; " in app("calls", span="30 days").title[0].value


def test_calls_are_found_by_outcome_and_pbx(app: Callable[..., AppTest]) -> None:
    """Filters by outcome and PBX apply together, and every row names its PBX."""
    rows = app("calls", span="30 days", outcome="Refused for authorization", **{"from": "Denver"}).dataframe[0].value

    assert {"Denver"} == set(rows["pbx"])
    assert {"198.51.100.24"} == set(rows["source_ip"])
    assert all(why.startswith("403") for why in rows["why"])


def test_calls_are_found_by_part_of_a_number(app: Callable[..., AppTest]) -> None:
    """Calls are found by part of a number, whatever punctuation is typed with it."""
    rows = app("calls", span="30 days", number="(44) 909").dataframe[0].value

    assert len(rows)
    assert all("44909" in number for number in rows["destination"])


def test_pages_go_back_in_time_and_forward_again(app: Callable[..., AppTest]) -> None:
    """The page of older calls has none newer than the first page; the way back shows the first page again."""
    at = app("calls", span="30 days")
    first = at.dataframe[0].value
    at.button(key="calls_older").click().run()
    second = at.dataframe[0].value

    assert not at.exception
    assert second["started_at"].max() <= first["started_at"].min()

    at.button(key="calls_newer").click().run()

    assert list(first["started_at"]) == list(at.dataframe[0].value["started_at"])


def test_a_call_says_why_it_was_refused(app: Callable[..., AppTest]) -> None:
    """A selected call is shown with its reason, its source address with the PBX, and whether it was authorized."""
    at = app("calls", span="30 days", outcome="Refused for authorization")
    at.session_state["calls_table_0"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    at.run()

    assert not at.exception
    assert golden("pages.calls.prefix_is_not_authorized_with_address") in words(at)
    assert "`198.51.100.24` (Denver)" in words(at)
    assert golden("pages.calls.not_authorized") in words(at)


def test_no_match_is_reported(app: Callable[..., AppTest]) -> None:
    """A search without results says that no call matches."""
    assert "No call matches" in words(app("calls", number="9999999"))


def test_filters_of_the_address_narrow_title_and_table(app: Callable[..., AppTest]) -> None:
    """Caller, period and code in the URL filter the title and the table alike."""
    at = app("calls", span="30 days", code="403 Tech Prefix and IP not in ACL", **{"from": "Denver"})
    shown = at.dataframe[0].value

    assert golden("pages.calls.of_pbx_for_code", pbx="Denver", code=403) in at.title[0].value
    assert {"Denver"} == set(shown["pbx"])
    assert all(why.startswith("403 Tech Prefix") for why in shown["why"])


def test_the_page_says_how_many_calls_match(app: Callable[..., AppTest]) -> None:
    """The number of calls in the title equals the number under the table."""
    at = app("calls", span="30 days")
    total = at.title[0].value.partition(" outbound")[0]

    assert golden("pages.calls.calls_that_match", total=total) in words(at)


def test_clearing_the_filters_shows_everything_again(app: Callable[..., AppTest]) -> None:
    """One button removes all filters and keeps the span."""
    at = app("calls", span="30 days", outcome="Answered", **{"from": "Denver"})
    at.button(key="calls_clear").click().run()

    assert not at.exception
    assert golden("pages.calls.in_30_days") in at.title[0].value


def test_new_span_clears_the_selected_range(app: Callable[..., AppTest], account: Workspace) -> None:
    """Another span clears a selected stretch of time, because it may be outside the new span."""
    begin = account.snapshot().taken_at - timedelta(days=3)
    at = app("calls", span="7 days", begin=f"{begin:%Y-%m-%dT00:00}")
    assert " from " in at.title[0].value

    at.segmented_control(key="span").set_value("30 days").run()

    assert not at.exception
    assert golden("pages.calls.last_30_days") in at.title[0].value


def test_filter_change_clears_the_selection(app: Callable[..., AppTest]) -> None:
    """After a filter has changed the rows, no call is selected."""
    at = app("calls", span="30 days")
    at.session_state["calls_table_0"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    at.run()
    assert "Told by its" in words(at) or golden("pages.calls.no_pbx_could_be_told") in words(at)

    at.selectbox(key="outcome").set_value("refused_auth").run()

    assert not at.exception
    assert "Told by its" not in words(at)
    assert golden("pages.calls.no_pbx_could_be_told") not in words(at)


@pytest.mark.parametrize("name", ["from", "code", "zone", "outcome"])
def test_a_link_that_names_nothing_there_is_says_so(app: Callable[..., AppTest], name: str) -> None:
    """An unknown filter value in a link matches no call and is named in the title, instead of being ignored."""
    at = app("calls", span="30 days", **{name: "<nowhere>"})

    assert not at.exception
    assert at.title[0].value.startswith("No outbound call ")
    assert "nowhere" in at.title[0].value


def test_one_outcome_has_no_share(app: Callable[..., AppTest]) -> None:
    """With a filter by outcome the title states no share, because it would always be 100%."""
    title = app("calls", span="30 days", outcome="Refused for authorization").title[0].value
    assert "%" not in title


def test_a_link_to_a_number_can_be_cleared(app: Callable[..., AppTest]) -> None:
    """Clearing the filters also removes a number that came from a link, from the field and from the URL."""
    at = app("calls", span="30 days", number="1212")
    assert "1212" == at.text_input(key="number").value

    at.button(key="calls_clear").click().run()

    assert not at.exception
    assert "" == at.text_input(key="number").value
    assert "number" not in at.query_params
    assert "calls_clear" not in [button.key for button in at.button]


def in_zone(app: Callable[..., AppTest], zone: str, **query: str) -> AppTest:
    """Open the page as a viewer in a time zone."""
    at = app()
    at.context = {"timezone": zone}
    at.switch_page("web/pages/calls.py")
    at.query_params.update(query)
    at.run()
    assert not at.exception
    return at


def test_a_link_shows_the_same_calls_in_another_time_zone(app: Callable[..., AppTest], account: Workspace) -> None:
    """Times in a link are in the sender's time zone; another viewer sees the same calls, with times in their own."""
    day = account.snapshot().taken_at - timedelta(days=5)
    there = {"begin": f"{day:%Y-%m-%d}T09:00", "end": f"{day:%Y-%m-%d}T21:00", "in": "Asia/Tokyo"}

    theirs = in_zone(app, "Asia/Tokyo", span="30 days", **there)
    mine = in_zone(app, "UTC", span="30 days", **there)

    assert [theirs.datetime_input(key="begin").value.hour, theirs.datetime_input(key="end").value.hour] == [9, 21]
    assert [mine.datetime_input(key="begin").value.hour, mine.datetime_input(key="end").value.hour] == [0, 12]
    assert theirs.title[0].value.split()[0] == mine.title[0].value.split()[0] != "0"
    assert "UTC" == mine.query_params["in"]
    mine.button(key="calls_clear").click().run()
    assert "in" not in mine.query_params


@pytest.mark.parametrize(("zone", "hour"), [("Asia/Kolkata", 20), ("America/St_Johns", 12)])
def test_a_stretch_counts_whole_hours_where_clocks_are_half_an_hour_off(
    app: Callable[..., AppTest], account: Workspace, zone: str, hour: int
) -> None:
    """Title and table have the same calls in a time zone whose hours begin at half past a UTC hour."""
    taken = account.snapshot().taken_at
    wednesday = taken - timedelta(days=7 + (taken.weekday() - 2) % 7)
    begin, end = (f"{wednesday:%Y-%m-%d}T{hour + more:02}:00" for more in (0, 3))
    at = in_zone(app, zone, span="30 days", begin=begin, end=end)
    counted = int(at.title[0].value.split()[0])
    shown = at.dataframe[0].value["started_at"]

    assert counted == len(shown) > 1
    assert re.search(rf"from \d+ \w+ {hour}:30 to \d+ \w+ {hour + 3}:30", at.title[0].value)
    assert {moment.tzinfo.key for moment in shown} == {zone}


@pytest.mark.usefixtures("no_caches")
def test_imported_calls_that_the_carrier_does_not_have_are_shown_apart(
    account: Workspace, app: Callable[..., AppTest], tmp_path: Path
) -> None:
    """Calls that are only in an imported file are excluded from the other calls; a filter shows them, each marked."""
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    path = tmp_path / "thief.csv"
    empty = tmp_path / "empty.csv"
    window = (moment, moment + timedelta(seconds=1))
    path.write_text(as_csv(rows_at(moment, customer_ip="203.0.113.99:5060")))
    empty.write_text(as_csv([]))
    import_files(account.store, [path])
    import_files(account.store, [empty], window=window)
    try:
        plain = app("calls", span="30 days", source="203.0.113.99")
        apart = app("calls", span="30 days", source="203.0.113.99", record="Not in the carrier's export")

        assert "No call matches" in words(plain)
        assert [("203.0.113.99", "Imported file only")] == list(
            apart.dataframe[0].value[["source_ip", "record"]].itertuples(index=False, name=None)
        )
        assert golden("pages.calls.only_imported") in words(apart)
    finally:
        drop_file_only(account.store)
