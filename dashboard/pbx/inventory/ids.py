"""PBX ids derived from names, for all readers."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256
from typing import Final

LONGEST: Final = 48
"""Maximum length of an id, in characters."""
_HASH: Final = 8
"""Hash characters that distinguish long names with equal beginnings, and names without Latin letters or digits."""
_ACCENTS: Final = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "þ": "th"})
"""Letters that Unicode does not decompose into a Latin letter and an accent."""


def pbx_id_of(name: str) -> str:
    """
    Return the id of a PBX from its name; equal names give equal ids.

    ``Zürich (2)`` gives ``zurich-2``. A hash of the name replaces a name without Latin letters or digits and the end
    of a long name, so that different names give different ids.
    """
    plain = unicodedata.normalize("NFKD", name.lower().translate(_ACCENTS)).encode("ascii", "ignore").decode()
    made = re.sub(r"[._-]*-[._-]*", "-", re.sub(r"[^a-z0-9._-]+", "-", plain)).strip("-._")
    if made and len(made) <= LONGEST:
        return made
    return f"{made[: LONGEST - _HASH - 1] or 'pbx'}-{sha256(name.encode()).hexdigest()[:_HASH]}"
