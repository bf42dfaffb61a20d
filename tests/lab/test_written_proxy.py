"""Written configuration of a proxy on Kamailio: calls of a phone behind it reach the carrier."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.pbx.writers.registry import TrunkSpec, write
from tests.lab.calling import Dialed, place
from tests.lab.edge import MODULES, answers, running, wait_for
from tests.lab.lab import POPS, PREFIX, Lab

ADDRESS = "198.51.100.12"
PHONE = "198.51.100.40"
SILENT = "198.51.100.24"
PORT_OF_PHONE = 5070
ANOTHER_TAG = "seattle"
"""Tag that the phone sends itself."""
AROUND = """#!KAMAILIO
debug=1
log_stderror=yes
children=2
disable_tcp=yes
auto_aliases=no
dns=off
rev_dns=off
mpath="@MODULES@"
listen=udp:@ADDRESS@:5060
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "dispatcher.so"
loadmodule "permissions.so"
modparam("tm", "fr_timer", 1000)
modparam("dispatcher", "list_file", "@FOLDER@/dispatcher.list")
modparam("dispatcher", "flags", 2)
modparam("permissions", "address_file", "@FOLDER@/address.list")
include_file "flowroute.cfg"

request_route {
    if (!mf_process_maxfwd_header("10")) { exit; }
    if (has_totag()) {
        loose_route();
        t_relay();
        exit;
    }
    if (is_method("OPTIONS")) {
        route(FROM_FLOWROUTE);
        sl_send_reply("200", "OK");
        exit;
    }
    if (!is_method("INVITE")) { exit; }
    record_route();
    route(TO_FLOWROUTE);
}
"""
"""Configuration of a proxy that only uses the written routes."""


@pytest.mark.parametrize(("first", "number"), [(POPS[0], "12515550110"), (SILENT, "12515550121")])
def test_what_is_written_for_a_proxy_places_calls(lab: Lab, tmp_path: Path, first: str, number: str) -> None:
    """
    A call is admitted by the proxy's address and has its tag, not the caller's; the second PoP replaces a silent first.

    The proxy does not answer OPTIONS from a phone.
    """
    lab.set(credentials_enabled=False)
    lab.list_only([ADDRESS])
    wanted = TrunkSpec(
        pbx_id="chicago",
        tech_prefix=PREFIX,
        pop=first,
        second=POPS[1],
        ranges=("192.0.2.8/29",),
        address=ADDRESS,
        x_tag="chicago",
    )
    for name, text in write("kamailio", wanted).files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    config = tmp_path / "kamailio.cfg"
    values = {"MODULES": str(MODULES[0]), "ADDRESS": ADDRESS, "FOLDER": str(tmp_path)}
    text = AROUND
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    config.write_text(text, encoding="ascii")
    command = ["kamailio", "-DD", "-E", "-m", "64", "-Y", str(tmp_path), "-f", str(config)]

    with running(lab.net, command, tmp_path / "kamailio.log") as started:
        wait_for(lab.net, started, ADDRESS, source=POPS[2], log=tmp_path / "kamailio.log")
        dialed = Dialed(number.removeprefix("1"), x_tag=ANOTHER_TAG)
        (ended,) = place(lab.net, tmp_path, [dialed], source=PHONE, pop=ADDRESS, port=PORT_OF_PHONE)
        let_in = answers(lab.net, tmp_path, ADDRESS, source=PHONE)
    (seen,) = lab.settled([number], 1)

    assert 200 == ended.status
    assert (seen.code, seen.source, seen.x_tag) == (200, ADDRESS, "chicago")
    assert not let_in
