"""
Parts of the carrier's API that the emulator does not implement: messages, CNAM and E911 records, port orders.

Each endpoint checks the API key, then returns an error that names the missing feature, so that the client does not
look for a mistyped address.
"""

from __future__ import annotations

from fastapi import APIRouter

from dashboard.emulator.api.responses import Account, ApiResponse, Refused

ABSENT = {
    "messages": ("/v2.1/messages", "/v2/numbers/{number}/relationships/dlr_callback"),
    "CNAM records": ("/v2/cnams", "/v2/numbers/{number}/relationships/cnam"),
    "E911 records": ("/v2/e911s", "/v2/numbers/{number}/relationships/e911s"),
    "port orders": ("/v2/portorders",),
}
"""Missing features, with their paths in the carrier's API."""
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]

router = APIRouter(include_in_schema=False)  # a schema would have to describe a success response


def _refuse(feature: str, path: str) -> None:
    @router.api_route(path, methods=METHODS)
    @router.api_route(f"{path}/{{rest:path}}", methods=METHODS)
    def absent(_account: Account) -> ApiResponse:
        raise Refused(
            404,
            f"This emulator has no {feature}: it has numbers, inbound routes, edge strategies and CDR exports. "
            "Use an account of the carrier.",
        )


for _what, _paths in ABSENT.items():
    for _path in _paths:
        _refuse(_what, _path)
