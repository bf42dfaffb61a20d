"""
FreePBX backups, version 15 and newer: module settings as JSON below ``modulejson``.

``Core.json`` has trunks, routes and inbound routes; ``Sipsettings.json`` has the Asterisk SIP Settings. Both are
converted to rows of the tables from which they were exported. A password is dropped once its object is parsed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.freepbx.tables import COLUMNS, FreepbxTables
from dashboard.pbx.readers.secrets import NamesOf, is_secret_name
from dashboard.pbx.readers.text_records import text_of

FOLDER = "modulejson"
FILES: Mapping[str, frozenset[str]] = {
    "core.json": frozenset({"trunks"}),
    "sipsettings.json": frozenset({"kvstore_sipsettings"}),
}
"""Tables exported to each file."""
_SIGN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\n]', re.DOTALL)


class _Object(dict[str, Any]):
    """A JSON object with its first line, and whether it contained a password."""

    line = 1
    secret = False


def tables_of_backup(path: str) -> frozenset[str]:
    """Return the tables exported to a backup file; empty for any other file."""
    pure = PurePosixPath(path.lower())
    return FILES.get(pure.name, frozenset()) if pure.parent.name == FOLDER else frozenset()


def read_backup(display_name: str, data: bytes, tables: FreepbxTables) -> None:
    """Read a backup file; report a file that cannot be parsed, with its line."""
    text = text_of(data)
    try:
        document = json.loads(text, object_pairs_hook=_Objects(text).made)
    except json.JSONDecodeError as exc:
        tables.say(
            Place(display_name, exc.lineno), "It is not JSON from here on, and was left out. The backup may be cut."
        )
        return
    except (RecursionError, ValueError):
        tables.say(Place(display_name, 1), "It is JSON that no backup is made of, and was left out.")
        return
    configs = _of(document, "configs")
    _read_core(display_name, configs, tables)
    for row in _objects(_of(configs, "database")):
        _add(display_name, "sipsettings", row, tables)
    settings = _of(_of(configs, "kvstore"), "noid")
    if isinstance(settings, _Object) and "Trunks" not in configs:
        location = Place(display_name, settings.line)
        for name, value in settings.items():
            setting = value if isinstance(value, str) else json.dumps(value)
            tables.add("kvstore_sipsettings", ("key", "val"), (name, setting), location)
        tables.secrets += [location] if settings.secret else []


def _read_core(display_name: str, configs: object, tables: FreepbxTables) -> None:
    """Add trunks, routes and inbound routes to the tables."""
    trunks = _of(configs, "Trunks")
    table_rows = [("trunks", _of(trunks, "trunks")), ("trunk_dialpatterns", _of(trunks, "dialpatterns"))]
    table_rows += [(tech, _of(_of(trunks, "techTables"), tech)) for tech in ("pjsip", "sip")]
    table_rows += [("incoming", _of(configs, "Did")), ("outbound_routes", _of(configs, "Routing"))]
    for table, rows in table_rows:
        for row in _objects(rows):
            _add(display_name, table, row, tables)
    for position, route in enumerate(_objects(_of(configs, "Routing"))):
        number = str(route.get("route_id", ""))
        at = Place(display_name, route.line)
        tables.add("outbound_route_sequence", ("route_id", "seq"), (number, str(position)), at)
        for pattern in _objects(route.get("patterns")):
            _add(display_name, "outbound_route_patterns", pattern, tables)
        used = route.get("trunks")
        for order, trunk in enumerate(used if isinstance(used, list) else ()):
            tables.add("outbound_route_trunks", ("route_id", "trunk_id", "seq"), (number, str(trunk), str(order)), at)


class _Objects:
    """
    First lines of JSON objects, in the order in which the objects end.

    The JSON parser calls its hook at the end of an object, so the lines of opening braces are sorted by closing brace.
    """

    def __init__(self, text: str) -> None:
        opened: list[int] = []
        ended: list[int] = []
        line = 1
        for match in _SIGN.finditer(text):
            sign = match[0]
            if sign == "{":
                opened.append(line)
            elif sign == "}" and opened:
                ended.append(opened.pop())
            else:
                line += sign.count("\n")
        self._lines = iter(ended)

    def made(self, pairs: list[tuple[str, Any]]) -> _Object:
        """Build an object from its pairs, without secrets."""
        result = _Object(pairs)
        result.line = next(self._lines, 1)
        hidden = [
            name
            for name in result
            if is_secret_name(name, NamesOf.ASTERISK) and not any(name in of for of in COLUMNS.values())
        ]
        if is_secret_name(str(result.get("keyword", "")), NamesOf.ASTERISK):
            hidden.append("data")
        for name in hidden:
            result.secret = result.secret or bool(result.get(name))
            result[name] = ""
        return result


def _of(value: object, name: str) -> Any:
    """Return a member of an object; ``None`` if the value is not an object or lacks the member."""
    return value.get(name) if isinstance(value, _Object) else None


def _objects(value: object) -> Iterable[_Object]:
    return [item for item in value if isinstance(item, _Object)] if isinstance(value, list) else []


def _add(display_name: str, table: str, row: _Object, tables: FreepbxTables) -> None:
    cells = ["" if value is None else str(value) for value in row.values()]
    tables.add(table, list(row), cells, Place(display_name, row.line), secret=row.secret)
