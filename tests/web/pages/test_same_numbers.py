"""A change has the same numbers wherever it is shown, because all of them come from one replay."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from dashboard.calls.ingest.importer import import_files
from dashboard.calls.replay.replayer import Replayer
from dashboard.calls.store.repair import drop_file_only
from dashboard.cli.entry_point import app as program
from dashboard.core.settings import Settings
from dashboard.domain.actors import local_actor
from dashboard.domain.changes import AllowAddress, Change, RemoveAddress, ReplayImpact, SetCredentials
from dashboard.domain.findings import Finding, Status
from dashboard.domain.replay_labels import BROKEN, GONE, LABELS
from dashboard.fixes.account_image import proposed
from dashboard.services.exports.frames import all_tables
from dashboard.services.workspace import Workspace
from dashboard.web.components.formatting import plain
from dashboard.web.overview import cards
from tests.calls.exports import as_csv, rows_at
from tests.texts import golden
from tests.web.pages.conftest import CALLS
from tests.web.pages.drafting import DENVER, OLD_DENVER, SEATTLE, counts, edit, row_of, shown, switch, words

pytestmark = pytest.mark.slow

STRANGER = "203.0.113.66"
FORGER = "203.0.113.77"
MIAMI = "203.0.113.167"
SHARED = "198.51.100.80"
NETWORK = "192.0.2.16/28"
CALL_PAGES = ("calls", "outcomes")
WINDOW_DAYS = 31
"""One day more than the account has calls, so that no call leaves the window while the test runs."""
CHANGES: dict[str, tuple[Change, ...]] = {
    "allow Denver": (AllowAddress(network=DENVER),),
    "remove the address that Denver left": (RemoveAddress(network=OLD_DENVER),),
    "remove an unassigned address": (RemoveAddress(network=STRANGER),),
    "credentials off": (SetCredentials(enabled=False),),
    "unassigned out, credentials off": (RemoveAddress(network=STRANGER), SetCredentials(enabled=False)),
    "remove Seattle": (RemoveAddress(network=SEATTLE),),
    "allow the forger of an X-Tag": (AllowAddress(network=FORGER),),
    "allow a dynamic PBX, credentials off": (AllowAddress(network=MIAMI), SetCredentials(enabled=False)),
    "remove an address of two PBXs": (RemoveAddress(network=SHARED),),
    "remove a network with a stranger in it": (RemoveAddress(network=NETWORK),),
}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Open a sample account whose calls are all within the window."""
    home = tmp_path_factory.mktemp("same")
    with Workspace.open(Settings(home=home, sample_calls=CALLS, window_days=WINDOW_DAYS)) as opened:
        opened.sync()
        yield opened


@pytest.fixture(autouse=True)
def _window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKGATE_WINDOW_DAYS", str(WINDOW_DAYS))


def run(*command: str) -> str:
    """Run a command on the account and return its standard output."""
    answer = CliRunner().invoke(program, command)
    assert 0 == answer.exit_code, answer.output
    return answer.stdout


def options(changes: tuple[Change, ...]) -> list[str]:
    """Return changes as options of ``replay``."""
    found = []
    for change in changes:
        match change:
            case AllowAddress():
                found += ["--allow", change.network]
            case RemoveAddress():
                found += ["--remove", change.network]
            case SetCredentials():
                found += ["--credentials", "on" if change.enabled else "off"]
    return found


def drafted(at: AppTest, changes: tuple[Change, ...]) -> AppTest:
    """Draft the changes on the What if page."""
    removed = [row_of(at, change.network) for change in changes if isinstance(change, RemoveAddress)]
    added = [{"network": change.network} for change in changes if isinstance(change, AllowAddress)]
    if removed or added:
        edit(at, deleted_rows=removed, added_rows=added)
    for change in changes:
        if isinstance(change, SetCredentials):
            switch(at, "on" if change.enabled else "off")
    return at


def finding_of(account: Workspace, changes: tuple[Change, ...]) -> Finding | None:
    """Return a failure that proposes exactly these changes, or ``None``."""
    sentences = [change.describe() for change in changes]
    failed = (finding for finding in account.findings() if finding.status is Status.FAIL)
    return next((each for each in failed if sentences == [change.describe() for change in each.changes]), None)


