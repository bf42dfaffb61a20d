"""``trunkgate onboard``: output, exit status, and errors, on a home without a network."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dashboard.cli.entry_point import app
from dashboard.core.errors import InputError
from dashboard.core.text import UNSAFE, visible
from dashboard.services import snapshot_builder
from dashboard.storage.database import State
from tests import faulty_homes
from tests.cli.faulty import Answer, Commands
from tests.texts import golden

HOSTILE = "Den\u202ever\x1b[2J\nfake"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one home whose state database each test replaces; its calls are imported once."""
    return faulty_homes.make(tmp_path_factory.mktemp("onboard") / "home")


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Return the commands on the home in order; none contacts a carrier."""
    faulty_homes.set_faults(home)
    return Commands(home, (), monkeypatch, "", "")


def onboard(run: Commands, *options: str) -> Answer:
    """Run ``onboard`` without a sync."""
    return run("onboard", "--no-sync", *options)


def test_all_done_ends_with_zero(run: Commands) -> None:
    """The table has a row for each step of each PBX and one for the account; the last line counts."""
    answer = onboard(run)
    rows = [line for line in answer.out.splitlines() if line.startswith(("Seattle  ", "Denver  ", "(account)  "))]

    assert (0, None) == (answer.status, answer.error)
    assert answer.out.startswith(golden("commands.onboard.all_done") + "\n")
    assert 15 == len(rows)
    assert answer.out.endswith(golden("commands.onboard.counts") + "\n")
    assert not [line for line in answer.out.splitlines() if line != line.rstrip()]


def test_json_has_one_schema(run: Commands) -> None:
    """Keys and their order are the same for every step; times are ISO with an offset."""
    told = json.loads(onboard(run, "--format", "json").out)
    steps = [*(step for one in told["pbxs"] for step in one["steps"]), told["account"]]

    assert ["taken_at", "headline", "inputs", "counts", "account", "pbxs"] == list(told)
    keys = ["step", "title", "state", "cause", "reason", "last_known", "lacking", "next_action", "fixes"]
    assert all(keys == list(step)[: len(keys)] for step in steps)
    assert datetime.fromisoformat(told["taken_at"]).tzinfo is not None
    assert {"done"} == {step["state"] for step in steps}


def test_what_is_to_do_ends_with_one_and_names_the_fix(run: Commands, home: Path) -> None:
    """An address that is not listed is to do, with the command that plans its fix; the other PBX is done."""
    faulty_homes.set_faults(home, refused=True)
    answer = onboard(run)

    assert 1 == answer.status
    assert (
        golden("commands.check.fix_command", check="pbx_address_is_allowed", subject="198.51.100.24") + "\n"
        in answer.out
    )
    assert 1 == onboard(run, "--pbx", "denver").status
    assert 0 == onboard(run, "--pbx", "seattle").status


@pytest.mark.parametrize("fault", ["calls stale", "routes missing", "inventory stale", "inventory missing"])
def test_unknown_ends_with_three_unless_allowed(run: Commands, home: Path, fault: str) -> None:
    """What is not known is not done, and the output says which input is lacking; --allow-unknown accepts it."""
    faulty_homes.set_faults(home, (fault,))
    answer = onboard(run)

    assert 3 == answer.status
    assert " (missing) " in answer.out or " (stale) " in answer.out
    assert 0 == onboard(run, "--allow-unknown").status


def test_an_unknown_pbx_is_a_sentence_with_the_cure(run: Commands, home: Path) -> None:
    """The error names the ids of the inventory, or how to fill it."""
    answer = onboard(run, "--pbx", HOSTILE)
    faulty_homes.set_faults(home, ("inventory missing",))
    empty = onboard(run, "--pbx", "denver")

    assert isinstance(answer.error, InputError)
    assert golden("commands.onboard.give_the_id") in str(answer.error)
    assert golden("commands.onboard.add_one") in str(empty.error)


def test_hidden_characters_of_a_name_are_escaped(run: Commands, home: Path) -> None:
    """A name with control characters, which the inventory marks when it is stored, is one cell of its row."""
    state = State.open(home)
    try:
        frame = snapshot_builder.load_frame(state, "pbxs")
        frame.loc[frame["pbx_id"] == "denver", "name"] = HOSTILE
        snapshot_builder.save_frame(state, "pbxs", frame, now=datetime.now(UTC), known_by="Ada")
    finally:
        state.close()
    text = onboard(run).out
    told = onboard(run, "--format", "json").out

    assert not UNSAFE.search(text)
    assert not UNSAFE.search(told)
    assert not [line for line in text.splitlines() if line.startswith("fake")]
    assert visible(HOSTILE) in {one["name"] for one in json.loads(told)["pbxs"]}


def test_help_lists_the_exit_statuses() -> None:
    """The help says what each exit status means."""
    assert golden("commands.onboard.exit_status") in " ".join(
        CliRunner().invoke(app, ["onboard", "--help"]).output.split()
    )
