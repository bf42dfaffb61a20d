"""Workspaces: one account per home, and the process of the embedded account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import psutil
import pytest
from pydantic import SecretStr

from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.repair import set_own_numbers
from dashboard.calls.store.store import CallStore
from dashboard.carriers.base import ExportedWindow
from dashboard.carriers.offline import OfflineCarrier
from dashboard.core.errors import CarrierUnavailableError, LockError, SettingsError
from dashboard.core.locks import nobody_shares, share
from dashboard.core.settings import Mode, Settings
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import AllowAddress, Plan, ReplayImpact
from dashboard.emulator.lifecycle import process
from dashboard.emulator.lifecycle.home import users_lock
from dashboard.services.own_numbers import InventoryNumbers
from dashboard.services.snapshot_builder import save_frame
from dashboard.services.workspace import CAPABILITIES, Workspace
from dashboard.storage.account_binding import store_key_digest
from dashboard.storage.database import State
from dashboard.storage.journal import PHASE_DONE
from tests.calls.exports import NOON, as_csv, rows_at
from tests.texts import golden, golden_pattern

PLAN = Plan(
    title="Allow 198.51.100.24",
    changes=(AllowAddress(network="198.51.100.24"),),
    before={"allowed_ips": {}},
    impact=ReplayImpact(labels={}, decided=1),
    made_at=datetime(2026, 11, 20, tzinfo=UTC),
)
KEYS = {"FLOWROUTE_ACCESS_KEY": "abc", "FLOWROUTE_SECRET_KEY": "def"}


def real(home: Path, host: str) -> Settings:
    """Return settings with a key for an account at a host."""
    made: dict[str, Any] = {**KEYS, "FLOWROUTE_BASE_URL": f"https://{host}"}
    return Settings(home=home, **made)


def owned_by(home: Path, owner: str) -> None:
    """Create a home that was used for an account."""
    state = State.open(home)
    state.put("account_of_home", owner)
    state.close()


def filled(home: Path) -> None:
    """Save data of an account in a home."""
    state = State.open(home)
    now = datetime.now(UTC)
    state.save_version("account", {"tech_prefix": "12345678"}, valid_from=now, seen_at=now, known_by="a test")
    state.close()


def test_a_home_that_holds_nothing_locks_nobody_out(tmp_path: Path) -> None:
    """A mistyped address or key does not bind an empty home; the right one opens it."""
    Workspace.open(real(tmp_path, "mistyped.example.net")).close()

    Workspace.open(real(tmp_path, "api.example.net")).close()
    filled(tmp_path)

    with pytest.raises(SettingsError, match=golden_pattern("errors.account.belongs_to", host="api")):
        Workspace.open(real(tmp_path, "mistyped.example.net"))


def test_another_key_is_another_account(tmp_path: Path) -> None:
    """Another key at the same host is another account until the renewal is confirmed; the home stores no key."""
    Workspace.open(real(tmp_path, "api.example.net")).close()
    filled(tmp_path)
    other = real(tmp_path, "api.example.net").model_copy(update={"flowroute_access_key": SecretStr("xyzzy-access")})

    with pytest.raises(SettingsError, match=golden_pattern("errors.account.sync_new_key")):
        Workspace.open(other)
    Workspace.open(other, new_key=True).close()

    state = State.open(tmp_path)
    store_key_digest(state, other)
    state.close()
    Workspace.open(other).close()
    assert b"xyzzy" not in b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())


def test_a_real_home_refuses_to_run_without_its_key(tmp_path: Path) -> None:
    """A real home does not open without its key or with another account's; its own key opens it."""
    Workspace.open(real(tmp_path, "api.example.net")).close()
    filled(tmp_path)

    with pytest.raises(SettingsError, match=golden_pattern("errors.account.set_key")):
        Workspace.open(Settings(home=tmp_path))
    with pytest.raises(SettingsError, match=golden_pattern("errors.account.folder_for")):
        Workspace.open(real(tmp_path, "other.example.net"))
    assert not (tmp_path / "emulator.db").exists()
    Workspace.open(real(tmp_path, "api.example.net")).close()


