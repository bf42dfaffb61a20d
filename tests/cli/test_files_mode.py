"""Mode ``files``: verdicts on a real account without its key, from imported files alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.emulator.lifecycle import process
from tests.calls.exports import as_csv, rows_at
from tests.texts import golden

pytestmark = pytest.mark.slow

FILES = {"TRUNKGATE_ACCOUNT": "files"}
PUBLIC = {"TRUNKGATE_PUBLIC_RANGES": "198.51.100.0/24,203.0.113.0/24"}
SEATTLE = "198.51.100.11"
DENVER = "198.51.100.24"
STRANGER = "203.0.113.66"
PBXS = f"pbx_id,name,address,dials_prefix\nseattle,Seattle,{SEATTLE},yes\ndenver,Denver,{DENVER},yes\n"
PAGE = f"Outbound Allowed IPs\n{SEATTLE}  Seattle office  [Remove]\n"


@pytest.fixture
def material(tmp_path: Path) -> dict[str, Path]:
    """Write the files of an operator: call records of the last ten hours, the copied list, the inventory."""
    now = datetime.now(UTC).replace(microsecond=0)
    times = [now - timedelta(minutes=minutes) for minutes in range(5, 600, 30)]
    rows = [
        *rows_at(*times, customer_ip=f"{SEATTLE}:5060"),
        *rows_at(*times, customer_ip=f"{STRANGER}:5060", custom_x_tag="", callerid="+19995550100"),
    ]
    texts = {"cdrs": as_csv(rows), "list": PAGE, "pbxs": PBXS}
    files = {name: tmp_path / f"{name}.csv" for name in texts}
    for name, text in texts.items():
        files[name].write_text(text)
    return files


def test_imported_files_give_verdicts(bare: Any, material: dict[str, Path]) -> None:
    """
    Import, paste, record and inventory read on an empty home lead to verdicts.

    The home stores its mode with the first command, and no command starts the emulator.
    """
    imported = bare("calls", "import", material["cdrs"], **FILES, **PUBLIC)
    again = bare("calls", "import", material["cdrs"], **PUBLIC)
    synced = bare("sync", **PUBLIC)
    pasted = bare("account", "paste", material["list"], "--yes", **PUBLIC)
    recorded = bare("account", "record", "--tech-prefix", "12345678", "--credentials", "off", **PUBLIC)
    read = bare("inventory", "read", material["pbxs"], "--keep", **PUBLIC)
    checked = bare("check", "--format", "json", **PUBLIC)
    onboarding = bare("onboard", "--pbx", "denver", "--format", "json", **PUBLIC)

    assert [0] * 6 == [answer.status for answer in (imported, again, synced, pasted, recorded, read)]
    assert "The next sync" not in imported.out + again.out
    assert golden("commands.check.nothing_to_fetch") in synced.out
    assert "added       198.51.100.11  Seattle office" in pasted.out
    verdicts = {(row["check"], row["subject"]): row["status"] for row in checked.json}
    assert verdicts["pbx_address_is_allowed", DENVER] == "fail"
    assert verdicts["allowed_ip_has_pbx", SEATTLE] == "pass"
    assert verdicts["imported_calls_are_in_export", "account"] == "unknown"
    assert not [row for row in checked.json if "calls were never" in row["reason"]]
    assert checked.status == 1
    steps = {step["step"]: (step["state"], step["cause"]) for step in onboarding.json["pbxs"][0]["steps"]}
    assert (1, ("to_do", None)) == (onboarding.status, steps["allowed_ip"])
    assert ("unknown", "missing") == steps["inbound_route"]
    assert process.running(bare.home) is None
    assert not (bare.home / "emulator.db").exists()


def test_calls_are_as_fresh_as_the_files(bare: Any, tmp_path: Path) -> None:
    """With old files the calls are stale, as of the latest call; the named remedy is to import newer files."""
    old = tmp_path / "old.csv"
    last = (datetime.now(UTC) - timedelta(days=5)).replace(microsecond=0)
    old.write_text(as_csv(rows_at(last - timedelta(hours=1), last)))
    bare("calls", "import", old, **FILES)

    checked = bare("check", "--format", "json")

    said = [row["reason"] for row in checked.json if golden("commands.check.last_fetched") in row["reason"]]
    assert said
    assert all(
        f"{last:%Y-%m-%d at %H:%M} UTC" in reason and golden("commands.check.import_files") in reason for reason in said
    )


def test_without_files_nothing_is_judged(bare: Any) -> None:
    """In an empty home of this mode every result is unknown, the status is 3, and no emulator is started."""
    checked = bare("check", "--format", "json", **FILES)

    assert {"unknown"} == {row["status"] for row in checked.json}
    assert 3 == checked.status
    assert process.running(bare.home) is None


def test_what_is_missing_is_said_once_with_its_cure(bare: Any, tmp_path: Path) -> None:
    """Each missing input is named once with a command that works in this mode; imported calls are no longer missing."""
    empty = bare("check", **FILES)
    old = tmp_path / "old.csv"
    old.write_text(as_csv(rows_at(datetime.now(UTC) - timedelta(days=5))))
    bare("calls", "import", old)
    later = bare("check")

    cures = {
        golden("commands.check.calls_never_fetched"): golden("commands.check.import_command"),
        golden("commands.check.list_never_read"): golden("commands.check.paste_command"),
        golden("commands.check.credentials_never_read"): golden("commands.check.record_command"),
        golden("commands.check.numbers_never_read"): golden("commands.check.unknown_without_key"),
        golden("commands.check.inventory_never_confirmed"): golden("commands.check.inventory_command"),
    }
    for said, cure in cures.items():
        assert (1, 1) == (empty.out.count(said), empty.out.count(cure)), said
    assert "Sync" not in empty.out
    assert golden("commands.check.needed_by") in empty.out
    assert "were never fetched" not in later.out
    assert 1 == later.out.count(golden("commands.check.last_fetched") + " on")


def test_the_sample_account_is_not_declared_by_hand(bare: Any, material: dict[str, Path]) -> None:
    """Pasting is an error on the sample account, because its sync reads the list and would overwrite pasted entries."""
    answer = bare("account", "paste", material["list"], "--yes", TRUNKGATE_SAMPLE_CALLS="0")

    assert 2 == answer.status
    assert "TRUNKGATE_ACCOUNT=files" in answer.sentence


def test_a_paste_removes_only_what_is_named(bare: Any, tmp_path: Path) -> None:
    """
    Entries that are missing from a paste stay, unless ``--remove`` names them, because a copy may be partial.

    Unusable lines are shown with their reason, and the status is 1.
    """
    page = tmp_path / "page.txt"
    page.write_text(f"{SEATTLE}\n{DENVER}\n")
    bare("account", "paste", page, "--yes", **FILES, **PUBLIC)
    page.write_text(f"{SEATTLE}\n10.0.0.8 old VPN\n")

    kept = bare("account", "paste", page, "--yes", **PUBLIC)
    gone = bare("account", "paste", page, "--yes", "--remove", DENVER, **PUBLIC)
    declined = bare("account", "paste", page, **PUBLIC)  # without a terminal

    assert (1, 1, 2) == (kept.status, gone.status, declined.status)
    assert golden("commands.account.missing_stays", address=DENVER) in kept.out
    assert golden("commands.account.list_is_kept_two") in kept.out
    assert "NOT USABLE  line 2: 10.0.0.8" in gone.out
    assert golden("commands.account.list_is_kept_one") in gone.out


def test_a_pasted_network_is_kept_and_taken_off(bare: Any, tmp_path: Path) -> None:
    """A pasted network is stored as the portal shows it, and can be removed; fixes still add single addresses only."""
    page = tmp_path / "page.txt"
    page.write_text(f"{SEATTLE}\n203.0.113.0/24 Head office\n")
    kept = bare("account", "paste", page, "--yes", **FILES, **PUBLIC)
    same = bare("account", "paste", page, "--yes", **PUBLIC)
    page.write_text(f"{SEATTLE}\n")
    gone = bare("account", "paste", page, "--yes", "--remove", "203.0.113.0/24", **PUBLIC)

    assert (0, 0, 0) == (kept.status, same.status, gone.status)
    assert "added       203.0.113.0/24  Head office" in kept.out
    assert "0 added, 2 unchanged, 0 missing" in same.out
    assert golden("commands.account.list_is_kept_one") in gone.out
