"""Seeded combinations of faults: every page of a home and the commands, as many as the time budget allows."""

from __future__ import annotations

import logging
import os
import random
import shutil
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from zlib import crc32

import pytest
import streamlit as st

from dashboard.core.settings import SYNCED_BY
from dashboard.web import sessions
from tests import faulty_homes
from tests.cli.conftest import answering
from tests.cli.faulty import Commands, hold
from tests.web.pages.faults import look

ALL = 2 * 3 ** len(faulty_homes.INPUTS) * (1 + len(faulty_homes.CARRIERS))
BUDGET_S, SEED = float(os.environ.get("SOAK_CLAIMS_S", "1080")), 20261129
"""Eighteen minutes, which leaves a margin to twenty, unless the environment sets another budget; and the seed."""
AT_ONCE = 2


def main() -> str:
    """Draw combinations of any number of faults, at most one per input, until the time is up."""
    with ProcessPoolExecutor(AT_ONCE, get_context("spawn")) as pool:
        done = list(pool.map(partial(_draw_until, time.time() + BUDGET_S), range(AT_ONCE)))
    homes, pages, commands = map(sum, zip(*done, strict=True))
    return (
        f"{homes:,} of {ALL:,} combinations of faults on {pages:,} pages and in {commands:,} commands, seed {SEED}, "
        "no positive statement beyond the data"
    )


def _draw_until(end: float, place: int) -> tuple[int, int, int]:
    """Run one process's share of the combinations, split by text; return numbers of homes, pages and commands."""
    logging.disable(logging.WARNING)  # Streamlit warns about running without a server
    drawn = random.Random(f"{SEED} {place}")
    mine = {one for one in _everything() if crc32(repr(one).encode()) % AT_ONCE == place}
    order = sorted(mine)
    drawn.shuffle(order)
    homes = pages = commands = 0
    longest = 0.0
    sessions.stand_in(sessions.Session(made_by="soak", name="Ola"))
    with answering(401) as refusing, answering(503) as down:
        for faults, refused in order:
            begun = time.time()
            if begun + longest > end:  # the last home must fit into the time as well
                break
            shown, ran = _hold(faults, refusing, down, refused=refused)
            homes = homes + 1
            pages = pages + shown
            commands = commands + ran
            longest = max(longest, time.time() - begun)
    sessions.stand_in(None)
    return homes, pages, commands


def _hold(faults: tuple[str, ...], refusing: str, down: str, *, refused: bool) -> tuple[int, int]:
    """Create a home and check its pages and commands; return the number of each."""
    folder = Path(tempfile.mkdtemp(prefix="trunkgate-claims-"))
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv(SYNCED_BY, "soak")
            # two homes, because the commands use a carrier at another address
            pages, home = (faulty_homes.make(folder / name, faults, refused=refused) for name in ("pages", "commands"))
            run = Commands(home, faults, environment, refusing, down)
            return look(pages, faults, environment), hold(run, folder / "out", refused=refused)
    finally:
        st.cache_resource.clear()
        st.cache_data.clear()
        shutil.rmtree(folder, ignore_errors=True)


def _everything() -> list[tuple[tuple[str, ...], bool]]:
    """Return every combination: each input at one of three ages, at most one carrier fault, and the account."""
    found: list[tuple[str, ...]] = [()]
    for name in faulty_homes.INPUTS:
        found = [(*one, *more) for one in found for more in ((), (f"{name} stale",), (f"{name} missing",))]
    found = [(*one, *more) for one in found for more in ((), *((fault,) for fault in faulty_homes.CARRIERS))]
    return [(one, refused) for one in found for refused in (False, True)]
