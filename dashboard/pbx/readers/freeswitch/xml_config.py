"""
Parser of FreeSWITCH's configuration: XML with ``X-PRE-PROCESS`` sets and includes, and ``$${NAME}`` expanded.

Files are read in include order, so that a variable has the value valid at its position. Only elements about call
routing are kept, without passwords, which are dropped at the start of their element.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from xml.sax import SAXException
from xml.sax.handler import ContentHandler

from defusedxml.common import DefusedXmlException
from defusedxml.sax import parseString

from dashboard.core.text import quoted
from dashboard.pbx.inventory.rows import Problem
from dashboard.pbx.readers.config_folder import Folder
from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.secrets import NamesOf, Secret, by_name, has_key, is_secret_name

LONGEST = 2_000
MOST_LEVELS = 20
MOST_FILES = 2_000
MOST_ELEMENTS = 500_000
DEEPEST = 100
MOST_SAID = 100
LITERAL, REFERENCE = "literal", "reference"
"""Content of a password parameter: the password itself, or a reference to a variable that contains it."""
WHOLE = ("gateway", "extension", "profile", "list")
"""Elements that are kept with all their descendants."""

APPLICATIONS = frozenset({"bridge", "set", "export", "transfer"})
UNUSED = frozenset({"", "not-used", "notused", "not_used", "unused", "none", "dummy", "password-not-used"})
"""Placeholder passwords, used where FreeSWITCH requires a password that is never used."""

_GLOBAL = re.compile(r"\$\$\{(?P<name>[^{}$]*)\}")
_HOLDER = re.compile(r"\$?\$\{(?P<name>[\w.-]+)\}")
_IN_URI = re.compile(
    r"(?P<user>sofia/[^/]+/(?:sips?:|(?!sips?:))(?:\$\{[^}]*\}|[^@:/,|\]}])*):[^@,|]+(?=@)", re.IGNORECASE
)
_IN_DATA = re.compile(r"(?<![\w-])(?P<name>[\w-]+)=(?P<value>[^,}\]|]*)")


@dataclass
class Element:
    """An element and its attributes with variables expanded; only the presence of a password is kept."""

    tag: str
    attrs: Mapping[str, str]
    place: Place
    children: list[Element] = field(default_factory=list)
    has_password: bool = False

    def param(self, name: str) -> Element | None:
        """Return the last ``param`` with a name; ``None`` if there is none."""
        return next(
            (child for child in reversed(self.children) if child.tag == "param" and child.attrs.get("name") == name),
            None,
        )

    def value(self, name: str) -> str:
        """Return the value of a ``param``; ``""`` if there is none."""
        return param.attrs.get("value", "") if (param := self.param(name)) else ""


class Configuration:
    """The parsed configuration of one FreeSWITCH."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.variables: dict[str, str] = {}
        self.found: list[tuple[Element, tuple[Element, ...]]] = []
        """Elements of ``WHOLE``, each with its ancestors."""
        self.secrets: dict[Place, Secret] = {}
        """Locations of passwords and keys, with their kinds as far as the element and its ancestors show."""
        self.named: dict[str, Place] = {}
        """Locations where variables are set, including passwords referenced by name."""
        self.problems: list[Problem] = []
        self.stack: list[Element] = []
        self._files = self._elements = self._whole = 0

    def read(self, path: str, above: tuple[str, ...] = ()) -> None:
        """Read a file of the folder with all its includes."""
        self._files += 1
        depth = len(self.stack)
        handler = _Handler(self, path, above)
        try:
            parseString(self.folder.files[path], handler)
        except DefusedXmlException:
            self.say(handler.place(), "An entity is defined here, which no configuration needs. Take it out.")
        except SAXException as exc:
            message = exc.getMessage()
            line = getattr(exc, "getLineNumber", lambda: None)() or 1
            self.say(Place(handler.shown, line), f"The XML is not sound here ({message}). What stands before was read.")
        except (ValueError, LookupError) as exc:
            self.say(handler.place(), f"The file cannot be read as XML ({str(exc)[:80]}). Save it in UTF-8.")
        self._whole -= sum(open_element.tag in WHOLE for open_element in self.stack[depth:])
        del self.stack[depth:]

    def include(self, pattern: str, location: Place, path: str, above: tuple[str, ...]) -> None:
        """Read the files that an include matches, relative to the folder of the including file."""
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), pattern))
        depth = target.count("/")
        paths = [target] if target in self.folder.files else []
        if not paths and self._files <= MOST_FILES:
            paths = sorted(
                file_path
                for file_path in self.folder.files
                if file_path.count("/") == depth and fnmatchcase(file_path, target)
            )
        if not paths and not re.search(r"[*?\[]", pattern):
            self.say(location, f"{quoted(pattern)} is not in the folder. Add the file, or take the include out.")
        for file_path in paths:
            if file_path in (*above, path):
                self.say(location, f"{quoted(pattern)} includes itself.")
            elif len(above) >= MOST_LEVELS or self._files > MOST_FILES:
                self.say(location, f"{quoted(pattern)} is one include too many; it was left out.")
            else:
                self.read(file_path, (*above, path))

    def put_in(self, text: str) -> str:
        """Expand the variables set so far; leave others unchanged."""
        for _ in range(MOST_LEVELS):
            new = _GLOBAL.sub(lambda match: self.variables.get(match["name"], match[0]), text)[:LONGEST]
            if new == text:
                break
            text = new
        return text

    def begin(self, element: Element) -> None:
        """
        Begin an element.

        Raises:
            SAXException: There are too many elements, or they are nested too deeply.
        """
        self._elements += 1
        if self._elements > MOST_ELEMENTS or len(self.stack) > DEEPEST:
            raise SAXException("too many elements, or nested too deep")
        if self._whole:
            self.stack[-1].children.append(element)
        self.stack.append(element)
        self._whole += element.tag in WHOLE

    def end(self) -> None:
        """End an element; keep it if it is one of ``WHOLE``."""
        element = self.stack.pop()
        if element.tag in WHOLE:
            self._whole -= 1
            self.found.append((element, tuple(self.stack)))

    def say(self, location: Place, message: str) -> None:
        """Add a problem, up to ``MOST_SAID``."""
        if len(self.problems) < MOST_SAID:
            self.problems.append(Problem(location.file, location.line, "", message))


