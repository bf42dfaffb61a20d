"""Path of a call through Kamailio's routes: its state, the functions that change it, and expression evaluation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.hosts import host_of
from dashboard.pbx.readers.kamailio.grammar import ScriptToken
from dashboard.pbx.readers.kamailio.numbers import DIALED, stripped, subst
from dashboard.pbx.readers.kamailio.script import Tokens
from dashboard.pbx.readers.secrets import NamesOf, is_secret_name

LONGEST = 300
LONGEST_COUNT = 3
MOST_VALUES = 100
TAG = "x-tag"
_PV = re.compile(r"\$(?:\((?P<all>[^()]*(?:\([^()]*\))?[^()]*)\)|(?P<name>[A-Za-z_]\w*(?:\([^()]*\))?))")
_CHANGE = re.compile(r"\{s\.(?P<what>substr|strip|striptail),(?P<from>-?\d{1,3})(?:,(?P<length>\d{1,3}))?\}")
_KEPT = ("$var(", "$avp(", "$xavp(", "$shv(", "$dlg_var(", "$xavu(")


@dataclass(frozen=True)
class Way:
    """State of a call at a point of its path through the routes."""

    number: str = DIALED
    at: Place | None = None
    """Location of the last change of the number."""
    hosts: tuple[tuple[str, Place], ...] = ()
    """Destination hosts, in order of preference."""
    trunk: str = ""
    socket: str = ""
    tags: tuple[tuple[str, Place], ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    failure: str = ""
    branch: str = ""
    sent: bool = False

    def dials(self, number: str, location: Place) -> Way:
        """Return the path with another number."""
        number = number[:LONGEST]
        return self if number == self.number else replace(self, number=number, at=location, sent=False)


def to_host(path: Way, host: str, location: Place) -> Way:
    """Return the path with one destination host."""
    name = host_of(host)
    return replace(path, hosts=((name, location),) if name else (), trunk=name, sent=False)


def to_uri(path: Way, uri: str, location: Place) -> Way:
    """Return the path with a SIP URI as destination; a URI without a user keeps the number."""
    number, at, _ = re.sub(r"^\s*sips?:", "", uri, flags=re.IGNORECASE).rpartition("@")
    return to_host(path.dials(number, location) if at else path, uri, location)


def assigned(path: Way, target: str, value: str, location: Place) -> Way:
    """Return the path after an assignment to a pseudo-variable."""
    if target in TARGETS:
        return CHANGES[TARGETS[target]](path, value, location)
    if target.lower() in (f"$x_hdr({TAG})", f"$hdr({TAG})"):
        return replace(path, tags=(*path.tags, (value, location))[-4:])
    if target.startswith(_KEPT):
        values = dict(path.values) | {target: "" if is_secret_name(target, NamesOf.KAMAILIO) else value}
        return replace(path, values=tuple(sorted(values.items())[:MOST_VALUES]))
    return path


class Values:
    """Evaluator of expressions on a path."""

    def __init__(self, settings: Mapping[str, ScriptToken]) -> None:
        self._settings = settings

    def of(self, tokens: Tokens, path: Way, *, inside: bool = False) -> str:
        """Evaluate an expression; ``inside`` also expands pseudo-variables in its strings."""
        parts = []
        for token in tokens:
            if token.kind == "pv":
                parts.append(self._variable(token.text, path))
            elif token.kind == "string":
                text = token.text
                parts.append(_PV.sub(lambda match: self._variable(match[0], path), text) if inside else text)
            elif token.kind in ("number", "word"):
                parts.append(token.text if token.kind == "number" or inside else f"${{{token.text}}}")
            elif token.sign not in ("+", ".", "(", ")"):
                return "".join(part.text for part in tokens) if inside else "${…}"
        return "".join(parts)[:LONGEST]

    def _variable(self, text: str, path: Way) -> str:
        match = _PV.fullmatch(text)
        name = ((match["all"] or match["name"] or "") if match else text[1:]).partition("{")[0]
        if name in ("rU", "ruri_user", "tU", "oU"):
            value = path.number if name.startswith("r") else DIALED
        elif name == "ru":
            value = f"sip:{path.number}@{path.hosts[0][0] if path.hosts else '${rd}'}"
        elif name == "rd":
            value = path.hosts[0][0] if path.hosts else "${rd}"
        elif name.startswith("sel(cfg_get."):
            setting = self._settings.get(name.removeprefix("sel(cfg_get.").rstrip(")"))
            value = setting.text if setting else f"${{{name}}}"
        else:
            value = dict(path.values).get(f"${name}", f"${{{name}}}")
        for change in _CHANGE.finditer(text):
            count = int(change["from"])
            if change["what"] == "substr" and (count < 0 or change["length"] not in (None, "0")):
                return f"${{{name}}}"
            value = stripped(value, count, tail=change["what"] == "striptail")
        return value if text.count("{") == len(_CHANGE.findall(text)) else f"${{{name}}}"


def _count(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= LONGEST_COUNT else 0


def _socket(path: Way, socket: str, _location: Place) -> Way:
    return replace(path, socket=socket)


Change = Callable[[Way, str, Place], Way]
CHANGES: Mapping[str, Change] = {
    "prefix": lambda way, said, place: way.dials(said + way.number, place),
    "strip": lambda way, said, place: way.dials(stripped(way.number, _count(said)), place),
    "strip_tail": lambda way, said, place: way.dials(stripped(way.number, _count(said), tail=True), place),
    "subst_user": lambda way, said, place: way.dials(subst(said, way.number), place),
    **dict.fromkeys(("setuser", "rewriteuser"), Way.dials),
    **dict.fromkeys(("sethost", "rewritehost", "sethostport", "rewritehostport", "sethostporttrans"), to_host),
    **dict.fromkeys(
        ("setdsturi", "append_branch"), lambda way, said, place: to_host(way, said, place) if said else way
    ),
    **dict.fromkeys(("seturi", "rewriteuri"), to_uri),
    **dict.fromkeys(("force_send_socket", "set_send_socket", "set_send_socket_name"), _socket),
}
"""Functions that change the path by their first argument."""

TARGETS: Mapping[str, str] = {
    **dict.fromkeys(("$rU", "$ruri_user"), "setuser"),
    **dict.fromkeys(("$ru", "$ruri"), "seturi"),
    **dict.fromkeys(("$rd", "$ruri_domain", "$du", "$dd"), "setdsturi"),
    **dict.fromkeys(("$fs", "$fsn"), "set_send_socket"),
}
"""Pseudo-variables whose assignment has the effect of a function."""
