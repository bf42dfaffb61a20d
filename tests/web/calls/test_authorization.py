"""The sentence on whether a call was authorized when it was made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dashboard import schemas
from dashboard.calls.replay.replayer import Replayer
from dashboard.web.calls import authorization
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx, refused_row
from tests.texts import golden

LISTED = "198.51.100.11"
UNLISTED = "198.51.100.24"
COLUMNS = ("source_ip", "pbx_id", "outcome", "sip_status", "direction")


def said(row: dict[str, Any], **facts: str) -> str:
    """Return the sentence for a call of PBX a."""
    snapshot = make_snapshot(allowed=(LISTED,), pbxs=[pbx("a", **facts)], traffic=[row | {"pbx_id": "a"}])
    one = {name: (row | {"pbx_id": "a"})[name] for name in COLUMNS} | {"started_at": row["first_at"]}
    return authorization.sentence(frame(schemas.CALLS, [one]), Replayer(snapshot))


@pytest.mark.parametrize(
    ("row", "facts", "words"),
    [
        (calls_row(LISTED), {}, golden("pages.calls.authorized_by_address")),
        (calls_row(UNLISTED), {"dials_prefix": "no", "auth_method": "both"}, "Authorized by credentials"),
        (calls_row(UNLISTED), {"auth_method": "both"}, golden("pages.calls.by_address_or_credentials")),
        (refused_row(UNLISTED), {}, "Not authorized"),
        (refused_row(LISTED), {}, golden("pages.calls.met_otherwise")),
        (calls_row(LISTED, at=NOW - timedelta(days=70)), {}, golden("pages.calls.no_policy_on_record")),
        (
            calls_row("", outcome="refused_unknown", sip_status=403),
            {"dials_prefix": "unknown"},
            golden("pages.calls.too_little_is_known"),
        ),
    ],
    ids=["listed", "digest", "dagger row", "refused", "contradiction", "no version", "open"],
)
def test_call_is_described_in_one_sentence(row: dict[str, Any], facts: dict[str, str], words: str) -> None:
    """The sentence states the decision of the policy in force at the time, or why there is none."""
    assert words in said(row, **facts)


def test_an_inbound_call_is_not_judged() -> None:
    """An inbound call gets no sentence, because the admission rule covers outbound calls."""
    assert said(calls_row(LISTED, direction="inbound")) == ""
