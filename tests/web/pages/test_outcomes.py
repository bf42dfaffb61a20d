"""Outcomes page: every figure is compared with a count of single calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.calls.analytics.definitions import ANSWERED, DEFINITIONS, MIN_SAMPLE
from dashboard.calls.analytics.metrics import PEAKS
from dashboard.calls.analytics.peaks import Peaks
from dashboard.calls.attribution import attribute
from dashboard.calls.store.store import CallFilter
from dashboard.services.workspace import Workspace
from dashboard.sip.call_outcomes import SHORT_S
from dashboard.web.components.formatting import money
from dashboard.web.outcomes import numbers_seen
from dashboard.web.outcomes import rows as outcome_rows
from dashboard.web.outcomes.table import DIALED, NEW, VIEWS
from tests.texts import golden

MONTH = "30 days"


@pytest.fixture(scope="module")
def calls(account: Workspace) -> pd.DataFrame:
    """Return the single outbound calls of the page's 30 days, attributed."""
    known = account.snapshot()
    since = (pd.Timestamp(known.taken_at).normalize() - pd.DateOffset(days=29)).to_pydatetime()
    where = CallFilter(since=since, until=known.taken_at, direction="outbound")
    found = account.store.calls(where, limit=1_000_000)
    return attribute(found, pbxs=known.pbxs, pbx_addresses=known.pbx_addresses, pbx_numbers=known.pbx_numbers)


def figures(at: AppTest) -> dict[str, str]:
    """Return the values of the figures by label."""
    return {metric.label: metric.value for metric in at.metric}


def table(at: AppTest) -> pd.DataFrame:
    """Return the table, indexed by group."""
    return at.dataframe[0].value.set_index("of")


def grouped(calls: pd.DataFrame, account: Workspace, by: str) -> Any:
    """Return the single calls grouped as the rows of the table."""
    known = account.snapshot()
    pops = dict(zip(known.pbxs["pbx_id"], known.pbxs["pop"], strict=True))
    keys = {
        "pbx": [
            known.name_of(pbx) if pbx else f"{ip} (unassigned)"
            for pbx, ip in zip(calls["pbx_id"], calls["source_ip"], strict=True)
        ],
        "source": calls["source_ip"],
        "destination": calls["destination_name"],
        "pop": [pops.get(pbx) or "Not known" for pbx in calls["pbx_id"]],
        "day": calls["started_at"].dt.strftime("%Y-%m-%d"),
    }
    return calls.assign(of=list(keys[by])).groupby("of")


def peaks_of(calls: pd.DataFrame) -> list[int]:
    """Return the most calls started in a second and in a minute, and the most concurrent answered calls."""
    starts = calls["started_at"]
    answered = calls[calls["outcome"] == "answered"]
    moments = pd.concat([pd.Series(1, answered["started_at"]), pd.Series(-1, answered["ended_at"])])
    most = moments.groupby(level=0).sum().sort_index().cumsum().max() if len(answered) else 0
    return [int(starts.value_counts().max()), int(starts.dt.floor("min").value_counts().max()), int(most)]


def test_the_title_says_how_many_are_answered(app: Callable[..., AppTest], calls: pd.DataFrame) -> None:
    """The title states the share of answered calls in the period, and the lowest one."""
    title = app("outcomes", span=MONTH).title[0].value
    share = (calls["outcome"] == "answered").mean()

    assert title.startswith(golden("pages.outcomes.answered", share=f"{share:.0%}", calls=f"{len(calls):,}"))
    assert title.endswith("%).")


