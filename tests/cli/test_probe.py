"""``trunkgate probe`` in a separate process, against a far end on loopback."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sip.probe.far_end import FarEnd, answer, far_end
from tests.texts import golden

pytestmark = pytest.mark.slow

NUMBER = "12065550142"
PREFIX = "12345678"
KEYS = (
    "method",
    "pop",
    "transport",
    "source",
    "request_uri",
    "sip_status",
    "sip_reason",
    "seconds",
    "meaning",
    "admitted",
    "account",
)
ACL = golden("commands.probe.prefix_and_address_refused")


def says(status: str) -> Any:
    """Return a handler that answers every request except ACK with one status."""
    return lambda method, request: [] if method == "ACK" else [answer(request, status)]


def at(end: FarEnd) -> str:
    """Return host and port of a far end as a ``--pop`` value."""
    return f"127.0.0.1:{end.port}"


def test_a_test_call_says_what_its_answer_means(bare: Any) -> None:
    """JSON has the meaning of a refusal and the given source address; the status is 1, and no home is created."""
    with far_end(says(ACL)) as end:
        options = ("--from", "127.0.0.9", "--pop", at(end), "--number", NUMBER, "--tech-prefix", PREFIX)
        told = bare("probe", *options, "--format", "json")
    found = told.json

    assert (1, "") == (told.status, told.err)
    assert {"sip_status": 403, "sip_reason": ACL[4:], "source": "127.0.0.9", "admitted": False}.items() <= found.items()
    assert "not authorized together" in found["meaning"]
    assert found["request_uri"] == f"sip:{PREFIX}*{NUMBER}@{at(end)}"
    assert 0 < found["seconds"] < 8
    assert "what was read" not in found["meaning"]
    assert not bare.home.exists()


def test_a_home_that_knows_the_account_tells_it_beside_the_answer(shared: Any) -> None:
    """An answered test call is compared with the home's list, prefix and switch; the JSON keys stay the same."""
    with far_end(says(ACL)) as end, far_end(lambda *_: []) as silent:
        options = ("--from", "127.0.0.9", "--number", NUMBER, "--tech-prefix", PREFIX, "--format", "json")
        told = shared("probe", "--pop", at(end), *options).json
        other = shared("probe", "--pop", at(end), *options[:-3], "87654321", "--format", "json").json
        nothing = shared("probe", "--pop", at(silent), "--wait", "0.3", *options).json

    listed = golden("probe.loopback_and_not_known", address="127.0.0.9")
    assert "not authorized together" in told["meaning"]
    assert golden("commands.probe.by_what_was_read") in told["meaning"]
    assert golden("commands.probe.prefix_is_own", listed=listed) in told["meaning"]
    assert golden("commands.probe.prefix_is_not_own") in other["meaning"]
    assert "what was read" not in nothing["meaning"]
    assert list(KEYS) == list(told)
    assert told["meaning"].endswith(told["account"])
    assert told["account"].startswith(golden("commands.probe.by_what_was_read"))
    assert nothing["account"] == ""


def test_several_pops_are_asked_one_after_another(bare: Any) -> None:
    """Each PoP has its own result; one that does not answer makes the status 1."""
    with far_end(says("200 OK")) as there, far_end(lambda *_: []) as silent:
        told = bare("probe", "--pop", at(there), "--pop", at(silent), "--wait", "0.3")
        again = bare("probe", "--pop", at(there), "--pop", at(there), "--format", "json")

    assert 1 == told.status
    assert "200 OK after" in told.out
    assert "no answer." in told.out
    assert (0, [200, 200]) == (again.status, [found["sip_status"] for found in again.json])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--pop", "127.0.0.1", "--number", "911", "--tech-prefix", PREFIX), golden("commands.probe.service_code")),
        (("--pop", "127.0.0.1", "--number", "19005550123", "--tech-prefix", PREFIX), "premium"),
        (("--pop", "127.0.0.1", "--number", "442079460123", "--tech-prefix", PREFIX), "abroad"),
        (("--pop", "127.0.0.1", "--number", NUMBER, "--tech-prefix", "1234"), "has 4 digits"),
        (
            ("--pop", "127.0.0.1", "--pop", "127.0.0.2", "--number", NUMBER, "--tech-prefix", PREFIX),
            golden("commands.probe.goes_to_one_pop"),
        ),
        (("--pop", "127.0.0.1:99999"), "port"),
        (("--pop", "a b"), "is " + golden("commands.probe.not_a_host_name")),
        (("--pop", "127.0.0.1", "--from", "203.0.113.9"), "cannot send from"),
    ],
)
def test_what_cannot_be_asked_is_an_error_of_its_own(bare: Any, options: tuple[str, ...], words: str) -> None:
    """A request that cannot be sent gives one sentence and status 2, and nothing is sent."""
    told = bare("probe", *options)

    assert 2 == told.status
    assert words in told.sentence


def test_the_sample_account_has_no_pop_to_be_asked(shared: Any) -> None:
    """The sample account's PoPs are names only, so that no sample data is sent to a carrier; probing it is an error."""
    told = shared("probe")

    assert 2 == told.status
    assert "sample account" in told.sentence
