"""``calls forget``, ``calls repair`` and ``journal`` with records of the call store, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.repair import forget, set_own_numbers
from dashboard.calls.store.store import CallStore
from dashboard.cli.entry_point import app
from dashboard.domain.actors import local_actor
from dashboard.storage.database import State
from dashboard.storage.store_changes import FORGET, REPAIR, recorded
from tests.calls.exports import NOON, a_row, as_csv
from tests.texts import golden

DAY = f"{NOON:%Y-%m-%d}"


def run(*arguments: str) -> tuple[int, str]:
    """Run a command; return its exit status and output."""
    answer = CliRunner().invoke(app, arguments)
    return answer.exit_code, answer.output


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a home with one call, which the environment names."""
    folder = tmp_path / "home"
    monkeypatch.setenv("TRUNKGATE_HOME", str(folder))
    State.open(folder).close()
    export = tmp_path / "export.csv"
    export.write_text(as_csv([a_row()]))
    import_files(CallStore(folder), [export])
    return folder


@pytest.mark.usefixtures("home")
def test_who_repaired_or_removed_a_day_is_listed() -> None:
    """The journal's list has both records of each, without number and hash, in text and as JSON."""
    assert 0 == run("calls", "repair", DAY)[0]
    assert 0 == run("calls", "forget", DAY, "--yes")[0]

    _, text = run("journal", "list")
    _, rows = run("journal", "list", "--format", "json")

    titles = [
        golden("commands.journal.store_change", command=command, day=DAY, calls=1) for command in ("repair", "forget")
    ]
    actor = local_actor("command line").name
    for title in titles:
        assert f"  done    -             {actor}  {title}\n" in text
    assert ["begun", "done"] * 2 == [row["phase"] for row in json.loads(rows)]
    assert [title for title in titles for _ in range(2)] == [row["title"] for row in json.loads(rows)]
    assert {None} == {row["id"] for row in json.loads(rows)} | {row["hash"] for row in json.loads(rows)}


def test_a_removal_is_done_although_an_unneeded_file_stays(home: Path) -> None:
    """Its record says so: the calls are gone, whatever happens to the files that the store needs no more."""
    (home / "calls" / "parts" / "lost+found").mkdir()

    assert 0 == run("calls", "forget", DAY, "--yes")[0]

    rows = json.loads(run("journal", "list", "--format", "json")[1])
    assert ["begun", "done"] == [row["phase"] for row in rows]


class KilledError(BaseException):
    """The process ends."""


def end(change: Callable[[], object]) -> None:
    """Make a change, and end the process."""
    change()
    raise KilledError


def test_an_import_settles_an_interrupted_removal_first(home: Path) -> None:
    """Otherwise the days that it brings back would hide that they were removed."""
    store = CallStore(home)
    with (
        closing(State.open(home)) as state,
        pytest.raises(KilledError),
        recorded(
            state,
            FORGET,
            actor=local_actor("command line"),
            days=[NOON.date()],
            calls=1,
            generation=store.digest,
        ),
    ):
        end(lambda: forget(store, [NOON.date()]))

    assert 0 == run("calls", "import", str(home.with_name("export.csv")))[0]

    rows = json.loads(run("journal", "list", "--format", "json")[1])
    assert ["begun", "done"] == [row["phase"] for row in rows]


def test_a_change_without_outcome_is_reported(home: Path) -> None:
    """``journal verify`` ends with 3, and the list marks the record."""
    with (
        closing(State.open(home)) as state,
        pytest.raises(KilledError),
        recorded(state, REPAIR, actor=local_actor("command line"), days=[NOON.date()], calls=1, generation=""),
    ):
        raise KilledError

    status, text = run("journal", "verify")

    assert (3, True) == (
        status,
        golden("commands.journal.no_outcome_of_store_change", command="repair", day=DAY, calls=1) in text,
    )
    assert (
        golden("commands.journal.store_change_without_outcome", command="repair", day=DAY, calls=1)
        in run("journal", "list")[1]
    )


def test_repair_without_a_day_writes_a_damaged_list_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that is not damaged stays, and nothing is recorded."""
    set_own_numbers(CallStore(home), {"14255550111"})
    intact = run("calls", "repair")
    moved = home.rename(home.with_name("moved"))  # lists are cached by their path
    monkeypatch.setenv("TRUNKGATE_HOME", str(moved))
    store = CallStore(moved)
    store.generations.path(store.generations.current().own_numbers).write_bytes(b"x")

    status, text = run("calls", "repair")

    assert (0, golden("commands.calls.own_numbers_not_damaged") + "\n") == intact
    assert (0, golden("commands.calls.own_numbers_written") + "\n") == (status, text)
    assert store.has_readable_list()
    assert 3 == len(run("journal", "list")[1].splitlines())