def test_a_sample_home_refuses_a_real_account(tmp_path: Path) -> None:
    """Calls of the sample account and of a real one are never mixed."""
    owned_by(tmp_path, "embedded")
    filled(tmp_path)

    with pytest.raises(SettingsError, match=golden_pattern("errors.account.embedded")):
        Workspace.open(real(tmp_path, "api.example.net"))


@pytest.mark.slow
def test_an_account_that_runs_is_used_and_left_running(embedded: Callable[..., Workspace]) -> None:
    """The last user of the embedded account ends it, whoever started it."""
    first = embedded()
    running = process.running(first.settings.home)

    with Workspace.open(first.settings) as second:
        assert second.carrier.account() == first.carrier.account()

    assert process.running(first.settings.home) == running

    third = Workspace.open(first.settings)
    first.close()
    assert process.running(third.settings.home) == running
    third.close()
    assert process.running(third.settings.home) is None


@pytest.mark.slow
def test_an_account_started_again_elsewhere_is_found(embedded: Callable[..., Workspace]) -> None:
    """An account restarted by another program at another address is used there, without starting another."""
    account = embedded()
    home = account.settings.home
    before = process.running(home)
    assert before is not None
    assert account.revive() is False
    psutil.Process(before.pid).kill()
    psutil.Process(before.pid).wait()
    other = process.start(home)
    somebody = share(users_lock(home))
    try:
        assert account.revive() is True
        assert account.carrier.account().sample is True
        account.close()
        assert process.running(home) == other
    finally:
        somebody.close()
        process.stop(home)


@pytest.mark.slow
def test_an_error_while_opening_closes_everything(tmp_path: Path) -> None:
    """If an interrupted fix cannot be settled because of its lock, the embedded account ends and its lock is free."""
    settings = Settings(home=tmp_path, sample_calls=0)
    with Workspace.open(settings) as opened:
        opened.journal.begin(PLAN, actor="ana", before=PLAN.before)
    (tmp_path / "fix.lock").mkdir()

    with pytest.raises(LockError, match=golden_pattern("errors.fixes.fix_lock")):
        Workspace.open(settings)

    with nobody_shares(users_lock(tmp_path)) as free:
        assert (True, None) == (free, process.running(tmp_path))


class DownCarrier(OfflineCarrier):
    """A carrier that cannot be asked for its capabilities either."""

    def __init__(self) -> None:
        self._reason = "The carrier cannot be reached."

    @property
    def capabilities(self) -> NoReturn:
        """See ``Carrier``."""
        raise CarrierUnavailableError(self._reason)


def test_a_fix_is_watched_while_the_carrier_is_down(tmp_path: Path) -> None:
    """The monitor of a fix uses the capabilities of the last sync if the carrier cannot be read."""
    filled(tmp_path)
    state = State.open(tmp_path)
    state.put(CAPABILITIES, [Capability.READ_ALLOWED_IPS])
    with Workspace(Settings(home=tmp_path), state, CallStore(tmp_path), DownCarrier()) as opened:
        begun = opened.journal.begin(PLAN, actor="ana", before=PLAN.before)
        entry = opened.journal.finish(begun, PLAN, phase=PHASE_DONE, before=PLAN.before, after=PLAN.before)

        assert 0 == opened.watch(entry).decided


class QuietCarrier(OfflineCarrier):
    """A carrier that offers nothing but an export without calls."""

    def __init__(self) -> None:
        super().__init__(frozenset(), "Nothing is offered.")

    def inventory(self) -> None:
        """See ``Carrier``."""

    def export_calls(self, *_: object, **__: object) -> list[ExportedWindow]:
        """See ``Carrier``."""
        return []


@pytest.fixture
def renewable(tmp_path: Path) -> Iterator[tuple[State, CallStore]]:
    """Return a home with calls of three days, whose list of own numbers lacks the caller, a number of a PBX."""
    state = State.open(tmp_path)
    store = CallStore(tmp_path, own_numbers=InventoryNumbers(state))
    days = [NOON + timedelta(days=day) for day in range(3)]
    export = tmp_path / "export.csv"
    export.write_text(as_csv(rows_at(*days, callerid="14255550111", custom_x_tag="")))
    import_files(store, [export])
    set_own_numbers(store, {"14255550112"})
    numbers = pd.DataFrame({"pbx_id": ["seattle"], "number": ["14255550111"]})
    save_frame(state, "pbx_numbers", numbers, now=datetime.now(UTC), known_by="a test")
    yield state, store
    state.close()


