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
    kinds = dict(config.secrets)
    carrier_gateways = {
        gateway.attrs.get("name", "") for gateway, _ in config.found if gateway.tag == "gateway" and is_carrier(gateway)
    }
    for element, _ in config.found:
        for location, kind in _uses(element, config, carrier_gateways, trunk):
            kinds[location] = kinds.get(location, kind).worse(kind)
    return kinds


def _uses(
    element: Element, config: Configuration, carrier_gateways: set[str], trunk: Trunk
) -> Iterator[tuple[Place, Secret]]:
    if element.tag == "gateway":
        kind = Secret.TRUNK if element.attrs.get("name", "") in carrier_gateways else Secret.OTHER_TRUNK
        for inner in _below(element):
            location = config.named.get(inner.attrs["holder"]) if "holder" in inner.attrs else inner.place
            if inner.has_password and location:
                yield location, kind
    elif element.tag == "extension":
        actions = [inner for inner in _below(element) if inner.tag == "action"]
        bridge_data = " ".join(
            inner.attrs.get("data", "") for inner in actions if inner.attrs.get("application") == "bridge"
        )
        hosts = _HOST.findall(bridge_data)
        gateways = set(_GATEWAY.findall(bridge_data))
        if hosts or gateways:
            to_carrier = gateways & carrier_gateways or any(trunk.is_carrier(host) for host in hosts)
            kind = Secret.TRUNK if to_carrier else Secret.OTHER_TRUNK
            yield from ((inner.place, kind) for inner in actions if inner.has_password)


def _below(element: Element) -> Iterator[Element]:
    for child in element.children:
        yield child
        yield from _below(child)
