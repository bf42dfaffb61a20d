"""Parsing of a pasted allow list: any layout, no silently dropped lines, no unrequested removals."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from ipaddress import IPv4Network

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.carriers.flowroute.portal_paste import MOST_CHARACTERS, PastedList, accept_paste, difference, read_pasted
from dashboard.core.errors import InputError
from dashboard.core.text import UNSAFE
from dashboard.schemas.tables import ALLOWED_IPS, conform, empty
from tests.texts import golden, golden_pattern
from tests.waiting import SLOW_S

PUBLIC = ("198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24")
SEATTLE = ("198.51.100.11", "Seattle")
CHICAGO = ("198.51.100.12", "Chicago")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def found(text: str) -> list[tuple[str, str]]:
    """Return the entries of a paste without unusable lines."""
    pasted = read_pasted(text, public_ranges=PUBLIC)
    assert () == pasted.unusable
    return [(entry.network, entry.label) for entry in pasted.entries]


@pytest.mark.parametrize(
    "text",
    [
        "198.51.100.11 Seattle\n198.51.100.12 Chicago",
        "Seattle 198.51.100.11\r\nChicago 198.51.100.12\r\n",
        "IP Address\tLabel\tActions\n198.51.100.11\tSeattle\tEdit\tDelete\n198.51.100.12\tChicago\tEdit\tDelete\n",
        "1. 198.51.100.11 Seattle\n2) 198.51.100.12 Chicago",
        "• 198.51.100.11 – Seattle\n• 198.51.100.12 – Chicago",  # noqa: RUF001 - the dash is the test case
        "1\t198.51.100.11\tSeattle\t2026-01-02 10:00\n2\t198.51.100.12\tChicago\t2026-01-03 11:00",
        "198.51.100.11,Seattle\n198.51.100.12,Chicago",
        "198.51.100.11;Seattle\n198.51.100.12;Chicago",
        "Seattle 198.51.100.11, Chicago 198.51.100.12",
        "198.51.100.11 Seattle, 198.51.100.12 Chicago.",
        "Seattle\t198.51.100.11\tChicago\t198.51.100.12",
        "198.51.100.11\tSeattle\t198.51.100.12\tChicago",
        "| 198.51.100.11 | Seattle |\n|---|---|\n| 198.51.100.12 | Chicago |",
        '"198.51.100.11","Seattle"\n"198.51.100.12","Chicago"',
        "[Seattle] (198.51.100.11)\n[Chicago] (198.51.100.12)",
        "Seattle: 198.51.100.11\nChicago: 198.51.100.12",
        "198.51.100.11/32 Seattle\n198.51.100.12/32 Chicago",
        "198.51.100.11 255.255.255.255 Seattle\n198.51.100.12/255.255.255.255\tChicago",
        "\ufeff198.51.100.11\u00a0Seattle\n198.\u200b51.100.12 Chicago\u200e",
        "１９８.５１.１００.１１ Seattle\n198.51.100.12 Chicago",  # noqa: RUF001 - full-width digits are the test case
        "<table><tr><td>198.51.100.11</td>\n<td>Seattle</td></tr><tr><td>198.51.100.12</td><td>Chicago</td></tr></table>",
        "<ul><li>198.51.100.11 <b>Seattle</b></li><li>198.51.100.12&nbsp;<b>Chicago</b></li></ul>",
        "<div>Seattle <input type=text value='198.51.100.11'></div><div>Chicago <input value=\"198.51.100.12\"></div>",
        "<p>198.51.100.11 Seattle<br>198.51.100.12 Chicago<script>var x='198.51.100.99'</script><style>a{}</style>",
        "198.51.100.11 Seattle\n198.51.100.12 Chicago\n198.51.100.11\n198.51.100.12 again",
        "198.51.100.11\n198.51.100.12\n198.51.100.11 Seattle\n198.51.100.12 Chicago",
    ],
)
def test_every_layout_gives_the_same_entries(text: str) -> None:
    """Rows, lists, tables, HTML and labels on either side give each address once, in order."""
    assert [SEATTLE, CHICAGO] == found(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Outbound Allowed IPs\nNo addresses yet",
        "Last change 23.11.2026 at 12:30:45 by ann@198.51.100.99",
        "Version 2.4 of 2026-11-23, call 206.555.0100",
        "host 198.51.100.11.in-addr.arpa, pbx1.198.51.100.11.example, v198.51.100.11, https://198.51.100.11/x",
        "aa:bb:cc:dd:ee:ff",
    ],
)
def test_other_texts_are_not_taken_for_addresses(text: str) -> None:
    """Dates, times, versions, telephone numbers, names and links are not addresses."""
    assert [] == found(text)


@pytest.mark.parametrize(
    ("text", "shown", "word"),
    [
        ("10.0.0.5 lab", "10.0.0.5", "private"),
        ("100.64.0.1", "100.64.0.1", "carrier-grade NAT"),
        ("224.0.0.1", "224.0.0.1", "multicast"),
        ("198.51.100.300", "198.51.100.300", golden("errors.addresses.not_whole")),
        ("198.51.100", "198.51.100", golden("errors.addresses.not_whole")),
        ("198.51.100.11.12", "198.51.100.11.12", golden("errors.addresses.not_whole")),
        ("010.1.2.3", "010.1.2.3", "leading zeros"),
        ("198.51.100.5/24 all", "198.51.100.5/24", "not a network"),
        ("198.51.100.0/33", "198.51.100.0/33", "not a network"),
        ("198.51.100.5 255.255.255.0", "198.51.100.5/255.255.255.0", "not a network"),
        ("198.51.100.0/24 255.255.0.0", "198.51.100.0/24", golden("errors.portal.length_and_netmask")),
        ("10.1.0.0/16 lab", "10.1.0.0/16", "private"),
        ("0.0.0.0/0 all", "0.0.0.0/0", "Write smaller networks"),
        ("100.0.0.0/8", "100.0.0.0/8", "Write smaller networks"),
        ("198.51.100.11:5060", "198.51.100.11:5060", "port"),
        ("2001:db8::11 Seattle", "2001:db8::11", "IPv6"),
        ("::ffff:198.51.100.11", "::ffff:198.51.100.11", "IPv6"),
    ],
)
def test_invalid_entries_are_returned_with_line_and_rule(text: str, shown: str, word: str) -> None:
    """An entry that the list cannot hold is returned with its line and the violated rule; good lines are kept."""
    pasted = read_pasted(f"198.51.100.12\n{text}\n198.51.100.13", public_ranges=PUBLIC)

    assert ["198.51.100.12", "198.51.100.13"] == [entry.network for entry in pasted.entries]
    (bad,) = pasted.unusable
    assert (shown, 2) == (bad.text, bad.line)
    assert word in bad.reason
    assert 1 == bad.sentence.count(shown)


@pytest.mark.parametrize(
    "text",
    [
        "198.51.100.0/24 Office",
        "Office\t198.51.100.0/24",
        "198.51.100.0/255.255.255.0 Office",
        "198.51.100.0 255.255.255.0 Office",
        "198.51.100.0 netmask 255.255.255.0 Office",
        "<tr><td>198.51.100.0/24</td><td>Office</td></tr>",
        "198.51.100.0/24 Office\n198.51.100.0/24",
    ],
)
def test_a_network_is_an_entry(text: str) -> None:
    """Without the network, the copy of the list would lack admitted callers."""
    assert [("198.51.100.0/24", "Office")] == found(text)


def test_a_network_is_kept_and_compared() -> None:
    """A network is added, unchanged, missing and removed like a single address."""
    pasted = read_pasted("203.0.113.0/24 Office\n203.0.113.9", public_ranges=PUBLIC)
    first = accept_paste(empty(ALLOWED_IPS), difference([], pasted), remove=(), added_by="ann", added_at=NOW)
    again = difference(first["network"], pasted)
    later = difference(first["network"], read_pasted("203.0.113.9", public_ranges=PUBLIC))
    gone = accept_paste(first, later, remove=["203.0.113.0/24"], added_by="ann", added_at=NOW)

    assert ["203.0.113.0/24", "203.0.113.9"] == list(first["network"])
    assert (("203.0.113.0/24", "203.0.113.9"), ()) == (again.same, again.missing)
    assert ("203.0.113.0/24",) == later.missing
    assert ["203.0.113.9"] == list(gone["network"])


@pytest.mark.parametrize("between", ["-", " - ", "–", "...", " to "])  # noqa: RUF001 - the dash is the test case
def test_a_range_is_not_two_addresses(between: str) -> None:
    """A range is refused, because the addresses between its ends would be lost."""
    pasted = read_pasted(f"198.51.100.11{between}198.51.100.19", public_ranges=PUBLIC)

    assert () == pasted.entries
    assert ["198.51.100.11", "198.51.100.19"] == [bad.text for bad in pasted.unusable]


def test_a_long_text_is_refused() -> None:
    """A text beyond the length limit is refused as another kind of file."""
    with pytest.raises(InputError, match=golden_pattern("errors.portal.paste_the_list_alone")):
        read_pasted("x" * (MOST_CHARACTERS + 1))


@pytest.mark.timeout(SLOW_S)
@pytest.mark.parametrize("piece", ["1.", "1", ":", "::1", "<", "<td", " ", "1.1.1.1-", "1.1.1.1 255.", "a:", "&#49;"])
def test_patterns_do_not_backtrack_excessively(piece: str) -> None:
    """No pattern backtracks excessively; the test's time limit proves it."""
    assert all(entry.network == "1.1.1.1" for entry in read_pasted((piece * 50_000)[:100_000]).entries)


