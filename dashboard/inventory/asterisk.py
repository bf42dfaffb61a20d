"""
Asterisk: a folder with ``pjsip.conf``, ``pjsip_wizard.conf``, ``sip.conf`` and ``extensions.conf``.

Read are the trunks to the carrier, what is dialed over them, which numbers and hosts come in, and which address
Asterisk says is its own. Passwords are dropped while a file is read; that there is one is a fact.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from dashboard.dialing import Trunk
from dashboard.inventory._asterisk_conf import Config
from dashboard.inventory._asterisk_pbx import FILES, Pbx
from dashboard.inventory._asterisk_secrets import WATCHED, keep_nothing
from dashboard.inventory._facts import Found, Place, together
from dashboard.inventory._folder import Folder
from dashboard.inventory._rows import Reading


def accepts_folder(folder: Folder) -> bool:
    """Say whether a folder has a PBX of this kind in it."""
    return bool(_roots(folder))


def read_folder(folder: Folder, trunk: Trunk) -> Reading:
    """Read every PBX of a folder; ``inventory`` says what a reader takes and gives."""
    return together((_read(folder, root, trunk) for root in _roots(folder)), trunk)


def _roots(folder: Folder) -> list[str]:
    """Return the folders in which the files that Asterisk begins with stand."""
    return sorted({str(PurePosixPath(path).parent) for path in folder.files if PurePosixPath(path).name in FILES})


def _read(folder: Folder, root: str, trunk: Trunk) -> Found:
    keep = {**FILES, **dict.fromkeys(WATCHED, keep_nothing)}
    paths = {name: str(PurePosixPath(root) / name) for name in keep}
    configs = {
        name: Config(folder, root, keep[name]).read(path) for name, path in paths.items() if path in folder.files
    }
    place = Place(folder.shown(paths[next(iter(configs))]), 1)
    pbx = Pbx(folder.pbx_name(root), place, trunk)
    pbx.configure(configs)
    return pbx.found
