"""
Read the configuration of Example PBX: folders with a file ``examplepbx.conf`` of ``name = value`` lines.

Example of a PBX configuration reader. A real one is ``dashboard/pbx/readers/<product>/reader.py``. Contract:
``dashboard.pbx.sources``; facts: ``dashboard.schemas.object_types``. Test:
``tests/pbx/readers/<product>/test_reader.py`` with recorded folders in ``tests/pbx/cases/<product>/``.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from dashboard.pbx import Problem, ReaderResult, Secret, pbx_id_of
from dashboard.pbx.readers import Folder, facts, report_secrets, text_of
from dashboard.schemas.object_types import ObjectType
from dashboard.sip import Trunk

FILE: Final = "examplepbx.conf"
OF_TRUNK: Final = {"trunk_host": "host", "trunk_auth": "auth", "dial": "dial"}
"""Settings of the trunk that are kept, each with the attribute of its fact."""
PUBLIC_ADDRESS: Final = "public_address"
PASSWORD: Final = "trunk_password"  # noqa: S105 - the name of a setting


def accepts_folder(folder: Folder) -> bool:
    """Return whether a folder has a configuration of this product."""
    return bool(_files(folder))


def read_folder(folder: Folder, trunk: Trunk) -> ReaderResult:
    """Read every PBX of a folder."""
    return facts.combine((_read(folder, path) for path in _files(folder)), trunk)


def _files(folder: Folder) -> list[str]:
    """Return the paths of the configuration files, sorted."""
    return sorted(path for path in folder.files if PurePosixPath(path).name == FILE)


def _read(folder: Folder, path: str) -> facts.Found:
    """Read one file; a password is dropped here, and only its place is kept."""
    name = folder.pbx_name(str(PurePosixPath(path).parent))
    shown = folder.shown(path)
    found = facts.Found(pbx_id_of(name), name, "Example PBX", facts.Place(shown, 1))
    secrets: dict[facts.Place, Secret] = {}
    for number, line in enumerate(text_of(folder.files[path]).splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        setting, separator, value = (part.strip() for part in line.partition("="))
        place = facts.Place(shown, number)
        if not separator:
            found.problems.append(Problem(shown, number, "", "The line has no '='. Write it as name = value."))
        elif setting == PASSWORD and value:
            secrets[place] = Secret.TRUNK
        elif setting in OF_TRUNK:
            found.say_trunk("main", OF_TRUNK[setting], value, place)
        elif setting == PUBLIC_ADDRESS:
            found.say(ObjectType.ADDRESS, "external", value, place)
            found.addresses.append((value, place))
    report_secrets(found, secrets)
    return found
