"""One-time links on disk."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dashboard.services.access import links


def kept(home: Path) -> list[Path]:
    """Return the files of unused links."""
    return sorted((home / links.FOLDER).iterdir())


def change(home: Path, **facts: Any) -> None:
    """Modify the content of the one unused link of a home."""
    (file,) = kept(home)
    file.write_text(json.dumps(json.loads(file.read_text()) | facts))


def test_a_link_is_used_once_and_its_token_is_not_kept(tmp_path: Path) -> None:
    """A link works once; its private file is named by a hash and holds creator and recipient, not the token."""
    token = links.make(tmp_path, name="Ola\x1b\u202e")
    (file,) = kept(tmp_path)

    assert token not in file.name + file.read_text()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    found = links.use(tmp_path, token)
    assert found is not None
    assert found.name == "Ola"
    assert links.use(tmp_path, token) is None
    assert kept(tmp_path) == []


def test_of_many_who_open_a_link_one_gets_in(tmp_path: Path) -> None:
    """Of many concurrent requests with a link one succeeds: removing the file decides."""
    token = links.make(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: links.use(tmp_path, token), range(64)))

    assert len([link for link in found if link]) == 1


def test_looking_at_a_link_leaves_it(tmp_path: Path) -> None:
    """A preview does not use up a link; used, expired and unknown links give another page."""
    token = links.make(tmp_path)
    old = links.make(tmp_path, valid_s=0)

    assert [True, True, False, False] == [links.is_unused(tmp_path, each) for each in (token, token, old, "x")]
    assert links.use(tmp_path, token) is not None
    assert not links.is_unused(tmp_path, token)


@pytest.mark.parametrize("token", ["", "..", "../state.db", "/etc/passwd", "a" * 10_000, "\0", "\udcff", "x y"])
def test_a_token_that_is_none_finds_nothing(tmp_path: Path, token: str) -> None:
    """An invalid token finds no link and is never used as a path."""
    (tmp_path / "state.db").touch()
    assert links.use(tmp_path, token) is None
    links.make(tmp_path)

    assert links.use(tmp_path, token) is None
    assert (tmp_path / "state.db").exists()
    assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize(
    "facts",
    [
        {"valid_s": 0},
        {"made_at": -1e9},
        {"made_at": 1e15},
        {"boot": "an earlier start of the machine"},
    ],
)
def test_an_old_link_opens_nothing(tmp_path: Path, facts: dict[str, Any]) -> None:
    """
    A link that has expired, or whose age is unknown, does not work.

    The time of day is not used, so setting the clock back or forward neither revives nor ends a link.
    """
    token = links.make(tmp_path)
    change(tmp_path, **facts)

    assert links.use(tmp_path, token) is None
    assert kept(tmp_path) == []


def test_the_time_of_day_is_not_in_a_link(tmp_path: Path) -> None:
    """
    A clock that jumps between two starts changes nothing, because links use the time since boot.

    A year in seconds is far from the time since a boot.
    """
    links.make(tmp_path)
    (file,) = kept(tmp_path)

    assert json.loads(file.read_text())["made_at"] < 1e9
    os.utime(file, (0, 0))
    links.make(tmp_path)
    assert len(kept(tmp_path)) == 2


def test_a_damaged_link_opens_nothing_and_goes_away(tmp_path: Path) -> None:
    """A damaged link does not work and is removed when the next link is created."""
    token = links.make(tmp_path)
    (file,) = kept(tmp_path)
    file.write_text("{")
    assert links.use(tmp_path, token) is None
    (tmp_path / links.FOLDER / ("0" * 64)).write_text("[]")

    links.make(tmp_path)

    assert len(kept(tmp_path)) == 1
