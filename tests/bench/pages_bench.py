"""Benchmark of clicks on pages with few and with many calls, beside a bare page of constant data."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser

from tests.bench import pages_works
from tests.bench.account import Account
from tests.bench.apart import tell
from tests.bench.homes import filled
from tests.bench.pages_works import CLICKS, WARM_UP
from tests.bench.serving import BARE, DASHBOARD, Served, serving
from tests.bench.table import NOT_MEASURED, Ratio, Row, Time, calls_words, mb, ratio_to

FEW = 10_000
TURNS = 16
LONGEST_S = 150
"""Time limit for the turns of one kind of click; slower clicks are measured with fewer turns."""
MOST_MB = 1000
MOST = 1.2
"""Upper limit of the ratio of many calls to few."""
MOST_OF_BARE = 1.5
WORK = "Click to settled page in Chromium"


def run(account: Account, folder: Path, calls: int, *, most: float = MOST) -> list[Row]:
    """
    Measure every kind of click on the three pages in alternating turns.

    Args:
        account: Account that generates the calls.
        folder: Folder of its homes; missing homes are created.
        calls: Number of calls in the large home.
        most: Upper limit of the ratios of many calls to few.
    """
    if pages_works.there() is None:
        return [Row(WORK, calls_words(calls), Time("", note="chromium is not installed"), memory=NOT_MEASURED)]
    tell(f"Pages over {FEW:,} and {calls:,} calls")
    with ExitStack() as stack:
        served = {
            name: stack.enter_context(serving(script, folder, home=home, days=account.days))
            for name, script, home in (
                ("", DASHBOARD, filled(account, folder, calls)),
                (calls_words(FEW), DASHBOARD, filled(account, folder, FEW)),
                ("bare Streamlit", BARE, None),
            )
        }
        browser = stack.enter_context(pages_works.chromium())
        rows = [_row(kind, browser, served, calls, most) for kind in CLICKS]
        large = served[""]
        memory = f"resident {mb(large.resident_mb())}<br>peak {mb(large.peak_mb())}"
        peak = Ratio("peak", large.peak_mb(), most=MOST_MB, unit=" MB")
    return [
        *rows,
        Row(
            "Memory of the serving process after these clicks",
            calls_words(calls),
            Time("", note="no time of its own"),
            ratios=(peak,),
            memory=memory,
        ),
    ]


def _row(kind: str, browser: Browser, served: dict[str, Served], calls: int, most: float) -> Row:
    path, click = CLICKS[kind]
    pages = {name: pages_works.opened(browser, f"{each.url}/{path}", each.link()) for name, each in served.items()}
    took: dict[str, list[float]] = {name: [] for name in pages}
    until = time.monotonic() + LONGEST_S
    for turn in range(-WARM_UP, TURNS):
        if turn > 0 and time.monotonic() > until:
            break
        for name, page in pages.items():
            seconds = click(page, turn)
            if turn >= 0:
                took[name].append(seconds)
    for page in pages.values():
        page.context.close()
    ours, few, bare = (Time(name, median(seconds)) for name, seconds in took.items())
    tell(f"  {kind}: {', '.join(map(str, (ours, few, bare)))}")
    return Row(
        f"{WORK}; {kind}",
        f"{calls_words(calls)}, {len(took[''])} clicks",
        ours,
        floor=(bare,),
        peers=(few,),
        ratios=(ratio_to(ours, few, most=most), ratio_to(ours, bare, most=MOST_OF_BARE)),
        memory="as below",
    )