@given(st.text(alphabet=string.printable + "<>/.:-0123456789\u200b\ufffc", max_size=300))
def test_any_clipboard_text_gives_valid_unique_entries(text: str) -> None:
    """For any clipboard text, each entry is an address or a network and occurs once."""
    networks = [entry.network for entry in read_pasted(text, public_ranges=PUBLIC).entries]

    assert len(set(networks)) == len(networks)
    assert networks == [str(IPv4Network(network)).removesuffix("/32") for network in networks]


@given(st.lists(st.integers(1, 254), unique=True, max_size=40), st.sampled_from(["\n", ", ", "\t", " | ", "  ", "; "]))
def test_every_address_is_found(hosts: list[int], between: str) -> None:
    """Every address is found, whatever separates them."""
    networks = [f"203.0.113.{host}" for host in hosts]

    assert networks == [network for network, _ in found(between.join(networks))]


def kept() -> pd.DataFrame:
    """Return a stored list with owner and purpose."""
    rows = [
        {"network": "198.51.100.11", "label": "Seattle", "owner": "Ann", "purpose": "trunk", "role": "active"},
        {"network": "198.51.100.50", "label": "Boston", "owner": "Bob", "purpose": "trunk", "role": "standby"},
    ]
    return conform(pd.DataFrame(rows), ALLOWED_IPS, source="test")


