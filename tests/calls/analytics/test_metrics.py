"""Metrics of calls: ratios against tables calculated by hand, confidence intervals, sums, peaks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import schemas
from dashboard.calls.analytics import metrics
from dashboard.calls.analytics.definitions import DEFINITIONS, MIN_SAMPLE
from dashboard.core.errors import InputError
from dashboard.sip.call_outcomes import SHORT_S, outcome
from tests.texts import golden_pattern

NOON = pd.Timestamp("2026-11-02 12:00", tz="UTC").as_unit("us")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SUMS = ("calls", "short_calls", "duration_s")


def grouped(*rows: dict[str, object]) -> pd.DataFrame:
    """Return grouped calls; each row defaults to one answered call of one minute and one cent."""
    usual = {
        "pbx_id": "seattle",
        "outcome": "answered",
        "sip_status": 200,
        "sip_reason": "OK",
        "calls": 1,
        "short_calls": 0,
        "duration_s": 60,
        "cost_usd": "0.01",
    }
    frame = pd.DataFrame([usual | row for row in rows], columns=[*usual, *({*rows[0]} - {*usual} if rows else ())])
    texts = dict.fromkeys(("pbx_id", "outcome", "sip_reason"), "str")
    frame = frame.astype(texts | dict.fromkeys(("sip_status", *SUMS), "Int64"))
    frame["cost_usd"] = pd.array([Decimal(str(cost)) for cost in frame["cost_usd"]], dtype=schemas.MONEY)
    return frame


def coded(status: int | None, calls: int, reason: str = "", **more: object) -> dict[str, object]:
    """Return a row of calls that ended with a SIP status; answered only if it is 200."""
    talk = {} if status == 200 else {"duration_s": 0, "cost_usd": "0"}
    kind = outcome("", status, reason)
    return {"sip_status": status, "sip_reason": reason, "outcome": kind, "calls": calls, **talk, **more}


CODES = grouped(
    coded(200, 40, duration_s=6000, short_calls=8),
    coded(480, 5),
    coded(486, 6),
    coded(600, 1),
    coded(603, 2),
    coded(487, 10),
    coded(302, 4),
    coded(401, 3),
    coded(403, 7, "ACL denied"),
    coded(403, 2, "Forbidden"),
    coded(404, 5),
    coded(408, 1),
    coded(500, 2),
    coded(502, 1),
    coded(503, 6),
    coded(504, 1),
    coded(None, 4),
)
"""
Exactly 100 calls, of which 40 were answered and 4 have no SIP status.

