"""Fake NetBox on loopback that pages recorded answers, or misbehaves as real servers do."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

TOKEN = "0123456789abcdef-made-up"
PAGE = 3
"""Maximum number of objects per page, small so that a few objects make several pages."""
PATHS = {
    "/api/dcim/devices/": "devices",
    "/api/virtualization/virtual-machines/": "virtual_machines",
    "/api/ipam/ip-addresses/": "ip_addresses",
    "/api/dcim/sites/": "sites",
}


@dataclass
class Fake:
    """State of the fake: its objects, its behavior, and the requests received."""

    objects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    slow_s: float = 0.0
    cut: bool = False
    trickle: bool = False
    asked: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    address: str = ""

    @classmethod
    def of(cls, folder: Path) -> Fake:
        """Return a fake with the recorded answers of a folder."""
        return cls({name: json.loads((folder / f"{name}.json").read_text()) for name in PATHS.values()})


@contextmanager
def running(fake: Fake) -> Iterator[Fake]:
    """Serve on a free port for the duration of the block."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Suppress the request log."""

        def do_GET(self) -> None:
            """Answer one request."""
            fake.asked.append(self.path)
            fake.tokens.add(self.headers.get("Authorization", ""))
            time.sleep(fake.slow_s)  # a server that answers slowly
            status, body = _answer(fake, self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **fake.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if fake.trickle:
                for at in range(len(body)):
                    self.wfile.write(body[at : at + 1])
                    self.wfile.flush()
                    time.sleep(0.05)  # a server that sends slowly
            else:
                self.wfile.write(body[: len(body) // 2] if fake.cut else body)

        def handle(self) -> None:
            """Answer, unless the client has disconnected."""
            try:
                super().handle()
            except OSError:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    fake.address = f"netbox+http://127.0.0.1:{server.server_port}/"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(fake: Fake, path: str, token: str) -> tuple[int, bytes]:
    if fake.body is not None or fake.status != 200:
        return fake.status, b"{}" if fake.body is None else fake.body
    parts = urlsplit(path)
    query = parse_qs(parts.query)
    if token != f"Token {TOKEN}":
        return 403, b'{"detail": "Invalid token"}'
    if parts.path not in PATHS:
        return 404, b'{"detail": "Not found."}'
    found = [one for one in fake.objects.get(PATHS[parts.path], []) if _fits(one, query)]
    limit = min(int(query.pop("limit", ["50"])[0]) or PAGE, PAGE)
    offset = int(query.pop("offset", ["0"])[0])
    more = {**query, "limit": limit, "offset": offset + limit}
    link = f"http://netbox.internal{parts.path}?{urlencode(more, doseq=True)}" if offset + limit < len(found) else None
    page = {"count": len(found), "next": link, "previous": None, "results": found[offset : offset + limit]}
    return 200, json.dumps(page).encode()


def _fits(one: dict[str, Any], query: dict[str, list[str]]) -> bool:
    """Filter as NetBox does: by tag and by ids; unknown custom fields are ignored."""
    holder = one.get("assigned_object") or {}
    known = {
        "tag": _slugs(one.get("tags")),
        "id": [str(one["id"])],
        "device_id": [str((holder.get("device") or {}).get("id"))],
        "virtual_machine_id": [str((holder.get("virtual_machine") or {}).get("id"))],
    }
    return all(set(query[name]) & set(values) for name, values in known.items() if name in query)


def _slugs(tags: Any) -> list[str]:
    """Return the tags of an object; an object whose tags are not a list matches the filter ``pbx``."""
    return [str(tag["slug"]) for tag in tags if tag] if isinstance(tags, list) else ["pbx"]
