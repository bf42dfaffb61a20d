"""What if page: the single calls and the numbers dialed behind a label or a row of the replay."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from streamlit.testing.v1 import AppTest

from dashboard.calls.replay.replayer import BROKEN, SAVED, Replayer
from dashboard.domain.changes import AllowAddress, RemoveAddress
from dashboard.fixes.account_image import proposed
from dashboard.services.workspace import Workspace
from dashboard.web.what_if import affected_calls
from tests.texts import golden
from tests.web.pages.drafting import DENVER, SEATTLE, edit, expected, row_of, words


def test_single_calls_are_behind_a_label(app: Callable[..., AppTest], account: Workspace) -> None:
    """A label shows its newest calls, each with how it is admitted today and in the draft."""
    at = app("what_if")
    edit(at, deleted_rows=[row_of(at, SEATTLE)])
    total = expected(account, RemoveAddress(network=SEATTLE)).calls(BROKEN)
    at.session_state["behind_label"] = BROKEN
    at.run()
    calls = at.dataframe[-1].value

    assert not at.exception
    assert {"Seattle"} == set(calls["pbx"])
    assert {(f"List entry {SEATTLE}", "Nothing")} == {*zip(calls["today"], calls["then"], strict=True)}
    assert golden("pages.what_if.newest_broken_calls", total=f"{total:,}") in words(at)

    at.button(key="behind_older").click().run()

    assert not at.exception
    assert list(calls["started_at"]) == list(at.dataframe[-1].value["started_at"])[:50]
    assert len(at.dataframe[-1].value) > len(calls)


def test_single_calls_are_behind_a_row(app: Callable[..., AppTest], account: Workspace) -> None:
    """A row shows only the calls of its PBX and label."""
    at = app("what_if")
    edit(at, added_rows=[{"network": DENVER}], deleted_rows=[row_of(at, SEATTLE)])
    known = account.snapshot()
    changes = [AllowAddress(network=DENVER), RemoveAddress(network=SEATTLE)]
    table = affected_calls.by_pbx(Replayer(known).against(proposed(known.policy, changes)))
    place = list(table["label"]).index(SAVED)

    assert list(table["who"]) == list(at.dataframe[-1].value["who"])

    at.session_state[affected_calls.table_key(table)] = {"selection": {"rows": [place], "columns": [], "cells": []}}
    at.run()

    assert not at.exception
    assert {DENVER} == set(at.dataframe[-1].value["source_ip"])
    assert {"Nothing"} == set(at.dataframe[-1].value["today"])
    assert golden("pages.what_if.saved_calls_of", pbx="Denver") in words(at)


def test_the_numbers_dialed_are_behind_a_label(app: Callable[..., AppTest], account: Workspace) -> None:
    """
    The numbers dialed are shown by cost, the most expensive first, each with its country.

    All numbers together, also those not shown, have the calls of the label.
    """
    at = app("what_if")
    edit(at, deleted_rows=[row_of(at, SEATTLE)])
    known = account.snapshot()
    answer = Replayer(known).against(proposed(known.policy, [RemoveAddress(network=SEATTLE)]))
    whole = account.store.destinations(among=affected_calls.rows_of(answer, BROKEN, "", known), limit=None)
    at.session_state["behind_label"] = BROKEN
    at.session_state[affected_calls.VIEW_KEY] = affected_calls.DIALED
    at.run()
    numbers = at.dataframe[-1].value

    assert not at.exception
    assert len(whole) > affected_calls.NUMBERS
    assert list(whole["destination"])[: affected_calls.NUMBERS] == list(numbers["destination"])
    assert answer.impact.calls(BROKEN) == whole["calls"].sum()
    assert numbers["cost_usd"].is_monotonic_decreasing
    assert {"United States"} <= set(numbers["country"])
    assert {"fixed or mobile"} <= set(numbers["kind"])
    there = int(numbers["calls"].sum())
    total = answer.impact.calls(BROKEN)
    assert golden(
        "pages.what_if.costliest_numbers", numbers=affected_calls.NUMBERS, there=f"{there:,}", total=f"{total:,}"
    ) in words(at)


def test_the_numbers_dialed_are_behind_a_row(app: Callable[..., AppTest]) -> None:
    """A row shows only the numbers dialed by its PBX with its label, and no single calls."""
    at = app("what_if")
    edit(at, added_rows=[{"network": DENVER}])
    at.session_state["behind_label"] = SAVED
    at.session_state[affected_calls.VIEW_KEY] = affected_calls.DIALED
    at.run()
    all_of_them = at.dataframe[-1].value
    table = at.dataframe[-2].value
    rows = pd.DataFrame({"label": [SAVED] * len(table), "who": table["who"]})
    at.session_state[affected_calls.table_key(rows)] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    at.run()
    numbers = at.dataframe[-1].value

    assert not at.exception
    assert "started_at" not in numbers
    assert 0 < numbers["calls"].sum() <= all_of_them["calls"].sum()
    assert golden("pages.what_if.saved_calls_of", pbx=table["who"].iloc[0]) in words(at)
