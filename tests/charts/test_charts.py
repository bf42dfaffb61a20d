"""Charts: correct rows and encodings, colors by status only, a sentence in every tooltip."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from typing import Any

import altair as alt
import pandas as pd
import pytest

from dashboard import charts
from dashboard.charts import encodings as chart_encodings
from dashboard.charts.encodings import NOT_CHOSEN
from dashboard.domain.changes import LabelCount, ReplayImpact
from dashboard.domain.findings import Severity
from dashboard.domain.replay_labels import TABLE
from dashboard.schemas.tables import OUTCOMES
from dashboard.web.components.formatting import SEVERITY_COLORS
from tests.paths import PACKAGE
from tests.texts import golden

THEME = tomllib.loads((PACKAGE / ".streamlit" / "config.toml").read_text())["theme"]
DAYS = pd.date_range("2026-11-01", periods=4, freq="D", tz="America/New_York")
LEAST_TEXT, LEAST_ACCENT, LEAST_MARK = 4.5, 4.2, 2.0
"""
Minimum contrast ratios.

WCAG 2.2: text AA. The accent is both a background of white labels and a text color on the page; on a dark page no color
has 4.5:1 in both uses, so it is a compromise. Marks differ by more than color.
"""


def drawn(chart: charts.Drawn) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart."""
    return chart.to_dict()


