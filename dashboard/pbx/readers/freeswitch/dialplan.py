"""FreeSWITCH's dialplan, evaluated to find dial strings: conditions on the number, variables, bridges."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.freeswitch.xml_config import Element
from dashboard.pbx.readers.hosts import host_of
from dashboard.pbx.readers.number_regex import Variant, variants

LONGEST = 2_000
MOST_LEGS = 50
NUMBER = "destination_number"
TAG = "sip_h_x-tag"

_SETTINGS = re.compile(r"[{<\[](?P<inside>[^{}<>\[\]]*)[}>\]]")
_HELD = re.compile(r"\x01(\d+)\x02")
_REFERENCE = re.compile(r"\$\{(?P<name>[^{}$]*)\}|\$(?P<group>\d)")
_BETWEEN = re.compile(r":_:|[|,]")


@dataclass(frozen=True)
class Leg:
    """One leg of a bridge: a gateway, or a profile and a host, with the number as sent."""

    gateway: str
    host: str
    number: str
    place: Place
    signs_in: bool


@dataclass(frozen=True)
class Again:
    """A number that passes through the dialplan again."""

    number: str
    context: str
    place: Place


Told = Leg | Again | tuple[str, Place]
"""Result of an action: a call, a number that passes through the dialplan again, or an X-Tag with its location."""


def evaluate_actions(extension: Element, variables: Mapping[str, str]) -> Iterator[Told]:
    """
    Evaluate the actions of an extension in order, regardless of its conditions.

    Args:
        extension: The extension with its conditions and actions.
        variables: Global variables, which actions can also use.
    """
    shapes: tuple[Variant, ...] = ()
    values = dict(variables)
    for condition in extension.children:
        if condition.tag != "condition":
            continue
        number_shapes = (
            variants(condition.attrs.get("expression", "")) if condition.attrs.get("field") == NUMBER else ()
        )
        shapes = number_shapes or shapes
        for action in condition.children:
            if action.tag == "action":
                yield from _action(
                    action, [(shape, bool(number_shapes)) for shape in shapes] or [(Variant(), False)], values
                )


def numbers(extension: Element) -> Iterator[tuple[str, tuple[Variant, ...], Place]]:
    """Yield the expressions that an extension applies to the dialed number, with the patterns they match."""
    for condition in extension.children:
        if condition.tag == "condition" and condition.attrs.get("field") == NUMBER:
            expression = condition.attrs.get("expression", "")
            yield expression, variants(expression), condition.place


def _action(action: Element, shapes: list[tuple[Variant, bool]], values: dict[str, str]) -> Iterator[Told]:
    application = action.attrs.get("application", "").lower()
    data = action.attrs.get("data", "")
    if application in ("set", "export"):
        name, _, value = data.partition("=")
        name = name.removeprefix("nolocal:").strip()
        if name.lower() == TAG:
            yield _expand(value, Variant(), values, groups=False).strip(), action.place
        else:
            values[name] = _expand(value, Variant(), values, groups=False)
        return
    if application == "bridge":
        yield from _bridge(action, shapes, values)
    elif application == "transfer":
        for shape, groups in shapes:
            parts = _expand(data, shape, values, groups=groups).split()
            if parts:
                yield Again(parts[0], parts[2] if len(parts) > 2 else "", action.place)  # noqa: PLR2004 - number, kind, context


def _bridge(action: Element, shapes: list[tuple[Variant, bool]], values: dict[str, str]) -> Iterator[Told]:
    settings, legs = _split_bridge(action.attrs.get("data", ""))
    for name, _, value in (setting.partition("=") for setting in settings):
        if name.strip().lower() == TAG:
            yield _expand(value, Variant(), values, groups=False).strip(), action.place
    for shape, groups in shapes:
        for leg in legs:
            yield from _leg(_expand(leg, shape, values, groups=groups), action)


def _split_bridge(data: str) -> tuple[list[str], list[str]]:
    """Split the data of a bridge into variable settings and legs; variable references are not split."""
    references: list[str] = []

    def mask(match: re.Match[str]) -> str:
        references.append(match[0])
        return f"\x01{len(references) - 1}\x02"

    def release(text: str) -> str:
        return _HELD.sub(lambda match: references[int(match[1])], text)

    masked = _REFERENCE.sub(mask, data.replace("\x01", ""))
    settings = [release(setting) for inside in _SETTINGS.findall(masked) for setting in inside.split(",")]
    return settings, [release(leg.strip()) for leg in _BETWEEN.split(_SETTINGS.sub("", masked))[:MOST_LEGS]]


def _leg(leg: str, action: Element) -> Iterator[Told]:
    parts = leg.split("/")
    if parts[0] == "loopback" and len(parts) > 1:
        yield Again(parts[1], parts[2] if len(parts) > 2 else "", action.place)  # noqa: PLR2004 - number, context
    elif parts[:2] == ["sofia", "gateway"] and len(parts) > 2:  # noqa: PLR2004 - and the gateway
        yield Leg(parts[2], "", "/".join(parts[3:]), action.place, action.has_password)
    elif parts[0] == "sofia" and len(parts) > 2:  # noqa: PLR2004 - profile, and number with host
        number, _, host = "/".join(parts[2:]).rpartition("@")
        yield Leg("", host_of(host), number.removeprefix("sip:"), action.place, action.has_password)


def _expand(text: str, shape: Variant, values: Mapping[str, str], *, groups: bool) -> str:
    """Expand known variables, the dialed number, and the groups captured by the condition."""

    def value(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            replacement = shape.groups.get(int(match["group"])) if groups else None
            replacement = shape.letters if groups and match["group"] == "0" else replacement
            return f"${{{match['group']}}}" if replacement is None else replacement
        if name == NUMBER and shape.letters:
            return shape.letters
        return values.get(name, match[0])

    return _REFERENCE.sub(value, text)[:LONGEST]