With a status: 96; without the four 302: 92. With 480, 486, 600, 603: 5 + 6 + 1 + 2 = 14. Refused for authorization: 3
with 401, and 7 with 403 and the word ACL.
"""


@pytest.mark.parametrize(
    ("ratio", "numerator", "denominator"),
    [
        ("asr", 40, 100),
        ("ner", 40 + 14, 100),
        ("ser", 40, 96 - 4),
        ("seer", 40 + 14, 96 - 4),
        ("isa", 1 + 2 + 6 + 1, 96),
        ("short_calls", 8, 40),
        ("refusal_share", 3 + 7, 100),
    ],
)
def test_each_ratio_equals_its_definition(ratio, numerator, denominator):
    """Numerator and denominator equal those calculated from ``CODES`` by hand."""
    found = metrics.ratios(CODES).set_index("ratio").loc[ratio]

    assert (found["numerator"], found["denominator"]) == (numerator, denominator)
    assert found["value"] == pytest.approx(numerator / denominator)
    assert found["low"] < found["value"] < found["high"]


def test_every_definition_can_be_read():
    """Each definition has a formula, a source and a text for its terms; a short call is defined by its seconds."""
    for made in DEFINITIONS.values():
        assert made.name
        assert made.formula
        assert made.source
        assert all(count.words for count in made.counts)
    assert f"{SHORT_S} s" in DEFINITIONS["short_calls"].name
    assert "E.437" not in str(DEFINITIONS)
    assert "Answer-rate proxy" in DEFINITIONS["peak_1s"].note
    assert all("not INVITEs" in DEFINITIONS[made].note for made in ("ser", "seer", "isa"))


@pytest.mark.parametrize(
    ("numerator", "denominator", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_wilson(numerator, denominator, low, high):
    """The Wilson intervals equal known values; 81 of 263 is the example of Newcombe 1998."""
    found = [float(bound[0]) for bound in metrics.wilson([numerator], [denominator])]

    assert found == pytest.approx([low, high], abs=5e-5)


@given(counts=st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_contains_the_share(counts):
    """The interval contains the share and lies between 0 and 1."""
    low, high = (float(bound[0]) for bound in metrics.wilson([counts[0]], [counts[1]]))

    assert 0 <= low <= counts[0] / counts[1] <= high <= 1


STATUSES = (None, 200, 302, 403, 408, 480, 486, 487, 503, 603)
ROW = st.builds(coded, st.sampled_from(STATUSES), st.integers(1, 30), pbx_id=st.sampled_from(["a", "b", "c"]))


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(ROW, max_size=20))
def test_grouped_ratios_equal_those_of_each_group(rows):
    """
    Each group has the ratios of its rows alone.

    NER is never below ASR; groups with few calls show no ratio.
    """
    frame = grouped(*rows)
    found = metrics.ratios(frame, ["pbx_id"])
    few = found["denominator"] < MIN_SAMPLE
    by_ratio = found.pivot_table(index="pbx_id", columns="ratio", values="numerator")

    assert found.loc[few, ["value", "low", "high"]].isna().all(axis=None)
    assert found.loc[~few, ["value", "low", "high"]].notna().all(axis=None)
    assert by_ratio.empty or (by_ratio["ner"] >= by_ratio["asr"]).all()
    for pbx in frame["pbx_id"].unique():
        alone = metrics.ratios(frame[frame["pbx_id"] == pbx])
        mine = found[found["pbx_id"] == pbx].drop(columns="pbx_id").reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, mine)


def test_ratios_need_only_their_own_columns():
    """
    Each ratio needs only its own columns and can be selected by name.

    Without statuses there is no SER, but there is an ASR.
    """
    frame = CODES[["outcome", "calls"]]

    assert metrics.ratios(frame)["ratio"].tolist() == ["asr", "ner", "refusal_share"]
    assert metrics.ratios(frame, only=["asr"])["ratio"].tolist() == ["asr"]


def test_a_group_may_be_without_a_name_and_may_be_the_outcome():
    """A missing key forms its own group, and statuses can be grouped by."""
    found = metrics.ratios(CODES, ["sip_status"], only=["asr"])

    assert len(found) == CODES["sip_status"].nunique(dropna=False)
    assert found["denominator"].sum() == 100
    assert metrics.ratios(CODES, ["outcome"], only=["asr"]).set_index("outcome").loc["answered", "value"] == 1


def test_average_duration():
    """ACD is the talk time of answered calls divided by their number: 6000 s / 40 calls; hidden for few calls."""
    frame = pd.concat([CODES, grouped({"pbx_id": "denver", "calls": 2, "duration_s": 90})])
    found = metrics.acd(frame, ["pbx_id"]).set_index("pbx_id")

    assert found.loc["seattle", ["calls", "duration_s", "acd_s"]].tolist() == [40, 6000, 150]
    assert found.loc["denver", "calls"] == 2
    assert pd.isna(found.loc["denver", "acd_s"])


def test_totals():
    """Sums, exact to the last digit of money, in total and by any key."""
    frame = grouped(
        {"calls": 3, "duration_s": 90, "cost_usd": "400.00000001"},
        {"calls": 2, "duration_s": 30, "cost_usd": "0.00000002", "pbx_id": "denver"},
        coded(401, 5, pbx_id="denver"),
    )
    whole = metrics.totals(frame).iloc[0]
    by_pbx = metrics.totals(frame, ["pbx_id"])

    assert whole.tolist() == [10, 5, 5, 2.0, Decimal("400.00000003")]
    assert by_pbx.to_numpy().tolist() == [
        ["denver", 7, 2, 5, 0.5, Decimal("0.00000002")],
        ["seattle", 3, 3, 0, 1.5, Decimal("400.00000001")],
    ]


def test_breakdown():
    """Rows by status, reason and outcome, most calls first, with their share of the group."""
    found = metrics.breakdown(CODES)
    by_pbx = metrics.breakdown(pd.concat([CODES, grouped({"pbx_id": "denver"})]), ["pbx_id"])

    assert found.loc[0, ["sip_status", "outcome", "calls", "share"]].tolist() == [200, "answered", 40, 0.4]
    assert found.loc[found["sip_status"] == 403, "sip_reason"].tolist() == ["ACL denied", "Forbidden"]
    assert found["calls"].sum() == 100
    assert pd.isna(found["sip_status"]).sum() == 1
    assert by_pbx["pbx_id"].tolist() == ["denver"] + ["seattle"] * len(found)
    assert pd.isna(by_pbx.loc[0, "share"])


def test_top():
    """The highest cost comes first, then the most calls."""
    frame = grouped(
        {"zone": "UNITED STATES", "calls": 50, "cost_usd": "1"},
        {"zone": "UK PREMIUM", "cost_usd": "400.5"},
        {"zone": "CANADA", "calls": 60, "cost_usd": "1"},
        {"zone": "UK PREMIUM", "cost_usd": "0.25", "duration_s": 120},
    )
    found = metrics.top(frame, limit=2)

    assert found.to_numpy().tolist() == [
        ["UK PREMIUM", 2, 3.0, Decimal("400.75000000")],
        ["CANADA", 60, 1.0, Decimal("1.00000000")],
    ]


def test_time_in_a_zone():
    """Noon of a Monday in UTC is 04:00 in Seattle; a day in Seattle begins at 08:00 UTC."""
    frame = grouped({"hour_at": NOON}, {"hour_at": NOON - 5 * HOUR}, {"hour_at": NOON + 7 * DAY})
    week = metrics.hour_of_week(frame, "America/Los_Angeles")
    days = metrics.totals(metrics.in_steps(frame, "day", "America/Los_Angeles"), ["at"])

    assert week[["weekday", "hour", "calls"]].to_numpy().tolist() == [[1, 4, 2], [7, 23, 1]]
    assert [f"{at:%m-%d %H}" for at in days["at"].dt.tz_convert("UTC")] == ["11-01 07", "11-02 08", "11-09 08"]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Australia/Adelaide", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_zone_with_straddling_hours_is_refused(zone):
    """Zones whose hours straddle UTC hours are refused for days and hours of the week, with the remedy."""
    frame = grouped({"hour_at": NOON}, {"hour_at": NOON + 200 * DAY})

    for made in (lambda: metrics.hour_of_week(frame, zone), lambda: metrics.in_steps(frame, "day", zone)):
        with pytest.raises(InputError, match=golden_pattern("errors.time_zones.hours_begin_within", zone=zone)):
            made()
    assert metrics.in_steps(frame, "hour", zone)["at"].dt.tz_convert("UTC").tolist() == [NOON, NOON + 200 * DAY]


def test_peaks():
    """Peaks are counted per direction, with the first minute that reached the peak."""
    rows = [
        (NOON, "outbound", 30, 2, 9),
        (NOON + HOUR, "outbound", 40, 2, 7),
        (NOON + DAY, "outbound", 0, 0, 11),
        (NOON, "inbound", 1, 1, 0),
    ]
    load = pd.DataFrame(rows, columns=["minute_at", "direction", "calls", "peak_1s", "concurrent"])
    found = metrics.peaks(load).set_index("direction")

    assert found.loc["outbound", ["peak_1s", "peak_60s", "concurrent"]].tolist() == [2, 40, 11]
    assert found.loc["outbound", ["peak_1s_at", "peak_60s_at", "concurrent_at"]].tolist() == [
        NOON,
        NOON + HOUR,
        NOON + DAY,
    ]
    assert found.loc["inbound", "peak_60s"] == 1
    assert metrics.peaks(load.head(0)).empty
    by_day = metrics.peaks(load.assign(day=load["minute_at"].dt.day), ["day"])
    assert by_day[["day", "direction", "peak_60s", "concurrent"]].to_numpy().tolist() == [
        [NOON.day, "inbound", 1, 0],
        [NOON.day, "outbound", 40, 9],
        [(NOON + DAY).day, "outbound", 0, 11],
    ]


def test_first_seen():
    """
    Sources and destinations first seen within the last hours are listed, newest first.

    If the record is so young that everything is new, the list is empty.
    """
    now = datetime(2026, 11, 2, 12, tzinfo=UTC)
    rows = [("source", "198.51.100.11", NOON - 30 * DAY), ("zone", "CUBA", NOON - 5 * HOUR)]
    rows += [("source", "203.0.113.66", NOON - HOUR)]
    seen = pd.DataFrame(rows, columns=["kind", "value", "first_at"])

    assert metrics.first_seen(seen, now=now)["value"].tolist() == ["203.0.113.66", "CUBA"]
    assert metrics.first_seen(seen, now=now, hours=2)["value"].tolist() == ["203.0.113.66"]
    assert metrics.first_seen(seen.tail(2), now=now).empty
    assert metrics.first_seen(seen.head(0), now=now).empty


def test_empty_calls_give_no_rows_and_zero_totals():
    """Without calls, a grouped query returns no rows, and a total returns zeros without ratios."""
    nothing = schemas.empty(schemas.TRAFFIC)
    whole = metrics.ratios(nothing)

    assert whole["denominator"].tolist() == [0] * 7
    assert whole[["value", "low", "high"]].isna().all(axis=None)
    assert metrics.totals(nothing).iloc[0].tolist() == [0, 0, 0, 0.0, Decimal(0)]
    assert metrics.ratios(nothing, ["pbx_id"]).empty
    assert metrics.acd(nothing, ["pbx_id"]).empty
    assert metrics.breakdown(nothing).empty
    assert metrics.breakdown(nothing, ["pbx_id"]).empty
    assert metrics.top(nothing).empty
    assert metrics.hour_of_week(nothing).empty
