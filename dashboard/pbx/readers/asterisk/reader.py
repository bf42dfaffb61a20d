"""
Asterisk: a folder with ``pjsip.conf``, ``pjsip_wizard.conf``, ``sip.conf`` and ``extensions.conf``.

Read are the trunks to the carrier, what is dialed over them, which numbers and hosts come in, and which address
Asterisk says is its own. Passwords are dropped while a file is read; that there is one is a fact.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from dashboard.pbx.inventory.rows import ReaderResult
from dashboard.pbx.readers.asterisk.conf_grammar import Config
from dashboard.pbx.readers.asterisk.pbx import FILES, Pbx
from dashboard.pbx.readers.asterisk.secrets import WATCHED, keep_nothing
from dashboard.pbx.readers.config_folder import Folder
from dashboard.pbx.readers.facts import Found, Place, together
from dashboard.sip import Trunk


def accepts_folder(folder: Folder) -> bool:
    """Say whether a folder has a PBX of this kind in it."""
    return bool(_roots(folder))


def read_folder(folder: Folder, trunk: Trunk) -> ReaderResult:
    """Read every PBX of a folder; ``pbx.sources`` says what a reader takes and gives."""
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