def test_figures_are_those_of_single_calls(app: Callable[..., AppTest], calls: pd.DataFrame) -> None:
    """Call count, ASR, NER, short calls, refused share, ACD and peaks equal those of the single calls."""
    shown = figures(app("outcomes", span=MONTH))
    answered = calls[calls["outcome"] == "answered"]
    starts = calls["started_at"]

    assert {
        "Calls": f"{len(calls):,}",
        "ASR": f"{len(answered) / len(calls):.1%}",
        "NER": f"{calls['outcome'].isin(['answered', 'busy_or_no_answer']).mean():.1%}",
        "Short calls": f"{(answered['duration_s'] < SHORT_S).mean():.1%}",
        "Refused": f"{(calls['outcome'] == 'refused_auth').mean():.1%}",
        "ACD": f"{answered['duration_s'].mean():.0f} s",
        golden("pages.outcomes.most_in_a_second"): f"{starts.value_counts().max():,}",
        golden("pages.outcomes.most_in_a_minute"): f"{starts.dt.floor('min').value_counts().max():,}",
    }.items() <= shown.items()
    moments = pd.concat([pd.Series(1, answered["started_at"]), pd.Series(-1, answered["ended_at"])])
    assert f"{moments.groupby(level=0).sum().sort_index().cumsum().max():,}" == shown["Most at once"]


def test_metric_tooltip_has_formula_and_counts(app: Callable[..., AppTest], calls: pd.DataFrame) -> None:
    """The tooltip of a figure has its formula, numerator and denominator, interval and source."""
    asr = next(metric for metric in app("outcomes", span=MONTH).metric if metric.label == "ASR")
    said = asr.help.replace("\\", "")

    assert DEFINITIONS["asr"].formula in said
    assert f"{(calls['outcome'] == 'answered').sum():,} of {len(calls):,}" in said
    assert "95% interval" in said
    assert DEFINITIONS["asr"].source in said


@pytest.mark.parametrize("by", ["pbx", "source", "destination", "pop", "day"])
def test_table_equals_single_calls_for_each_grouping(
    app: Callable[..., AppTest], account: Workspace, calls: pd.DataFrame, by: str
) -> None:
    """Calls, shares and cost of each row are those of its single calls; too few calls have no share."""
    counted = grouped(calls, account, by)
    found = table(app("outcomes", span=MONTH, by=VIEWS[by]))

    assert found["calls"].to_dict() == counted.size().to_dict()
    for name, mine in counted:
        row = found.loc[name]
        answered = (mine["outcome"] == "answered").mean()
        assert sum(mine["cost_usd"], Decimal(0)) == pytest.approx(Decimal(str(row["cost_usd"])), abs=Decimal("0.0001"))
        if len(mine) < MIN_SAMPLE:
            assert pd.isna(row["asr"])
        else:
            assert row["asr"] == pytest.approx(100 * answered)
            assert row["refusal_share"] == pytest.approx(100 * (mine["outcome"] == "refused_auth").mean())


@pytest.mark.parametrize("by", ["pbx", "source", "destination", "pop"])
def test_peaks_are_counted_on_demand(
    app: Callable[..., AppTest], account: Workspace, calls: pd.DataFrame, by: str
) -> None:
    """A button counts the peaks of each row from its single calls and shows the time; another span has none yet."""
    at = app("outcomes", span=MONTH, by=VIEWS[by])
    assert not {*PEAKS} & {*table(at).columns}

    at.button(key=f"count_peaks_{by}").click().run()

    assert not at.exception
    found = table(at)
    assert {name: list(found.loc[name, list(PEAKS)]) for name in found.index} == {
        name: peaks_of(mine) for name, mine in grouped(calls, account, by)
    }
    assert any("Peaks counted at " in caption.value for caption in at.caption)
    at.button(key=f"count_peaks_{by}").click().run()
    assert not at.exception, "counted before"
    at.segmented_control(key="span").set_value("7 days").run()
    assert not {*PEAKS} & {*table(at).columns}