def test_numbers_of_the_inventory_are_renewed_while_the_carrier_is_down(renewable: tuple[State, CallStore]) -> None:
    """Sums are read from the roll-up again, although the sync fails."""
    state, store = renewable
    workspace = Workspace(Settings(home=state.home), state, store, DownCarrier())

    with pytest.raises(CarrierUnavailableError):
        workspace.sync()

    assert store.covers_inventory(store.generations.current())


def test_a_damaged_day_does_not_end_a_sync(renewable: tuple[State, CallStore]) -> None:
    """Calls are fetched, and the report has a sentence with the day and the cure."""
    state, store = renewable
    part = store.generations.path(store.generations.current().days[NOON.date()].calls[0])
    part.write_bytes(b"damaged")
    told: list[str] = []
    workspace = Workspace(Settings(home=state.home), state, store, QuietCarrier())

    report = workspace.sync(progress=lambda what, _share: told.append(what))

    assert [True] == [
        golden("errors.calls.forget_day", day=f"{NOON:%Y-%m-%d}") in sentence for sentence in report.unreadable
    ]
    assert state.get("calls_since")
    assert golden("errors.calls.counting_again", day=f"{NOON:%Y-%m-%d}") in told


def test_a_stopped_sync_renews_nothing(renewable: tuple[State, CallStore]) -> None:
    """A program that ends does not wait until all days are counted."""
    state, store = renewable

    Workspace(Settings(home=state.home), state, store, QuietCarrier()).sync(stop=lambda: True)

    generation = store.generations.current()
    assert set(generation.days) == store.counted_afresh(generation, generation.days)


def files(home: Path, **more: Any) -> Settings:
    """Return settings of mode ``files``."""
    return Settings(home=home, account=Mode.FILES, **more)


def test_a_home_remembers_its_mode(tmp_path: Path) -> None:
    """Once opened in mode ``files``, a home stays in it if the environment names no account, with or without a key."""
    Workspace.open(files(tmp_path)).close()

    for settings in (Settings(home=tmp_path), real(tmp_path, "api.example.net")):
        with Workspace.open(settings) as opened:
            assert Mode.FILES is opened.settings.mode
            assert 0 == opened.sync().calls
            assert frozenset() == opened.carrier.capabilities
    assert not (tmp_path / "emulator.db").exists()


def test_a_home_of_files_can_be_given_a_key(tmp_path: Path) -> None:
    """The account of the files takes over the home if it is named explicitly; the sample account cannot."""
    Workspace.open(files(tmp_path)).close()
    filled(tmp_path)

    with pytest.raises(SettingsError, match=golden_pattern("errors.account.imported_files")):
        Workspace.open(Settings(home=tmp_path, account=Mode.EMBEDDED))
    with_key = real(tmp_path, "api.example.net").model_copy(update={"account": Mode.FLOWROUTE})
    Workspace.open(with_key).close()

    with pytest.raises(SettingsError, match=golden_pattern("errors.account.belongs_to", host="api")):
        Workspace.open(Settings(home=tmp_path))


def test_a_real_home_can_be_looked_at_without_its_key(tmp_path: Path) -> None:
    """Mode ``files`` needs no key, fetches nothing, and leaves the home bound to its account."""
    Workspace.open(real(tmp_path, "api.example.net")).close()
    filled(tmp_path)

    with Workspace.open(files(tmp_path)) as opened:
        assert 0 == opened.sync().calls

    with Workspace.open(real(tmp_path, "api.example.net")) as opened:
        assert Mode.FLOWROUTE is opened.settings.mode


def test_a_sample_home_holds_no_files(tmp_path: Path) -> None:
    """Calls of a real account are never mixed with those of the sample account."""
    owned_by(tmp_path, "embedded")
    filled(tmp_path)

    with pytest.raises(SettingsError, match=golden_pattern("errors.account.embedded") + ".*for imported files"):
        Workspace.open(files(tmp_path))
