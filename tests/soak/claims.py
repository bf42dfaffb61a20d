"""Seeded combinations of faults: every page of a home, and the commands, as many as fit into the time."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from pathlib import Path

import pytest
import streamlit as st

from dashboard.settings import SYNCED_BY
from dashboard.web import sessions
from tests import faulty_homes
from tests.pages.faults import look

ALL = 2 * 3 ** len(faulty_homes.INPUTS) * (1 + len(faulty_homes.CARRIERS))
BUDGET_S, SEED = float(os.environ.get("SOAK_CLAIMS_S", "1080")), 20261129
"""Eighteen minutes, which leaves a margin to twenty, unless the environment says otherwise."""


def main() -> str:
    """Draw combinations of any number of faults, without two of one input, until the time is up."""
    drawn, end = random.Random(SEED), time.monotonic() + BUDGET_S
    seen: set[tuple[tuple[str, ...], bool]] = set()
    pages = 0
    sessions.stand_in(sessions.Session(made_by="soak", name="Ola"))
    while time.monotonic() < end and len(seen) < ALL:
        faults, refused = _draw(drawn), drawn.random() < 0.5
        if (faults, refused) in seen:
            continue
        seen.add((faults, refused))
        home = Path(tempfile.mkdtemp(prefix="trunkgate-claims-"))
        try:
            with pytest.MonkeyPatch.context() as environment:
                environment.setenv(SYNCED_BY, "soak")
                pages += look(faulty_homes.make(home / "home", faults, refused=refused), faults, environment)
        finally:
            st.cache_resource.clear()
            st.cache_data.clear()
            shutil.rmtree(home, ignore_errors=True)
    sessions.stand_in(None)
    return (
        f"{len(seen):,} combinations of faults on {pages:,} pages, seed {SEED}, no positive statement beyond the data"
    )


def _draw(drawn: random.Random) -> tuple[str, ...]:
    """Return faults, each input at most once, the carrier's at most one."""
    inputs = [
        f"{name} {age}"
        for name in faulty_homes.INPUTS
        if (age := drawn.choice(["fresh", "stale", "missing"])) != "fresh"
    ]
    carrier = drawn.choice(["", *faulty_homes.CARRIERS])
    return (*inputs, *filter(None, [carrier]))
