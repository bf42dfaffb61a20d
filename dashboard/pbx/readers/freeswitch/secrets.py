"""Kinds of the secrets in FreeSWITCH's files: trunk to the carrier, another trunk, a phone, or the PBX itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from dashboard.pbx.readers.facts import Place
from dashboard.pbx.readers.freeswitch.xml_config import Configuration, Element
from dashboard.pbx.readers.secrets import Secret
from dashboard.sip import Trunk

_HOST = re.compile(r"@([\w.\-\[\]]+)")
_GATEWAY = re.compile(r"sofia/gateway/([^/,|\]}]+)")


def secrets_of(config: Configuration, is_carrier: Callable[[Element], bool], trunk: Trunk) -> Mapping[Place, Secret]:
    """
    Return the kind of each secret.

    Args:
        config: The parsed configuration.
        is_carrier: Returns whether a gateway goes to the carrier.
        trunk: The account's trunk, which identifies the carrier's hosts.

    Returns:
        The kind of each secret by location; the most severe one for a secret with several uses.
    """
    told = dict(config.secrets)
    ours = {one.attrs.get("name", "") for one, _ in config.found if one.tag == "gateway" and is_carrier(one)}
    for element, _ in config.found:
        for place, kind in _uses(element, config, ours, trunk):
            told[place] = told.get(place, kind).worse(kind)
    return told


def _uses(element: Element, config: Configuration, ours: set[str], trunk: Trunk) -> Iterator[tuple[Place, Secret]]:
    if element.tag == "gateway":
        kind = Secret.TRUNK if element.attrs.get("name", "") in ours else Secret.OTHER_TRUNK
        for one in _below(element):
            place = config.named.get(one.attrs["holder"]) if "holder" in one.attrs else one.place
            if one.has_password and place:
                yield place, kind
    elif element.tag == "extension":
        actions = [one for one in _below(element) if one.tag == "action"]
        called = " ".join(one.attrs.get("data", "") for one in actions if one.attrs.get("application") == "bridge")
        hosts = _HOST.findall(called)
        gateways = set(_GATEWAY.findall(called))
        if hosts or gateways:
            to_carrier = gateways & ours or any(trunk.is_carrier(host) for host in hosts)
            kind = Secret.TRUNK if to_carrier else Secret.OTHER_TRUNK
            yield from ((one.place, kind) for one in actions if one.has_password)


def _below(element: Element) -> Iterator[Element]:
    for one in element.children:
        yield one
        yield from _below(one)
