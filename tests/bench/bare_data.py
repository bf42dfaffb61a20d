"""Constant data for the bare page: tables as large as the dashboard's, with different numbers for each choice."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from functools import cache

import pandas as pd

ENDINGS = ("Answered", "Busy or no answer", "Refused for authorization", "Gave up", "Network", "Refused, why not known")
KINDS = ENDINGS[:4]
MOST_BARS = 10
WEEK = 7
DAYS = 30
PBXS = 40
HOURS = 24
CALLS = 50
FINDINGS = 25
NAMES = [f"PBX{number:03}" for number in range(PBXS)]
BEGUN = datetime(2026, 11, 1, tzinfo=UTC)
LOCKS = 4
ENTRIES = 2_000
LISTED = ["Address", "PBX", "Label"]
CHOICES = 64
CHARTS = ("pbx", "codes", "zones")


def data(*choice: object) -> dict[str, pd.DataFrame]:
    """Return the data for one choice, always the same."""
    return every_choice()[zlib.crc32(repr(choice).encode()) % CHOICES]


@cache
def every_choice() -> list[dict[str, pd.DataFrame]]:
    """Return the data of every choice: the same tables, multiplied by the number of the choice."""
    base = constants()
    places = {"day", "hour"}
    numbers = {name: [*frame.select_dtypes("number").columns.difference(places)] for name, frame in base.items()}
    return [
        {
            name: frame
            if name in ("list", "panels")
            else frame.assign(**{column: frame[column] * by for column in numbers[name]})
            for name, frame in base.items()
        }
        for by in range(1, CHOICES + 1)
    ]


def constants() -> dict[str, pd.DataFrame]:
    """Return tables with as many rows and columns as the dashboard's."""
    days = [(BEGUN + timedelta(days=day), name, 100 + day) for day in range(DAYS) for name in KINDS]
    kinds = [(pbx, name, 1 + number) for number, pbx in enumerate(NAMES[:MOST_BARS]) for name in KINDS]
    week = [(day, hour, day * hour) for day in range(7) for hour in range(HOURS)]
    calls = [
        [["Answered"], BEGUN, NAMES[row % PBXS], "198.18.0.1", "12025550100", row, 0.01, "UNITED STATES", "200 OK"]
        for row in range(CALLS)
    ]
    findings = [[["High"], NAMES[row % PBXS], "What should hold", BEGUN] for row in range(FINDINGS)]
    titles = ["outcome", "Started", "PBX", "Source address", "Number dialed", "Seconds", "Cost", "Destination", "Why"]
    return {
        "time": pd.DataFrame(days, columns=["at", "outcome", "calls"]),
        "pbx": pd.DataFrame(kinds, columns=["who", "outcome", "calls"]),
        "codes": pd.DataFrame(kinds[: 8 * len(KINDS)], columns=["who", "outcome", "calls"]),
        "zones": pd.DataFrame({"who": NAMES[:MOST_BARS], "calls": range(1, 1 + MOST_BARS)}),
        "week": pd.DataFrame(week, columns=["day", "hour", "calls"]),
        "calls": pd.DataFrame(calls, columns=titles),
        "by": pd.DataFrame([[["Broken"], name, 1, 2, 0.5] for name in NAMES], columns=["Past calls", "Who", *"123"]),
        "sides": pd.DataFrame([[name, *([0.5, 100] * 5)] for name in NAMES], columns=["PBX", *map(str, range(10))]),
        "list": pd.DataFrame([[f"198.18.{n // 250}.{n % 250}", "PBX", ""] for n in range(ENTRIES)], columns=LISTED),
        "findings": pd.DataFrame(findings, columns=["State", "Subject", "What", "Since"]),
        "panels": pd.DataFrame(
            [(name, *row) for name in NAMES[:12] for row in days[:DAYS]], columns=["who", "at", "outcome", "calls"]
        ),
    }
