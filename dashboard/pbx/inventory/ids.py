"""The id of a PBX from its name, in every reader."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256
from typing import Final

LONGEST: Final = 48
"""Characters of an id at most."""
_HASH: Final = 8
"""Characters that tell long names apart whose beginnings are equal, and names without a Latin letter or digit."""
_ACCENTS: Final = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "þ": "th"})
"""Letters that Unicode does not decompose into a Latin one and an accent."""


def pbx_id_of(name: str) -> str:
    """
    Return the id of a PBX by its name; equal names give equal ids.

    ``Zürich (2)`` gives ``zurich-2``. A name without any Latin letter or digit, and the end of a long one, are replaced
    by a hash of the name, so that different names stay apart.
    """
    plain = unicodedata.normalize("NFKD", name.lower().translate(_ACCENTS)).encode("ascii", "ignore").decode()
    made = re.sub(r"[._-]*-[._-]*", "-", re.sub(r"[^a-z0-9._-]+", "-", plain)).strip("-._")
    if made and len(made) <= LONGEST:
        return made
    return f"{made[: LONGEST - _HASH - 1] or 'pbx'}-{sha256(name.encode()).hexdigest()[:_HASH]}"
