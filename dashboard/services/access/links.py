"""
One-time links into a running dashboard.

A link's token is never kept: the folder ``links/`` of the home has one file for each unused link, named by the SHA-256
of its token. Opening a link removes that file, so a second opening finds nothing. Whoever can write the home can make
links; whoever cannot read it cannot guess one.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from dashboard.core import private
from dashboard.core.errors import InputError
from dashboard.domain.actors import name_of_person, os_user

FOLDER: Final = "links"
VALID_S: Final = 3600
"""How long a link can be opened, where nothing else is asked for."""
LONGEST_TOKEN: Final = 100
NUMBER: Final = 12
"""Digits of a link's number."""
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Link:
    """An unused link."""

    made_by: str
    """The user of this machine who made it."""
    name: str
    """Whom it is for; empty where the browser is to ask."""
    valid_s: float
    boot: str
    """Names the start of the machine in which it was made; empty where the system does not tell."""
    made_at: float
    """By the clock of ``boot``."""

    @property
    def fresh(self) -> bool:
        """
        Tell whether the link can still be opened.

        Its age is taken from the clock that counts since the machine started, which nobody sets. A link of an earlier
        start of the machine is not fresh: how old it is cannot be told.
        """
        boot, now = _clock()
        return boot == self.boot and 0 <= now - self.made_at < self.valid_s


def make(home: Path, *, name: str = "", valid_s: float = VALID_S) -> str:
    """
    Make a link and return its token.

    Args:
        home: Of the dashboard that it is for.
        name: Whom it is for.
        valid_s: How long it can be opened.

    Raises:
        InputError: The name cannot be seen.
    """
    person = name_of_person(name)
    if name and not person:
        raise InputError("The name of whom the link is for needs a letter or a digit.")
    folder = home / FOLDER
    folder.mkdir(exist_ok=True, mode=private.FOLDER)
    _drop_old(folder)
    token, (boot, now) = secrets.token_urlsafe(32), _clock()
    link = Link(made_by=os_user(), name=person, valid_s=valid_s, boot=boot, made_at=now)
    private.write(folder / digest(token), json.dumps(asdict(link)))
    return token


def is_unused(home: Path, token: str) -> bool:
    """Tell whether a token's link can still be opened, and leave it as it is."""
    link = _read(home / FOLDER / digest(token))
    return link is not None and link.fresh


def use(home: Path, token: str) -> Link | None:
    """Take an unused link out of a home; ``None`` where there is none of that token, or it is too old."""
    path = home / FOLDER / digest(token)
    link = _read(path)
    try:
        path.unlink()
    except OSError:
        return None  # another browser was quicker, or there never was one
    return link if link and link.fresh else None


def revoke(home: Path, token: str) -> None:
    """Have a link open nothing any more, used or not."""
    with suppress(OSError):
        (home / FOLDER / digest(token)).unlink()


def digest(token: str) -> str:
    """Return the name under which a token's link is kept."""
    return hashlib.sha256(token[:LONGEST_TOKEN].encode(errors="replace")).hexdigest()


def number_of(token: str) -> str:
    """Return the number of a link, by which the journal tells it from others; it opens nothing."""
    return digest(token)[:NUMBER]


def address(url: str, token: str) -> str:
    """Return what a browser opens."""
    return f"{url}/enter?token={token}"


def _read(path: Path) -> Link | None:
    try:
        return Link(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _drop_old(folder: Path) -> None:
    for path in folder.glob("[0-9a-f]*"):
        link = _read(path)
        if link is None or not link.fresh:
            with suppress(OSError):
                path.unlink()


def _clock() -> tuple[str, float]:
    """Return the name of a clock that only goes forward, and its time in seconds."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip(), time.clock_gettime(time.CLOCK_BOOTTIME)
    except (OSError, AttributeError):
        return "", time.monotonic()