def test_a_difference_says_what_is_new_and_what_is_missing() -> None:
    """Missing entries are those that the paste does not contain, and no more is claimed."""
    parts = difference(kept()["network"], read_pasted("198.51.100.11\n198.51.100.24 Denver", public_ranges=PUBLIC))

    assert ["198.51.100.24"] == [entry.network for entry in parts.added]
    assert ("198.51.100.50",) == parts.missing
    assert ("198.51.100.11",) == parts.same


def test_partial_paste_removes_nothing() -> None:
    """Missing entries remain with owner and purpose until they are named for removal."""
    parts = difference(kept()["network"], read_pasted("198.51.100.24 Denver", public_ranges=PUBLIC))

    stays = accept_paste(kept(), parts, remove=(), added_by="ann", added_at=NOW)
    gone = accept_paste(kept(), parts, remove=["198.51.100.50"], added_by="ann", added_at=NOW)

    assert ["198.51.100.11", "198.51.100.50", "198.51.100.24"] == list(stays["network"])
    assert ["Ann", "Bob", ""] == list(stays["owner"])
    assert {"operator"} == set(stays["known_by"])
    assert ["198.51.100.11", "198.51.100.24"] == list(gone["network"])
    new = gone.iloc[1]
    assert ("Denver", "ann", NOW, "active") == tuple(new[["label", "added_by", "added_at", "role"]])


def test_only_what_is_missing_can_be_removed() -> None:
    """Naming an entry that is in the paste, or on no list, is an error."""
    parts = difference(kept()["network"], read_pasted("198.51.100.11", public_ranges=PUBLIC))

    with pytest.raises(InputError, match=r"198\.51\.100\.11"):
        accept_paste(kept(), parts, remove=["198.51.100.11"], added_by="ann", added_at=NOW)


@pytest.mark.parametrize("text", ["", "198.51.100.24"])
def test_an_empty_list_can_be_filled_and_stay_empty(text: str) -> None:
    """An empty paste of a new account is accepted."""
    empty = kept().iloc[0:0]
    parts = difference(empty["network"], read_pasted(text, public_ranges=PUBLIC))

    assert text.split() == list(accept_paste(empty, parts, remove=(), added_by="ann", added_at=NOW)["network"])
    assert PastedList((), ()) == read_pasted("")


@pytest.mark.parametrize(
    "layout", ["{}\u2003198.51.100.11", "<tr><td>198.51.100.11</td><td>{}</td></tr>", "10.0.0.8 {}"]
)
def test_no_label_holds_what_a_reader_cannot_see(layout: str) -> None:
    """Labels, including stored ones, contain no control or direction characters."""
    pasted = read_pasted(layout.format("Sea\u202et\x1b[2Jt\x9b31ml\x07e"), public_ranges=PUBLIC)
    kept = accept_paste(
        empty(ALLOWED_IPS), difference([], pasted), remove=(), added_by="a\u202eb\x1b", added_at=NOW
    )  # fmt: skip

    assert pasted.entries or pasted.unusable
    texts = [one.label for one in pasted.entries] + [f"{one.text} {one.reason}" for one in pasted.unusable]
    assert [] == [text for text in texts if UNSAFE.search(text)]
    assert not UNSAFE.search("".join(map(str, kept.to_numpy().ravel())))
