"""
Parser of Asterisk's configuration files: sections, templates, includes, comments.

Follows Asterisk's ``main/config.c``: ``[name](!)`` is a template, ``[name](a,b)`` inherits from ``a`` and ``b``,
``[name](+)`` adds to the previous section of that name; ``;`` starts a comment unless escaped, ``;--`` starts a
nestable comment that ends with ``--;``. While a line is read, values not selected by ``Keep`` are dropped, passwords
always.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from dashboard.core.text import quoted
from dashboard.pbx.inventory.rows import Problem
from dashboard.pbx.readers.config_folder import Folder
from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.secrets import NamesOf, Secret, by_name, is_secret_name
from dashboard.pbx.readers.text_records import text_of

LONGEST_LINE = 8_191
"""Longest line read; Asterisk reads lines into a buffer of 8,192 bytes and skips longer ones."""
MOST_LEVELS = 10
MOST_LINES = 500_000
MOST_SETTINGS = 20_000
MOST_SECTIONS = 100_000
"""Maximum number of sections; 10,000 phones need about 30,000."""
MOST_INCLUDES = 2_000
MOST_SAID = 100
GLOBALS = "globals"
"""The only section with case-sensitive names."""
SYSTEM_FOLDER = "/etc/asterisk/"

_HEADER = re.compile(r"\[(?P<name>[^\]]*)(?P<closed>\]?)\s*(\((?P<options>[^)]*)(?P<ended>\)?))?")
_DIRECTIVE = re.compile(r"#\s*(?P<word>\w+)\s*(?P<rest>.*)")


@dataclass(frozen=True)
class ConfSetting:
    """One ``name = value`` setting; the value never contains a secret."""

    name: str
    value: str
    place: Place


@dataclass
class Section:
    """A section; settings inherited from templates come first."""

    name: str
    place: Place
    template: bool = False
    settings: list[ConfSetting] = field(default_factory=list)

    def get(self, name: str) -> str:
        """Return the last value of a setting; ``""`` if it is not set."""
        return setting.value if (setting := self.last(name)) else ""

    def last(self, name: str) -> ConfSetting | None:
        """Return the last setting with a name; ``None`` if there is none."""
        return next((setting for setting in reversed(self.settings) if setting.name == name), None)

    def all(self, name: str) -> list[ConfSetting]:
        """Return all settings with a name and a value, one per comma-separated part."""
        return [
            ConfSetting(setting.name, part.strip(), setting.place)
            for setting in self.settings
            if setting.name == name
            for part in setting.value.split(",")
            if part.strip()
        ]


Keep = Callable[[str, str, str], tuple[str, Secret | None]]
"""Takes section, name and value; returns the part of the value to keep, and the kind of a secret in it or ``None``."""


class Config:
    """One configuration file with all its includes."""

    def __init__(self, folder: Folder, root: str, keep_value: Keep) -> None:
        self.sections: list[Section] = []
        self.problems: list[Problem] = []
        self.secrets: dict[Place, Secret] = {}
        """Locations of passwords and keys, with their kinds as far as their lines show."""
        self._folder = folder
        self._root = root
        self._keep = keep_value
        self._named: dict[str, Section] = {}
        """The last section of each name."""
        self._lines = self._includes = self._inherited = 0
        self._current: Section | None = None
        self._limits_reported: set[str] = set()

    def read(self, path: str) -> Config:
        """Read a file of the folder; a missing file counts as empty."""
        if path in self._folder.files:
            self._read(path, ())
        return self

    def begin(self, name: str, location: Place, *, template: bool = False) -> None:
        """Begin a section whose inherited settings will be added like its own."""
        self._keep_section(Section(name, location, template))

    def _keep_section(self, section: Section) -> bool:
        """Add a section and make it current; beyond ``MOST_SECTIONS``, skip it and report the limit once."""
        if len(self.sections) >= MOST_SECTIONS:
            self._report_once(section.place, f"There are more than {MOST_SECTIONS:,} sections; the rest was left out.")
            self._current = None
            return False
        self.sections.append(section)
        self._current = section
        return True

    def live(self) -> list[Section]:
        """Return the sections that are not templates."""
        return [section for section in self.sections if not section.template]

    def _read(self, path: str, above: tuple[str, ...]) -> None:
        display_path = self._folder.shown(path)
        for number, line in self._code(path):
            location = Place(display_path, number)
            self._lines += 1
            if self._lines > MOST_LINES:
                if self._lines == MOST_LINES + 1:
                    self._report(
                        location, f"There are more than {MOST_LINES:,} lines with all includes; the rest was left out."
                    )
                return
            if line.startswith("["):
                self._header(line, location)
            elif line.startswith("#"):
                self._directive(line, location, (*above, path))
            else:
                self._setting(line, location)

    def _code(self, path: str) -> Iterator[tuple[int, str]]:
        """Yield the non-empty lines of a file with their numbers, without comments."""
        display_path = self._folder.shown(path)
        depth = 0
        begun = 0
        for number, line in enumerate(text_of(self._folder.files[path]).split("\n"), start=1):
            if len(line) > LONGEST_LINE:
                self._report(
                    Place(display_path, number),
                    f"The line has {len(line):,} characters and was left out. Asterisk reads 8,191.",
                )
                continue
            before = depth
            code, depth = uncommented(line.rstrip("\r"), depth)
            begun = number if depth and not before else begun
            if code.strip():
                yield number, code.strip()
        if depth:
            self._report(
                Place(display_path, begun), "A comment begins here with ;-- and never ends. Close it with --;."
            )

    def _header(self, line: str, location: Place) -> None:
        match = _HEADER.match(line)
        name = match["name"].strip() if match else ""
        if not match or not match["closed"]:
            self._report(location, "A section's name is not closed. Write it as [name]; its settings were left out.")
            self._current = None
            return
        options = [option_text.strip() for option_text in (match["options"] or "").split(",") if option_text.strip()]
        if match["options"] is not None and not match["ended"]:
            self._report(location, f"The brackets after [{name}] are not closed. Write them as [name](template).")
        adds = any(option_text.startswith("+") for option_text in options)
        before = self._named.get(name) if adds else None
        if adds and before is None:
            self._report(location, f"There is no section [{name}] before this one to add to. Take the (+) out.")
        section = self._current = before or Section(name, location)
        section.template = section.template or "!" in options
        for option in options:
            if option != "!" and not option.startswith("+"):
                self._inherit(section, option, location)
        if before is None and self._keep_section(section):
            self._named[name] = section

    def _inherit(self, section: Section, name: str, location: Place) -> None:
        parent = self._named.get(name)
        if parent is None:
            self._report(
                location, f"There is no template [{name}] before this section. Write it above, or correct its name."
            )
        elif (
            len(section.settings) + len(parent.settings) > MOST_SETTINGS
            or self._inherited + len(parent.settings) > MOST_LINES
        ):
            reason = f"The section has more than {MOST_SETTINGS:,} settings with its templates; [{name}] was left out."
            self._report(location, reason)
        else:
            section.settings += parent.settings
            self._inherited += len(parent.settings)

    def _setting(self, line: str, location: Place) -> None:
        name, sign, value = line.partition("=")
        if not sign:
            self._report(location, "The line is no setting. Write it as name = value, or put ; in front.")
        else:
            self.take(name, value.removeprefix(">"), location)

    def take(self, name: str, value: str, location: Place) -> None:
        """Add a setting to the current section, without its secrets."""
        if self._current is None:
            return
        if len(self._current.settings) >= MOST_SETTINGS:
            full = (
                f"The section [{self._current.name}] has more than {MOST_SETTINGS:,} settings; the rest was left out."
            )
            self._report_once(location, full)
        else:
            name = name.strip().rstrip("+").rstrip()
            value = value.strip()
            name = name if self._current.name == GLOBALS else name.lower()
            hidden = is_secret_name(name, NamesOf.ASTERISK)
            safe_value, secret = ("", by_name(name)) if hidden else self._keep(self._current.name, name, value)
            if secret and value:
                self.secrets[location] = secret
            self._current.settings.append(ConfSetting(name, safe_value, location))

    def _directive(self, line: str, location: Place, above: tuple[str, ...]) -> None:
        match = _DIRECTIVE.match(line)
        word, argument = (match["word"].lower(), match["rest"].strip()) if match else ("", "")
        if word == "exec":
            self._report(location, "A program is not run while files are read. Put what it writes into a file.")
        elif word not in ("include", "tryinclude"):
            self._report(
                location, f"#{word[:40]} is no directive that is known. It is one of #include, #tryinclude and #exec."
            )
        else:
            self._include(argument.strip("\"'<> \t"), location, above, needed=word == "include")

    def _include(self, name: str, location: Place, above: tuple[str, ...], *, needed: bool) -> None:
        self._includes += 1
        if self._includes > MOST_INCLUDES:
            self._report_once(
                location, f"There are more than {MOST_INCLUDES:,} includes; the files of the rest were left out."
            )
            return
        paths = self._matching_files(name)
        if not paths and needed:
            self._report(location, f"{quoted(name)} is not in the folder. Add the file, or take the include out.")
        for path in paths:
            if path in above:
                self._report(
                    location, f"{quoted(name)} includes itself: {' > '.join((*above[above.index(path) :], path))}."
                )
            elif len(above) >= MOST_LEVELS:
                self._report(
                    location, f"{quoted(name)} is included {MOST_LEVELS} files deep, and Asterisk reads no deeper."
                )
            else:
                self._read(path, above)

    def _matching_files(self, name: str) -> list[str]:
        """Return the files of the folder that an include matches, resolved from Asterisk's configuration folder."""
        relative = name.removeprefix(SYSTEM_FOLDER)
        target = posixpath.normpath(posixpath.join(self._root, relative.lstrip("/")))
        if target in self._folder.files:
            return [target]
        depth = target.count("/")
        return sorted(path for path in self._folder.files if path.count("/") == depth and fnmatchcase(path, target))

    def _report_once(self, location: Place, limit: str) -> None:
        """Report a limit the first time that it is exceeded."""
        if limit not in self._limits_reported:
            self._limits_reported.add(limit)
            self._report(location, limit)

    def _report(self, location: Place, message: str) -> None:
        if len(self.problems) == MOST_SAID:
            message = "From here on there is more that was not understood, and it was left out."
        if len(self.problems) <= MOST_SAID:
            self.problems.append(Problem(location.file, location.line, "", message))


def uncommented(line: str, depth: int) -> tuple[str, int]:
    r"""
    Remove the comments from a line.

    Args:
        line: A line without its line ending.
        depth: Number of open ``;--`` comments at its start.

    Returns:
        The line without comments, with ``\;`` as ``;``, and the number of open ``;--`` comments at its end.
    """
    if ";" not in line:
        return ("" if depth else line), depth
    code = []
    at = 0
    while at < len(line):
        if line.startswith("\\;", at) and not depth:
            code.append(";")
            at += 2
        elif line.startswith(";--", at) and not line.startswith(";---", at):
            depth += 1
            at += 3
        elif depth and line.startswith("--;", at):
            depth -= 1
            at += 3
        elif line[at] == ";" and not depth:
            break
        else:
            code.append("" if depth else line[at])
            at += 1
    return "".join(code), depth