def test_days_have_their_peaks_at_once(app: Callable[..., AppTest], calls: pd.DataFrame) -> None:
    """
    Days have their peaks without a count, because the store keeps the load by minute.

    A call that continues after midnight counts as concurrent on the next day too.
    """
    found = table(app("outcomes", span=MONTH, by=VIEWS["day"]))

    for day, mine in calls.groupby(calls["started_at"].dt.strftime("%Y-%m-%d")):
        before = calls[(calls["started_at"] < day) & (calls["ended_at"] > day) & (calls["outcome"] == "answered")]
        peak_1s, peak_60s, _ = peaks_of(mine)
        _, _, concurrent = peaks_of(pd.concat([before, mine]))
        assert list(found.loc[day, list(PEAKS)]) == [peak_1s, peak_60s, concurrent]


def test_the_file_has_the_peaks_that_are_shown(calls: pd.DataFrame) -> None:
    """The file has the given peaks; they are missing, not 0, for a row without known peaks."""
    rows = calls.assign(of=calls["source_ip"], short_calls=0, calls=1)
    known, other = calls["source_ip"].value_counts().index[:2]
    peaks = pd.DataFrame({"of": [known], "peak_1s": [2], "peak_60s": [5], "concurrent": [3]})

    found = outcome_rows.export_rows(rows, "source", [other, known], peaks)

    assert found.loc[1, list(PEAKS)].tolist() == [2, 5, 3]
    assert found.loc[0, list(PEAKS)].isna().all()


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ((), golden("pages.outcomes.peaks")),
        ((date(2026, 11, 3),), golden("pages.outcomes.peaks_without_a_day")),
        (
            (date(2026, 11, 3), date(2026, 11, 4), date(2026, 11, 5)),
            golden("pages.outcomes.peaks_without_days"),
        ),
    ],
)
def test_days_that_are_not_kept_are_said(gone: tuple[date, ...], words: str) -> None:
    """Days without single calls are named, so that their peaks are not taken for zero."""
    assert outcome_rows.peaks_text(Peaks(pd.DataFrame(), gone), "14:05 UTC").startswith(words)


def test_a_row_says_what_its_shares_divide(calls: pd.DataFrame) -> None:
    """A row's shares are listed by name, with numerator, denominator and interval."""
    address = calls["source_ip"].value_counts().index[0]
    mine = calls[calls["source_ip"] == address]
    told = outcome_rows.share_details(calls.assign(of=calls["source_ip"], short_calls=0, calls=1), address)

    assert set(told["ratio"]) == {DEFINITIONS[name].name for name in outcome_rows.SHARES}
    ner = told.set_index("ratio").loc[DEFINITIONS["ner"].name]
    effective = mine["outcome"].isin(["answered", "busy_or_no_answer"]).sum()
    assert (ner["numerator"], ner["denominator"]) == (effective, len(mine))
    assert ner["low"] <= ner["value"] <= ner["high"]


