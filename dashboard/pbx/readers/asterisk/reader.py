"""
Asterisk reader: a folder with ``pjsip.conf``, ``pjsip_wizard.conf``, ``sip.conf`` and ``extensions.conf``.

It reads the trunks to the carrier, the dial strings sent over them, inbound numbers and hosts, and the configured
public addresses. Passwords are dropped while a file is read; only their presence is kept as a fact.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from dashboard.pbx.inventory.rows import ReaderResult
from dashboard.pbx.readers.asterisk.conf_grammar import Config
from dashboard.pbx.readers.asterisk.pbx import FILES, Pbx
from dashboard.pbx.readers.asterisk.secrets import WATCHED, keep_nothing
from dashboard.pbx.readers.config_folder import Folder
from dashboard.pbx.readers.facts import Found, Place, combine
from dashboard.sip import Trunk


def accepts_folder(folder: Folder) -> bool:
    """Return whether a folder contains an Asterisk configuration."""
    return bool(_roots(folder))


def read_folder(folder: Folder, trunk: Trunk) -> ReaderResult:
    """Read all PBXs of a folder; see ``pbx.sources`` for the reader interface."""
    return combine((_read(folder, root, trunk) for root in _roots(folder)), trunk)


def _roots(folder: Folder) -> list[str]:
    """Return the folders that contain any of Asterisk's top-level files (``FILES``)."""
    return sorted({str(PurePosixPath(path).parent) for path in folder.files if PurePosixPath(path).name in FILES})


def _read(folder: Folder, root: str, trunk: Trunk) -> Found:
    keep_functions = {**FILES, **dict.fromkeys(WATCHED, keep_nothing)}
    paths = {name: str(PurePosixPath(root) / name) for name in keep_functions}
    configs = {
        name: Config(folder, root, keep_functions[name]).read(path)
        for name, path in paths.items()
        if path in folder.files
    }
    location = Place(folder.shown(paths[next(iter(configs))]), 1)
    pbx = Pbx(folder.pbx_name(root), location, trunk)
    pbx.configure(configs)
    return pbx.found