def layers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the visible layers of a chart, or the chart itself if it has none."""
    return [layer for layer in spec.get("layer", [spec]) if layer["mark"].get("opacity") != 0]


def ranked(spec: dict[str, Any], by: str) -> list[str]:
    """Return the labels of horizontal bars from the top."""
    sort = layers(spec)[0]["encoding"]["y"]["sort"]
    assert sort == {"field": "rank", "op": "min", "order": "ascending"}
    return list(dict.fromkeys(row[by] for row in sorted(rows(spec), key=lambda row: row["rank"])))


def rows(spec: dict[str, Any], layer: int = 0) -> list[dict[str, Any]]:
    """Return the rows of a layer."""
    one = layers(spec)[layer]
    return spec["datasets"][one.get("data", spec.get("data"))["name"]]


def refused(who: str, counts: list[tuple[int, int]]) -> list[dict[str, Any]]:
    """Return a day of ``refusal_share`` rows, one for each pair of calls and refused calls."""
    return [
        {"who": who, "from_at": day, "until_at": day + timedelta(days=1), "calls": calls, "refused": bad}
        for day, (calls, bad) in zip(DAYS, counts, strict=False)
    ]


def kinds(**calls: int) -> pd.DataFrame:
    """Return a day of ``outcomes_over_time`` rows."""
    return pd.DataFrame(
        [
            {"from_at": DAYS[0], "until_at": DAYS[1], "kind": kind, "calls": number, "who": "Denver", "code": "200 OK"}
            for kind, number in calls.items()
        ]
    )


LEGEND = {
    "title",
    "orient",
    "direction",
    "columns",
    "offset",
    "padding",
    "values",
    "labelExpr",
    "symbolType",
    "labelLimit",
}
"""Legend properties that a chart may set; the theme sets its style."""
NO_CHANGES = pd.DataFrame({"at": pd.Series([], dtype="datetime64[us, UTC]"), "sentence": []})
PANELS = charts.refusal_share(
    pd.DataFrame(refused("Denver", [(100, 0), (100, 50)]) + refused("Seattle", [(100, 0), (100, 0)])),
    pd.DataFrame({"at": [DAYS[1]], "sentence": ["02 Nov 00:00: 198.51.100.24 allowed"]}),
)
EVERY = {
    "panel": PANELS["Denver"],
    "outcomes": charts.outcomes_over_time(kinds(answered=8, refused_auth=2)),
    "by_pbx": charts.calls_by_pbx(kinds(answered=8, refused_auth=2)),
    "by_code": charts.calls_by_code(kinds(answered=8)),
    "destinations": charts.top_destinations(
        pd.DataFrame([{"zone": "UNITED KINGDOM", "calls": 4, "minutes": 9.0, "cost_usd": 21.5}])
    ),
    "hours": charts.hour_of_week(pd.DataFrame([{"weekday": 0, "hour": 3, "value": 7}])),
    "severities": charts.findings_by_severity(pd.DataFrame([{"severity": "high", "status": "fail", "findings": 2}])),
    "replay": charts.replay_bar(ReplayImpact(labels={"saved": LabelCount(calls=3)}, decided=1.0)),
}


@pytest.mark.parametrize("name", EVERY)
def test_no_chart_sets_what_the_theme_sets(name: str) -> None:
    """Charts set no background, legend style or named color, so that they work in light and dark themes."""
    spec = drawn(EVERY[name])

    assert "background" not in spec
    for layer in layers(spec):
        color = layer["encoding"].get("color")
        assert color is not None
        assert color["legend"] is None or color["legend"].keys() <= LEGEND
        assert "range" not in color.get("scale", {})
        assert "#" not in str(layer["mark"])


@pytest.mark.parametrize("name", [name for name in EVERY if name != "hours"])
def test_color_is_state(name: str) -> None:
    """Every mark is colored by status over the complete list of statuses, so that each position has a fixed color."""
    for number, layer in enumerate(layers(drawn(EVERY[name]))):
        assert list(chart_encodings.STATES) == layer["encoding"]["color"]["scale"]["domain"]
        assert {row["state"] for row in rows(drawn(EVERY[name]), number)} <= set(chart_encodings.STATES)


@pytest.mark.parametrize("name", EVERY)
def test_a_tooltip_is_a_sentence(name: str) -> None:
    """Every tooltip is one field with a sentence, not a table of names."""
    shown = [layer for layer in layers(drawn(EVERY[name])) if layer["mark"]["type"] != "text"]

    assert all(layer["encoding"]["tooltip"]["field"] == "sentence" for layer in shown)


def test_panels_share_both_axes_and_begin_at_zero() -> None:
    """Small multiples share one time domain and one share domain that begins at zero."""
    encodings = [layers(drawn(panel))[0]["encoding"] for panel in PANELS.values()]

    assert len({str(encoding["x"]["scale"]) for encoding in encodings}) == 1
    assert len({str(encoding["y"]["scale"]) for encoding in encodings}) == 1
    assert [0, 0.5] == encodings[0]["y"]["scale"]["domain"]


def test_panels_are_sorted_by_recent_refusals() -> None:
    """Panels are sorted by recent refusals, whatever happened a month ago."""
    frame = pd.DataFrame(
        refused("Past", [(10, 10), (10, 0), (10, 0), (10, 0)]) + refused("Now", [(10, 0)] * 3 + [(10, 9)])
    )

    assert ["Now", "Past"] == list(charts.refusal_share(frame, NO_CHANGES))


def test_a_few_days_are_named_once_each() -> None:
    """Over a day or two the axis names each day once, not at each hour; over a longer time, some days."""
    short, long = (
        charts.refusal_share(pd.DataFrame(refused("Denver", 4 * [(100, 50)])[::step][:2]), NO_CHANGES)[
            "Denver"
        ].to_dict()
        for step in (1, 3)
    )

    assert ["day", 3] == [drawn["encoding"]["x"]["axis"]["tickCount"] for drawn in (short, long)]


def test_a_share_says_its_counts() -> None:
    """The tooltip has name, time, both counts, the share and its interval."""
    said = [row["sentence"] for row in rows(drawn(PANELS["Denver"]))]

    assert golden("charts.share_with_interval") == said[1]


def test_small_sample_shows_no_share() -> None:
    """With too few calls a low gray mark shows that some were refused, and the tooltip has the counts."""
    panel = charts.refusal_share(pd.DataFrame(refused("Few", [(7, 3), (19, 0), (20, 1)])), NO_CHANGES)["Few"]
    few, none, enough = rows(drawn(panel))

    assert (golden("charts.too_few_for_a_share"), "unknown") == (few["sentence"], few["state"])
    assert (0 < few["share"] < enough["share"], none["share"]) == (True, 0)
    assert "lost" == enough["state"]


def test_a_day_without_calls_has_no_share() -> None:
    """A share of zero calls is missing, neither an error nor 100 %."""
    panel = charts.refusal_share(pd.DataFrame(refused("Quiet", [(0, 0)])), NO_CHANGES)["Quiet"]

    assert [0.0] == [row["share"] for row in rows(drawn(panel))]


def test_changes_are_ticks() -> None:
    """Each change of the list is drawn in every panel, with its own tooltip."""
    for panel in PANELS.values():
        assert ["02 Nov 00:00: 198.51.100.24 allowed"] == [row["sentence"] for row in rows(drawn(panel), 1)]


def test_without_frames_there_are_no_panels() -> None:
    """An empty frame gives no chart; the page shows a text instead."""
    assert {} == charts.refusal_share(
        pd.DataFrame(columns=["who", "from_at", "until_at", "calls", "refused"]), NO_CHANGES
    )


def test_kinds_are_stacked_without_a_gap() -> None:
    """Each kind begins at the end of the one below it, the first at zero."""
    spec = drawn(charts.outcomes_over_time(kinds(refused_auth=2, answered=8, not_reached=1)))
    stack = [(row["bottom"], row["top"], row["state"]) for row in rows(spec)]

    assert [(0, 8, "good"), (8, 9, "unknown"), (9, 11, "lost")] == stack


def test_every_kind_is_named_with_its_color() -> None:
    """The legend always has all kinds in stacking order, including absent ones."""
    legend = drawn(charts.outcomes_over_time(kinds(answered=100)))["encoding"]["color"]["legend"]

    assert [state for _, state in charts.OUTCOME_KINDS.values()] == legend["values"]
    assert "datum.value == 'lost' ? 'Refused for authorization'" in legend["labelExpr"]


def test_a_bucket_that_is_not_over_says_so() -> None:
    """An incomplete bucket is marked, because its bar will grow; without a current time nothing is marked."""
    noon = DAYS[0] + timedelta(hours=12)

    said = [rows(drawn(charts.outcomes_over_time(kinds(answered=8), now=at)))[0]["sentence"] for at in (noon, None)]

    assert [golden("charts.answered_so_far"), "1 Nov: 8 calls answered"] == said


def test_hours_are_named_by_the_clock_and_days_by_the_date() -> None:
    """Hourly buckets are labeled by time, because their date would repeat; daily ones by date."""
    hour = kinds(answered=8).assign(until_at=DAYS[0] + timedelta(hours=1))
    axes = [drawn(charts.outcomes_over_time(one))["encoding"]["x"]["axis"] for one in (kinds(answered=8), hour)]

    assert ["%-d %b", "%H:%M"] == [axis["format"] for axis in axes]


def test_every_outcome_is_of_a_kind() -> None:
    """Every outcome belongs to one of few distinguishable kinds."""
    assert set(OUTCOMES) == set(charts.KIND_OF_OUTCOME)
    assert set(charts.OUTCOME_KINDS) == set(charts.KIND_OF_OUTCOME.values())
    assert len(charts.OUTCOME_KINDS) <= 6


def test_bars_are_ranked_and_noted() -> None:
    """Bars are sorted largest first; each is labeled with its total, and its refused share if there is one."""
    frame = pd.DataFrame(
        [
            {"who": "Denver", "kind": "refused_auth", "calls": 2},
            {"who": "Denver", "kind": "answered", "calls": 6},
            {"who": "Seattle", "kind": "answered", "calls": 40},
        ]
    )
    spec = drawn(charts.calls_by_pbx(frame))

    assert ["Seattle", "Denver"] == ranked(spec, "who")
    assert {"Denver": "8  ·  2 refused", "Seattle": "40"} == {row["who"]: row["note"] for row in rows(spec, 1)}


def test_severities_keep_their_own_order() -> None:
    """The worst severity is first, however many findings it has."""
    frame = pd.DataFrame(
        [
            {"severity": "low", "status": "fail", "findings": 9},
            {"severity": "critical", "status": "unknown", "findings": 1},
        ]
    )

    shown = drawn(charts.findings_by_severity(frame))

    assert ["Critical", "Low"] == ranked(shown, "who")


def test_a_severity_has_one_color_everywhere() -> None:
    """A severity has the same color in lists and charts; red is reserved for losses."""
    colors = {"lost": "red", "risk": "orange", "unknown": "gray"}

    assert SEVERITY_COLORS == {severity: colors[state] for severity, state in charts.SEVERITY_STATES.items()}
    frame = pd.DataFrame([{"severity": each, "status": "fail", "findings": 1} for each in Severity])
    drawn_as = {row["who"]: row["state"] for row in rows(drawn(charts.findings_by_severity(frame)))}
    assert {str(each).capitalize(): state for each, state in charts.SEVERITY_STATES.items()} == drawn_as


def test_there_is_room_for_the_note_of_the_longest_bar() -> None:
    """Every row has the axis maximum, a third beyond the largest total, so that labels fit."""
    frame = pd.DataFrame([{"who": name, "kind": "answered", "calls": calls} for name, calls in (("A", 40), ("B", 4))])
    spec = drawn(charts.calls_by_pbx(frame))

    assert [54.0, 54.0] == [row["room"] for row in rows(spec, 1)]
    assert [layer["encoding"]["x"]["field"] for layer in spec["layer"]] == ["calls", "calls", "room"]


def test_replay_bar_omits_empty_labels() -> None:
    """Only labels with calls are drawn, the worst first; large segments have text."""
    impact = ReplayImpact(labels={"broken": LabelCount(calls=1), "unchanged": LabelCount(calls=9)}, decided=1.0)

    bar = drawn(charts.replay_bar(impact))

    assert [("lost", 1), ("plain", 9)] == [(row["state"], row["calls"]) for row in rows(bar)]
    assert [("Unchanged", 1)] == [(row["name"], row["at"]) for row in rows(bar, 1)]


def test_labels_of_a_replay_are_told_apart() -> None:
    """Only "broken" is red, and no two labels share color and mark, or color and opacity."""
    assert ["broken"] == [label.name for label in TABLE if label.state == "lost" or label.color == "red"]
    for looks in ([(label.color, label.icon) for label in TABLE], [(label.state, label.opacity) for label in TABLE]):
        assert len(looks) == len(set(looks))


def test_tooltip_names_day_hour_and_count() -> None:
    """The tooltip of a cell names its day, its hour and its count."""
    assert ["Mon 03:00 to 04:00: 7 calls"] == [row["sentence"] for row in rows(drawn(EVERY["hours"]))]


def test_notebooks_get_the_state_colors() -> None:
    """Notebooks lack the dashboard's theme, so one call sets the same five colors."""
    charts.use_in_notebook()
    try:
        assert list(charts.NOTEBOOK_COLORS) == drawn(EVERY["by_pbx"])["config"]["range"]["category"]
    finally:
        alt.theme.enable("default")


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_theme_has_a_color_for_every_state(mode: str) -> None:
    """Positions in the theme's palette equal the statuses."""
    assert len(chart_encodings.STATES) == len(THEME[mode]["chartCategoricalColors"])


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("name", ["red", "orange", "green", "gray", "blue"])
def test_state_words_can_be_read(mode: str, name: str) -> None:
    """Text in a status color has a contrast of 4.5:1 on page, panels and its own badge (WCAG 2.2, AA)."""
    theme = THEME[mode]
    side = THEME[mode]["sidebar"]
    grounds = [theme["backgroundColor"], theme["secondaryBackgroundColor"], side["backgroundColor"]]
    text = theme[f"{name}TextColor"]

    assert min(contrast(text, ground) for ground in [*grounds, theme[f"{name}BackgroundColor"]]) >= LEAST_TEXT


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_marks_stand_out(mode: str) -> None:
    """Status colors contrast with the page's background, and white button labels are readable."""
    theme = THEME[mode]

    assert min(contrast(color, theme["backgroundColor"]) for color in theme["chartCategoricalColors"]) >= LEAST_MARK
    assert contrast("#FFFFFF", theme["primaryColor"]) >= LEAST_ACCENT
    assert contrast(theme["primaryColor"], theme["backgroundColor"]) >= LEAST_ACCENT


def test_fonts_come_with_the_program() -> None:
    """No font is loaded from the network."""
    assert "://" not in str(THEME)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colors as WCAG 2.2 defines it."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    """Return the relative luminance of ``#RRGGBB``."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_unselected_buckets_are_dimmed() -> None:
    """Buckets outside the selection are dimmed; without a selection all are alike."""
    frame = pd.concat(
        [kinds(answered=8), kinds(answered=5).assign(from_at=DAYS[1], until_at=DAYS[2])], ignore_index=True
    )
    chosen, none = (
        charts.outcomes_over_time(frame, brush=True, selected_range=it) for it in ((DAYS[1], DAYS[2]), None)
    )

    assert [NOT_CHOSEN, 1.0] == [row["opacity"] for row in rows(drawn(chosen))]
    assert [1.0, 1.0] == [row["opacity"] for row in rows(drawn(none))]