class _Handler(ContentHandler):
    """SAX handler that adds one file to the configuration."""

    def __init__(self, into: Configuration, path: str, above: tuple[str, ...]) -> None:
        super().__init__()
        self.shown = into.folder.shown(path)
        self._into = into
        self._path = path
        self._above = above
        self._locator: Any = None

    def place(self) -> Place:
        """Return the current location of the parser."""
        return Place(self.shown, self._locator.getLineNumber() if self._locator else 1)

    def setDocumentLocator(self, locator: Any) -> None:  # noqa: N802 - the name that SAX calls
        """Store the locator, which provides line numbers."""
        self._locator = locator

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802 - the name that SAX calls
        """Begin an element: execute directives, drop passwords."""
        location = self.place()
        raw_attributes = {key: str(attrs[key])[:LONGEST] for key in attrs.getNames()}
        if name.upper() == "X-PRE-PROCESS":
            self._directive(raw_attributes, location)
            raw_attributes = {}
        safe_attributes, password_form = _safe_attributes(name, raw_attributes)
        if password_form == LITERAL:
            self._into.secrets[location] = _secret_kind(name, raw_attributes, self._into.stack)
        put_in = {key: self._into.put_in(value) for key, value in safe_attributes.items()}
        self._into.begin(Element(name, put_in, location, has_password=bool(password_form)))

    def endElement(self, name: str) -> None:  # noqa: ARG002, N802 - the name that SAX calls
        """End an element."""
        self._into.end()

    def _directive(self, attributes: Mapping[str, str], location: Place) -> None:
        command = attributes.get("cmd", "").lower()
        data = attributes.get("data", "")
        if command == "include":
            self._into.include(self._into.put_in(data), location, self._path, self._above)
        elif command == "set":
            name, _, value = data.partition("=")
            name = name.strip()
            used = value.strip("'\" ").lower() not in UNUSED
            if used:
                self._into.named[name] = location
            if is_secret_name(name, NamesOf.FREESWITCH):
                self._into.secrets |= {location: by_name(name)} if used else {}
            elif len(self._into.variables) < MOST_ELEMENTS:
                self._into.variables[name] = self._into.put_in(value.strip().strip("'\""))


def _safe_attributes(tag: str, attributes: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Return the attributes to keep, and ``LITERAL`` or ``REFERENCE`` for a dropped password, else ``""``."""
    name = attributes.get("name", "")
    if tag in ("param", "variable") and is_secret_name(name, NamesOf.FREESWITCH):
        value = attributes.get("value", "")
        if value.lower() in UNUSED:
            return {"name": name}, ""
        holder = _HOLDER.fullmatch(value)
        return {"name": name, "holder": holder["name"]} if holder else {"name": name}, REFERENCE if holder else LITERAL
    if tag == "action":
        application = attributes.get("application", "").lower()
        data = attributes.get("data", "")
        if has_key(data):
            return {"application": application}, LITERAL
        if application not in APPLICATIONS:
            return {"application": application}, ""
        cut = _IN_DATA.sub(
            lambda match: f"{match['name']}=" if is_secret_name(match["name"], NamesOf.FREESWITCH) else match[0], data
        )
        cut = _IN_URI.sub(r"\g<user>", cut)
        return {"application": application, "data": cut}, "" if cut == data else LITERAL
    safe_names = ("name", "value", "field", "expression", "type", "cidr", "host")
    return {key: attributes[key] for key in safe_names if key in attributes}, ""


def _secret_kind(tag: str, attributes: Mapping[str, str], above: list[Element]) -> Secret:
    """Return the kind of an element's secret, from its names and its ancestors."""
    if tag == "action":
        data = attributes.get("data", "")
        names = [item["name"] for item in _IN_DATA.finditer(data) if is_secret_name(item["name"], NamesOf.FREESWITCH)]
        kinds = [Secret.API_KEY] if has_key(data) else [by_name(name) for name in names]
        return min(kinds, key=list(Secret).index, default=Secret.UNKNOWN)
    if any(item.tag == "configuration" and item.attrs.get("name", "") == "event_socket.conf" for item in above):
        return Secret.MANAGEMENT
    kind = by_name(attributes.get("name", ""))
    return Secret.PHONE if kind is Secret.UNKNOWN and any(item.tag == "user" for item in above) else kind
