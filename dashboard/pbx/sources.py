"""
Sources of the inventory (PBXs, their addresses and numbers): files, running systems and edited frames.

A reader is the module ``reader``, ``running`` or ``pasted`` of a product's package in ``readers``. A file reader has
``accepts(name, data)`` and ``read(name, data) -> ReaderResult``; a reader of a PBX's configuration folder has
``accepts_folder(folder)`` and ``read_folder(folder, trunk) -> ReaderResult``. A reader of a running system has
``SCHEME``, such as ``netbox``, and ``read_address(address, secrets, trunk) -> ReaderResult``. Readers do not validate
rows; ``inventory.validation`` does so for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qsl, urlsplit

import pandas as pd

from dashboard.core.errors import FileError, InputError
from dashboard.core.plugins import modules_of, packages_of
from dashboard.core.text import quoted
from dashboard.domain.snapshot import Snapshot
from dashboard.pbx.inventory.cells import RULES
from dashboard.pbx.inventory.ids import with_earlier_ids
from dashboard.pbx.inventory.rows import (
    EDITABLE_FRAMES,
    READER_FRAMES,
    Inventory,
    InventoryRow,
    Problem,
    ReaderResult,
    Upload,
    problem_of,
)
from dashboard.pbx.inventory.validation import validate
from dashboard.pbx.readers import config_folder
from dashboard.pbx.readers.config_folder import Folder
from dashboard.pbx.readers.secrets import NamesOf, is_secret_name
from dashboard.pbx.readers.text_records import LARGEST_BYTES
from dashboard.sip import Trunk

ENTRY_MODULES = frozenset({"pasted", "reader", "running"})
"""Names of reader modules in a product's package: for pasted text, for files, and for a running system."""
MOST_UNKNOWN = 20
"""Maximum number of unrecognized files of a folder that are reported individually."""


@cache
def readers() -> tuple[ModuleType, ...]:
    """Return all reader modules, by name; a new reader is discovered by its file."""
    products = [modules_of(package) for package in packages_of(f"{__name__.rpartition('.')[0]}.readers")]
    return tuple(
        module for modules in products for module in modules if module.__name__.rpartition(".")[2] in ENTRY_MODULES
    )


def read_files(
    files: Sequence[Path | Upload],
    *,
    treated_as_public: Collection[str] = (),
    current: Mapping[str, pd.DataFrame] | None = None,
    trunk: Trunk | None = None,
    name: str = "",
) -> Inventory:
    """
    Read files and folders into an inventory; addresses and numbers may be in different files than their PBXs.

    Args:
        files: Paths of files and folders, or uploaded files; archives are unpacked in memory.
        treated_as_public: Special-purpose networks in CIDR notation to treat as public.
        current: The current inventory, whose PBXs the files may refer to.
        trunk: The account's trunk, which identifies the carrier in a configuration.
        name: Name of the PBX for single configuration files; a folder is named after its PBX.

    Returns:
        All valid rows, and a problem for each invalid row and each unusable file.
    """
    readings: list[ReaderResult] = []
    single: list[Upload] = []
    for file in files:
        if isinstance(file, Path) and file.is_dir():
            readings += _read_folder(*config_folder.from_disk(file), trunk or Trunk())
            continue
        upload = file if isinstance(file, Upload) else _from_disk(file)
        if isinstance(upload, ReaderResult):
            readings.append(upload)
        elif config_folder.is_archive(upload.name):
            readings += _unpacked(upload, trunk or Trunk())
        elif _reader_of(upload) is None:
            single.append(upload)
        else:
            readings.append(_read(upload))
    if single:
        readings += _read_folder(*config_folder.from_uploads(name, single), trunk or Trunk())
    return _settled(readings, treated_as_public, current)


def is_system_address(source: str) -> bool:
    """Return whether a source is the address of a running system instead of the path of a file or folder."""
    return "://" in source


def read_running(
    address: str,
    *,
    secrets: Mapping[str, str],
    treated_as_public: Collection[str] = (),
    current: Mapping[str, pd.DataFrame] | None = None,
    trunk: Trunk | None = None,
) -> Inventory:
    """
    Read the inventory of a running system.

    Args:
        address: Address of the system, such as ``netbox+https://netbox.example.net/?tag=pbx``. The part before the
            first ``+`` or ``:`` selects the reader.
        secrets: Credentials by the name of their environment variable (``Settings.source_secrets``).
        treated_as_public: Special-purpose networks in CIDR notation to treat as public.
        current: The current inventory, whose PBXs the system may refer to.
        trunk: The account's trunk, which identifies the carrier.

    Returns:
        As ``read_files``.

    Raises:
        InputError: No reader supports the address, or it contains a secret.
        SettingsError: A credential that the system requires is not set.
        SourceError: The system does not respond, denies access, or sends an invalid response.
    """
    scheme = re.split(r"[+:]", address, maxsplit=1)[0].lower()
    try:
        parts = urlsplit(address)
        secret_names = [
            name for name, _ in parse_qsl(parts.query, keep_blank_values=True) if is_secret_name(name, NamesOf.ADDRESS)
        ]
    except ValueError:
        raise InputError(f"{scheme[:40]}:// is followed by no address. Write one such as 198.51.100.9.") from None
    if "@" in parts.netloc or secret_names:
        raise InputError(
            f"The address {scheme[:40]}://… has a user or a secret in it, which others could read. Set it "
            "in the environment instead, such as TRUNKGATE_NETBOX_TOKEN."
        )
    readers_by_scheme = {reader.SCHEME: reader for reader in readers() if hasattr(reader, "SCHEME")}
    if scheme not in readers_by_scheme:
        raise InputError(
            f"{quoted(scheme, 40)} is no kind of running system. It is one of {', '.join(sorted(readers_by_scheme))}."
        )
    return _settled(
        [readers_by_scheme[scheme].read_address(address, secrets, trunk or Trunk())], treated_as_public, current
    )


