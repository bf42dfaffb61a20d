"""ASGI application of the emulator: the API, the portal, fault injection, and a health endpoint."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from dashboard import __version__
from dashboard.emulator.api import absent, numbers, portal, routes, sale
from dashboard.emulator.api import exports as exports_api
from dashboard.emulator.api.faults import FaultBox, install_fault_middleware
from dashboard.emulator.api.responses import speak_json_api
from dashboard.emulator.database import Database
from dashboard.emulator.exports import EmulatedExports


def create_app(database: Database, folder: Path, *, access_key: str, secret_key: str) -> FastAPI:
    """
    Create the application of one emulated account.

    Args:
        database: Seeded database of the account.
        folder: Folder for finished exports.
        access_key: User name of Basic authentication.
        secret_key: Password of Basic authentication; also signs the links of exports.
    """
    app = FastAPI(
        title="Emulated Flowroute account",
        version=__version__,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        strict_content_type=False,
    )
    app.state.database = database
    app.state.access_key = access_key
    app.state.secret_key = secret_key
    app.state.faults = FaultBox()
    app.state.exports = EmulatedExports(database, folder, app.state.faults, key=secret_key)
    for part in (sale, numbers, routes, exports_api, absent, portal):  # sale comes first: `available` is not a number
        app.include_router(part.router)
    speak_json_api(app)
    install_fault_middleware(app, app.state.faults)

    @app.get("/health", include_in_schema=False)
    def health() -> dict[str, Any]:
        return {"status": "ok", "pid": os.getpid()}

    return app
