"""PBX ids derived from names, for all readers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

import pandas as pd

from dashboard.pbx.inventory.rows import InventoryRow

LONGEST: Final = 48
"""Maximum length of an id, in characters."""
_HASH: Final = 8
"""Hash characters that distinguish long names with equal beginnings, and names that an id cannot spell."""
_ACCENTS: Final = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "þ": "th"})
"""Letters that Unicode does not decompose into a Latin letter and an accent."""
_DISTINCT: Final = ("L", "N", "Cs")
"""Beginnings of the Unicode categories that tell names apart: letters, digits, and bytes that are not UTF-8."""


def pbx_id_of(name: str) -> str:
    """
    Return the id of a PBX from its name; equal names give equal ids.

    ``Zürich (2)`` gives ``zurich-2``. Where a letter or digit of the name has no Latin equivalent, a hash of the name
    follows the rest; it also replaces the end of a long name. So different names give different ids, unless they differ
    only in case, accents or punctuation.
    """
    spelled = unicodedata.normalize("NFKD", name.lower().translate(_ACCENTS)).lower()
    pbx_id = _plain(spelled)
    is_lossy = any(unicodedata.category(sign).startswith(_DISTINCT) for sign in spelled if not sign.isascii())
    if pbx_id and not is_lossy and len(pbx_id) <= LONGEST:
        return pbx_id
    return _with_hash(pbx_id, unicodedata.normalize("NFC", " ".join(name.split())))


def with_earlier_ids(rows: Sequence[InventoryRow], pbxs: pd.DataFrame) -> list[InventoryRow]:
    """
    Return rows in which each PBX of the inventory keeps the id that an earlier version derived from its name.

    Args:
        rows: Rows of readers.
        pbxs: PBXs of the inventory, with ``pbx_id`` and ``name``.
    """
    names = dict(zip(pbxs["pbx_id"], pbxs["name"], strict=True))
    earlier_ids: dict[str, str] = {}
    for row in rows:
        if row.frame == "pbxs" and row.made_of:
            derived = row.cells["pbx_id"]
            name = row.cells.get("name", "")
            same = [pbx_id for pbx_id in _earlier_ids_of(name) if names.get(pbx_id) == " ".join(name.split())]
            if derived not in names and same:
                earlier_ids[derived] = same[0]
    return [
        replace(row, cells={**row.cells, "pbx_id": earlier_ids[row.cells["pbx_id"]]})
        if row.made_of and row.cells["pbx_id"] in earlier_ids
        else row
        for row in rows
    ]


def _earlier_ids_of(name: str) -> tuple[str, str, str]:
    """Return the ids that earlier versions derived from a name: every reader, then pasted tables, then folders."""
    pbx_id = _plain(unicodedata.normalize("NFKD", name.lower().translate(_ACCENTS)))
    of_all = pbx_id if pbx_id and len(pbx_id) <= LONGEST else _with_hash(pbx_id, name)
    spelled = unicodedata.normalize("NFKD", name[:120]).encode("ascii", "ignore").decode().lower()
    pbx_id = re.sub(r"[^a-z0-9]+", "-", spelled).strip("-")
    of_table = pbx_id if len(pbx_id) <= LONGEST else _with_hash(pbx_id, name)
    of_folder = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:64] or "pbx"
    return of_all, of_table, of_folder


def _plain(spelled: str) -> str:
    ascii_only = spelled.encode("ascii", "ignore").decode()
    return re.sub(r"[._-]*-[._-]*", "-", re.sub(r"[^a-z0-9._-]+", "-", ascii_only)).strip("-._")


def _with_hash(stem: str, name: str) -> str:
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{stem[: LONGEST - _HASH - 1] or 'pbx'}-{digest[:_HASH]}"
