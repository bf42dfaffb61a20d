"""
One-time links into a running dashboard.

A link's token is never stored: the folder ``links/`` of the home has one file per unused link, named by the SHA-256
of its token. Opening a link removes the file, so a link works only once. Any user who can write to the home can make
links; tokens cannot be guessed.
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
from dashboard.core.regular_files import read_json
from dashboard.domain.actors import name_of_person, os_user

FOLDER: Final = "links"
VALID_S: Final = 3600
"""Default time for which a link can be opened, in seconds."""
LONGEST_TOKEN: Final = 100
NUMBER: Final = 12
"""Length of a link's number, in hex digits."""
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Link:
    """An unused link."""

    made_by: str
    """The user of this machine who made it."""
    name: str
    """Person for whom it was made; empty if the browser asks for the name."""
    valid_s: float
    boot: str
    """Boot id of the machine at the time it was made; empty if the system does not provide one."""
    made_at: float
    """Time at which it was made, in seconds of the clock of ``boot``."""

    @property
    def fresh(self) -> bool:
        """
        Whether the link can still be opened.

        Its age is measured with the clock that counts from the boot of the machine, which cannot be set. A link from
        before the last boot is not fresh, because its age is unknown.
        """
        boot, now = _clock()
        return boot == self.boot and 0 <= now - self.made_at < self.valid_s


def make(home: Path, *, name: str = "", valid_s: float = VALID_S) -> str:
    """
    Make a link and return its token.

    Args:
        home: Home of the dashboard that the link opens.
        name: Person for whom it is made.
        valid_s: Time for which it can be opened, in seconds.

    Raises:
        InputError: The name has no visible letter or digit.
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
    """Return whether a token's link can still be opened, without using it."""
    link = _read(home / FOLDER / digest(token))
    return link is not None and link.fresh


def use(home: Path, token: str) -> Link | None:
    """Remove an unused link from a home and return it; ``None`` if there is none for the token, or it has expired."""
    path = home / FOLDER / digest(token)
    link = _read(path)
    try:
        path.unlink()
    except OSError:
        return None  # another browser used it first, or it never existed
    return link if link and link.fresh else None


def revoke(home: Path, token: str) -> None:
    """Revoke a link, so that it cannot be opened any more; a used link is ignored."""
    with suppress(OSError):
        (home / FOLDER / digest(token)).unlink()


def digest(token: str) -> str:
    """Return the file name of a token's link."""
    return hashlib.sha256(token[:LONGEST_TOKEN].encode(errors="replace")).hexdigest()


def number_of(token: str) -> str:
    """Return the number that identifies a link in the journal; it cannot be used to open the link."""
    return digest(token)[:NUMBER]


def address(url: str, token: str) -> str:
    """Return the URL that opens a link in a browser."""
    return f"{url}/enter?token={token}"


def _read(path: Path) -> Link | None:
    try:
        return Link(**read_json(path))
    except (OSError, ValueError, TypeError):
        return None


def _drop_old(folder: Path) -> None:
    for path in folder.glob("[0-9a-f]*"):
        link = _read(path)
        if link is None or not link.fresh:
            with suppress(OSError):
                path.unlink()


def _clock() -> tuple[str, float]:
    """Return an identifier of a monotonic clock, and its time in seconds."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip(), time.clock_gettime(time.CLOCK_BOOTTIME)
    except (OSError, AttributeError):
        return "", time.monotonic()
