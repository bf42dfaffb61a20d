"""The snapshot: validity periods, and precedence of the sources of an address."""

from __future__ import annotations

from tests.builders import NOW, make_snapshot, pbx


def test_a_configured_address_counts_only_where_nothing_else_is_known() -> None:
    """Addresses from configurations are used only for PBXs without declared or observed ones."""
    world = make_snapshot(
        pbxs=[pbx("seattle"), pbx("denver")],
        addresses=[
            {"pbx_id": "seattle", "address": "198.51.100.11", "source": "declared"},
            {"pbx_id": "seattle", "address": "198.51.100.99", "source": "configured"},
            {"pbx_id": "denver", "address": "198.51.100.24", "source": "configured"},
        ],
    )

    assert ["198.51.100.11", "198.51.100.24"] == world.addresses_at(NOW)["address"].tolist()
    assert {"198.51.100.11": (("seattle",), True), "198.51.100.24": (("denver",), True)} == dict(world.owners)
    assert "198.51.100.99" not in set(world.egress["address"])