def held_to_the_replay(app: Callable[..., AppTest], account: Workspace, changes: tuple[Change, ...]) -> ReplayImpact:
    """Compare Overview, What if, review, guards, ``replay``, ``fix --dry-run`` and CSV with the replay; return it."""
    known = account.snapshot()
    answer = Replayer(known).against(proposed(known.policy, changes))
    impact = answer.impact
    expected = {label: impact.calls(label) for label in LABELS if impact.calls(label)}
    rows = told(answer.by_pbx().to_dict("records"))

    at = drafted(app("what_if"), changes)
    assert counts(impact) == shown(at)
    by_pbx = next(frame.value for frame in at.dataframe if "today" in frame.value.columns)
    assert rows == told([row | {"label": row["label"][0].lower()} for row in by_pbx.to_dict("records")])
    assert impact.apart.strip() in plainly(at)
    at.button(key="what_if_review").click().run()
    assert not at.exception
    assert 2 * len(expected) == len(at.metric)  # those of the page and of the dialog
    assert counts(impact) == shown(at)
    assert guard(impact) in words(at)

    printed = json.loads(run("replay", "--no-sync", *options(changes), "--format", "json"))
    assert expected == {name: row["calls"] for name, row in printed["labels"].items() if row["calls"]}
    assert rows == told(printed["rows"])
    assert impact.not_judged == printed["not_judged"]
    lines = csv.DictReader(io.StringIO(run("replay", "--no-sync", *options(changes), "--format", "csv")))
    assert rows == told([*lines])

    if (finding := finding_of(account, changes)) is not None:
        text = run("fix", finding.check, finding.subject, "--dry-run")
        pairs = re.findall(rf"([\d,]+) ({'|'.join(LABELS)})(?=, | \()", text)
        assert expected == {label: int(calls.replace(",", "")) for calls, label in pairs}
        assert guard(impact) in text
        assert impact.apart in text
        if not impact.calls(BROKEN):
            assert plain(cards.effect(impact)) in words(app())
    return impact


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_every_surface_has_the_same_numbers(
    app: Callable[..., AppTest], account: Workspace, changes: tuple[Change, ...]
) -> None:
    """All surfaces agree on moved, forged, shared, dynamic and unassigned addresses, and on a listed network."""
    assert held_to_the_replay(app, account, changes).total


def test_every_surface_says_how_many_calls_only_files_have(
    app: Callable[..., AppTest], account: Workspace, tmp_path: Path
) -> None:
    """Calls only in imported files are in no count but stated with every count; the CSV export has each of them."""
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    times = [moment + timedelta(seconds=place) for place in range(4)]
    path = tmp_path / "thief.csv"
    empty = tmp_path / "empty.csv"
    path.write_text(as_csv([row for ip in (DENVER, STRANGER) for row in rows_at(*times, customer_ip=f"{ip}:5060")]))
    empty.write_text(as_csv([]))
    import_files(account.store, [path])
    import_files(account.store, [empty], window=(moment, times[-1] + timedelta(seconds=1)))
    st.cache_resource.clear()  # pages show new calls with a delay of some seconds, except with an empty cache
    try:
        found = held_to_the_replay(app, account, CHANGES["allow Denver"])
        table = all_tables(account.snapshot(), [], [], account.store)["imported_only_calls"]
        written = pd.concat(table.pieces())
        titles = [app(page, **{"span": "30 days"} if page == "calls" else {}).title[0].value for page in CALL_PAGES]
    finally:
        drop_file_only(account.store)

    assert len(written) == table.rows == found.not_judged
    assert len(times) * 2 <= len(written)
    assert {"file_only"} == set(written["provenance"])
    assert all(golden("checks.imported_calls", calls=f"{len(written):,}") in title for title in titles), titles


def test_with_credentials_off_every_surface_has_the_same_numbers(
    app: Callable[..., AppTest], account: Workspace
) -> None:
    """
    With credentials off all surfaces agree on switching them on, and on what one address saves.

    This test is the last of the module, because it changes the account.
    """
    plan = account.plan_changes((SetCredentials(enabled=False),))
    account.apply(plan, actor=local_actor("a test"), typed=plan.phrases)

    for changes in ((SetCredentials(enabled=True),), CHANGES["allow the forger of an X-Tag"]):
        assert held_to_the_replay(app, account, changes).total


def told(rows: list[dict[str, Any]]) -> set[tuple[str, str, int]]:
    """Return label, caller and number of calls of each row."""
    return {(str(row["label"]), str(row["who"]), int(row["calls"])) for row in rows}


def plainly(at: AppTest) -> str:
    """Return the text of the page without Markdown escapes."""
    return words(at).replace("\\", "")


def guard(impact: ReplayImpact) -> str:
    """Return the text that the guard must show about calls that would be blocked."""
    if impact.calls(BROKEN):
        return f"It would block {impact.calls(BROKEN):,} of the past calls"
    gone = impact.calls(GONE)
    return f"{gone:,} calls of" if gone else "No past call of a PBX of yours is known to break."