def test_a_row_that_is_chosen_shows_every_interval(app: Callable[..., AppTest]) -> None:
    """A selected row gets a second table with each of its shares and the interval."""
    at = app("outcomes", span=MONTH)
    assert len(at.dataframe) == 1
    at.session_state["outcomes_pbx"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    at.run()

    assert not at.exception
    row = at.dataframe[0].value.iloc[1]
    shown = at.dataframe[1].value.set_index("ratio")
    assert set(shown.index) == {DEFINITIONS[name].name for name in outcome_rows.SHARES}
    assert shown.loc[DEFINITIONS["ner"].name, "value"] == pytest.approx(row["ner"])
    assert shown.loc[DEFINITIONS["ner"].name, "between"].count("%") == 2
    assert any(golden("pages.outcomes.behind_shares", of=row["of"]) in caption.value for caption in at.caption)


def test_the_numbers_dialed_have_a_country_and_a_kind(app: Callable[..., AppTest], calls: pd.DataFrame) -> None:
    """Numbers dialed are sorted by cost, the most expensive first, with country and kind."""
    shown = app("outcomes", span=MONTH, by=VIEWS[DIALED]).dataframe[0].value
    costs = calls.groupby("destination")["cost_usd"].sum()

    assert shown["cost_usd"].iloc[0] == pytest.approx(float(costs.max()), abs=0.0001)
    assert shown["cost_usd"].is_monotonic_decreasing
    assert (shown["country"] != "").any()
    assert set(shown["kind"]) - {"unknown"}


def test_what_is_new_is_listed(app: Callable[..., AppTest], calls: pd.DataFrame) -> None:
    """The view lists exactly the sources whose first call is in the selected period."""
    at = app("outcomes", span="7 days", by=VIEWS[NEW])
    firsts = calls.groupby("source_ip")["started_at"].min()
    week = (pd.Timestamp.now("UTC").normalize() - pd.DateOffset(days=6)).tz_convert("UTC")
    expected = set(firsts.index[firsts >= week])
    shown = at.dataframe[0].value if len(at.dataframe) else pd.DataFrame({"kind": [], "value": []})

    assert not at.exception
    assert expected == set(shown.loc[shown["kind"] == "Source address", "value"])


def test_what_is_new_costs_what_its_sources_cost(app: Callable[..., AppTest], calls: pd.DataFrame) -> None:
    """The cost is that of calls from new sources: a call counts once, though its destination may be new too."""
    at = app("outcomes", span="7 days", by=VIEWS[NEW])
    shown = at.dataframe[0].value
    sources = shown.loc[shown["kind"] == "Source address", "value"]
    cost = float(calls.loc[calls["source_ip"].isin(sources), "cost_usd"].sum())

    assert len(sources)
    assert f"{cost:,.2f}" in " ".join(caption.value for caption in at.caption)


def test_the_file_has_what_was_divided(calls: pd.DataFrame) -> None:
    """The file has the rows in display order, each ratio with numerator, denominator and interval."""
    rows = calls.assign(of=calls["source_ip"], short_calls=0, calls=1)
    chosen = list(calls["source_ip"].value_counts().index[1::-1])

    found = outcome_rows.export_rows(rows, "source", chosen)

    assert list(found["source"]) == chosen
    parts = [f"{name}_{part}" for name in outcome_rows.SHARES for part in ("numerator", "denominator", "low", "high")]
    assert set(parts) <= set(found.columns)
    asr = found.iloc[0]
    mine = calls[calls["source_ip"] == chosen[0]]
    answered = mine[mine["outcome"] == "answered"]
    assert (asr["calls"], asr["asr_numerator"], asr["asr_denominator"]) == (len(mine), len(answered), len(mine))
    assert asr["asr_low"] <= asr["asr"] <= asr["asr_high"]
    assert (asr["talk_s"], asr["answered"]) == (answered["duration_s"].sum(), len(answered))
    assert asr["cost_usd"] == sum(mine["cost_usd"], Decimal(0))


def test_the_cost_of_all_calls_is_told(app: Callable[..., AppTest], calls: pd.DataFrame) -> None:
    """The cost is the sum over the single calls, and its tooltip states their number."""
    cost = next(metric for metric in app("outcomes", span=MONTH).metric if metric.label == "Cost")
    assert cost.value == money(sum(calls["cost_usd"], Decimal(0)))
    assert f"{len(calls):,} calls" in cost.help


def test_small_sample_has_reason(calls: pd.DataFrame) -> None:
    """A share of too few calls has no value, but the reason, the numerator and the denominator."""
    few = calls.head(MIN_SAMPLE - 1).assign(of="All", short_calls=0, calls=1)
    asr = outcome_rows.figures(few, pd.DataFrame(), ZoneInfo("UTC"))["asr"]
    answered = (few["outcome"] == "answered").sum()
    assert asr.value == "-"
    assert asr.why == golden("pages.outcomes.fewer_than", min_sample=MIN_SAMPLE)
    assert asr.behind.startswith(f"{answered} of {len(few)}")


@pytest.mark.parametrize(
    ("since", "hour"), [("04:00:00", "04:00:00"), ("04:30:00", "05:00:00"), ("23:59:59", "00:00:00")]
)
def test_days_begin_with_a_whole_hour(since: str, hour: str) -> None:
    """
    A period begins with the next full UTC hour.

    Days of some time zones begin at half past; the roll-up has full hours.
    """
    found = outcome_rows.whole_hour(datetime.fromisoformat(f"2026-11-03T{since}+00:00"))
    assert found >= datetime.fromisoformat(f"2026-11-03T{since}+00:00")
    assert f"{found:%H:%M:%S}" == hour


def test_a_pop_is_told_only_where_it_is_sure(account: Workspace) -> None:
    """PBXs with the same name have separate PoPs, and a PBX without a PoP is omitted."""
    known = account.snapshot()
    first = known.pbxs.iloc[[0]].assign(pop="sip-one.example")
    other = first.assign(pbx_id="another", pop="sip-two.example")
    named = {"name": "One name"}
    alike = replace(known, pbxs=pd.concat([first.assign(**named), other.assign(**named)], ignore_index=True))
    assert outcome_rows.pops_of(replace(known, pbxs=first)) == {
        known.name_of(first["pbx_id"].iloc[0]): first["pop"].iloc[0]
    }
    assert outcome_rows.pops_of(alike) == {
        f"One name ({first['pbx_id'].iloc[0]})": "sip-one.example",
        "One name (another)": "sip-two.example",
    }
    assert outcome_rows.pops_of(replace(known, pbxs=first.assign(pop=""))) == {}


def test_the_table_shows_those_with_the_most_calls() -> None:
    """Rows with the fewest calls are omitted above the maximum, and the text below the table says so."""
    there = outcome_rows.MOST_ROWS + 7
    rows = pd.DataFrame(
        {
            "of": [f"source {place}" for place in range(there)],
            "outcome": "answered",
            "sip_status": pd.array([200] * there, "Int16"),
            "sip_reason": "OK",
            "calls": range(1, there + 1),
            "short_calls": 0,
            "duration_s": 60,
            "billed_s": 60,
            "cost_usd": [Decimal("0.01")] * there,
        }
    )
    found = outcome_rows.table(rows)
    assert len(found) == outcome_rows.MOST_ROWS
    assert found["calls"].min() == 8
    assert golden(
        "pages.outcomes.with_most_calls", most_rows=f"{outcome_rows.MOST_ROWS:,}", there=f"{there:,}"
    ) in outcome_rows.table_note("source", 500, there)
    assert "most calls" not in outcome_rows.table_note("source", 5, 5)


def test_what_a_dash_means_is_said_of_the_calls_that_are_divided_by() -> None:
    """The minimum applies to the denominator, so the caption names the ratios of answered calls."""
    few = [name for name in (*outcome_rows.SHARES, "acd") if DEFINITIONS[name].denominator is ANSWERED]
    assert golden("pages.outcomes.fewer_than_to_divide", min_sample=MIN_SAMPLE) in outcome_rows.table_note("pbx", 5, 5)
    assert {"short_calls"} <= set(few) <= {"short_calls", "acd"}
    assert golden("pages.outcomes.answered_calls") in outcome_rows.table_note("pbx", 5, 5)


def test_nothing_is_new_where_nothing_is_older(account: Workspace) -> None:
    """Over the whole record everything would be new; the text says that nothing can be identified as new."""
    now = account.snapshot().taken_at
    told = numbers_seen.new(account.store, now - timedelta(days=400), now)
    assert not told.older
    assert golden("pages.outcomes.nothing_new") in numbers_seen.new_values_text(told)


def test_a_new_destination_has_a_country(account: Workspace) -> None:
    """A new destination has the country of the most expensive number dialed in it; a source address has none."""
    now = account.snapshot().taken_at
    found = numbers_seen.new(account.store, now - timedelta(days=29), now).rows
    zones = found[found["kind"] == "zone"]
    assert len(zones)
    assert "United Kingdom" in set(zones["country"])
    assert (found.loc[found["kind"] == "source", ["country", "number_type"]] == "").all(axis=None)