def inventory_frames(snapshot: Snapshot) -> dict[str, pd.DataFrame]:
    """Return the inventory frames of a snapshot by name, including the configuration facts."""
    return {name: getattr(snapshot, name) for name in READER_FRAMES}


def needs_pbx_name(files: Sequence[Upload]) -> bool:
    """Return whether any file is a single configuration file, which does not identify its PBX."""
    return any(not config_folder.is_archive(file.name) and _reader_of(file) is None for file in files)


def read_edit(frames: Mapping[str, pd.DataFrame], treated_as_public: Collection[str] = ()) -> Inventory:
    """
    Validate edited frames by the same rules as an import.

    Args:
        frames: The whole inventory by frame name; cells of any type, with any kind of missing value.
        treated_as_public: Special-purpose networks in CIDR notation to treat as public.

    Returns:
        Conformed frames of the valid rows. A problem's file is the frame's name, and its line is the row, from 1.
    """
    rows = [
        InventoryRow(name, name, number, {column: _text(values.get(column)) for column in RULES[name]})
        for name in EDITABLE_FRAMES
        if name in frames
        for number, values in enumerate(frames[name].to_dict("records"), start=1)
        if any(_text(value).strip() for value in values.values())
    ]
    return validate(rows, treated_as_public=treated_as_public)


def validate_edit(frames: Mapping[str, pd.DataFrame], treated_as_public: Collection[str] = ()) -> list[Problem]:
    """Return the problems of edited frames; see ``read_edit``."""
    return read_edit(frames, treated_as_public).problems


def _settled(
    readings: Sequence[ReaderResult], treated_as_public: Collection[str], current: Mapping[str, pd.DataFrame] | None
) -> Inventory:
    rows = [row for reading in readings for row in reading.rows]
    problems = [problem for reading in readings for problem in reading.problems]
    notes = [note for reading in readings for note in reading.notes]
    known_ids: list[str] = []
    if current is not None and "pbxs" in current:
        known_ids = list(current["pbxs"]["pbx_id"])
        rows = with_earlier_ids(rows, current["pbxs"])
    return validate(rows, treated_as_public=treated_as_public, known_ids=known_ids, problems=problems, notes=notes)


def _from_disk(file: Path) -> Upload | ReaderResult:
    name = config_folder.name_of(file.name)
    try:
        with file.open("rb") as stream:
            return Upload(name, stream.read(max(LARGEST_BYTES, config_folder.MOST_BYTES) + 1))
    except OSError as exc:
        reason = f"It cannot be read: {exc.strerror or exc}. Check its name and its rights."
        return ReaderResult(problems=(Problem(name, None, "", reason),))


def _unpacked(upload: Upload, trunk: Trunk) -> list[ReaderResult]:
    try:
        return _read_folder(*config_folder.from_archive(upload), trunk)
    except FileError as exc:
        return [ReaderResult(problems=(problem_of(exc),))]


def _read_folder(folder: Folder, problems: list[Problem], trunk: Trunk) -> list[ReaderResult]:
    """Read a folder with every reader that accepts it; if none does, read each of its files separately."""
    readings = [ReaderResult(problems=tuple(problems))]
    accepting = [reader for reader in readers() if hasattr(reader, "accepts_folder") and reader.accepts_folder(folder)]
    if accepting:
        return readings + [reader.read_folder(folder, trunk) for reader in accepting]
    files = [Upload(folder.shown(path), data) for path, data in folder.files.items()]
    readable = [file for file in files if _reader_of(file)]
    if readable or not files:
        return readings + [_read(file) for file in readable]
    reason = "No reader knows this kind of file. Save a table as .csv; of a PBX give its folder of configuration."
    return [
        *readings,
        ReaderResult(problems=tuple(Problem(file.name, None, "", reason) for file in files[:MOST_UNKNOWN])),
    ]


def _reader_of(file: Upload) -> ModuleType | None:
    return next(
        (reader for reader in readers() if hasattr(reader, "accepts") and reader.accepts(file.name, file.data)), None
    )


def _read(file: Upload) -> ReaderResult:
    reader = _reader_of(file)
    return reader.read(file.name, file.data) if reader else ReaderResult()


def _text(value: object) -> str:
    if value is None or value is pd.NaT or value is pd.NA or value != value:  # noqa: PLR0124 - only NaN is not equal to itself
        return ""
    return value.isoformat() if isinstance(value, pd.Timestamp) else str(value)
