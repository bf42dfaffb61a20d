"""Scripted carrier adapter: records every request and returns scripted replies."""

from __future__ import annotations

import json
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import MaxRetryError, NewConnectionError

ORIGIN = "https://api.flowroute.com"
ACCESS = "access-key-0100"
SECRET = "secret-key-0199"
BASIC = b64encode(f"{ACCESS}:{SECRET}".encode()).decode()
SIGNATURE = "signed-link-0142"
STORAGE = "https://s3.us-west-2.amazonaws.com/flowroute-cdrexports/0/2026/11/23"
LINK = f"{STORAGE}/17000.gz?X-Amz-Expires=259200&X-Amz-Signature={SIGNATURE}"
RECORDED = Path(__file__).parent / "recorded"


class Reply:
    """Reply of the carrier: status, headers and body."""

    def __init__(self, body: Any = b"", status: int = 200, **headers: str) -> None:
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers = {"Content-Type": "application/vnd.api+json", "Content-Length": str(len(self.body))}
        self.headers |= {name.replace("_", "-"): value for name, value in headers.items()}


class Script(BaseAdapter):
    """Adapter with replies by method and path; a list is consumed in order and its last reply repeats."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, Any] = {}
        self.sent: list[requests.PreparedRequest] = []
        self.options: list[dict[str, Any]] = []

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Record the request and reply; raise an exception from the script."""
        self.sent.append(request)
        self.options.append(options)
        path = f"{request.method} {str(request.url).removeprefix(ORIGIN).partition('?')[0]}"
        answer = self.answers.get(path, error(404, path))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        reply = answer(request) if callable(answer) else answer
        if isinstance(reply, Exception):
            raise reply
        raw = HTTPResponse(BytesIO(reply.body), headers=reply.headers, status=reply.status, preload_content=False)
        return HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        """Do nothing: the adapter holds no resources."""

    @property
    def lines(self) -> list[str]:
        """Requests as method and path with query."""
        return [f"{request.method} {str(request.url).removeprefix(ORIGIN)}" for request in self.sent]

    def bodies(self, method: str) -> list[Any]:
        """Return the bodies sent with a method."""
        return [json.loads(request.body or b"null") for request in self.sent if request.method == method]


class _Pool:
    host = "api.flowroute.com"
    port = 443


def error(status: int, detail: str = "", number: str = "7fc8c70a", **headers: str) -> Reply:
    """Return an error in the carrier's format."""
    return Reply({"errors": [{"id": number, "status": status, "title": "Error", "detail": detail}]}, status, **headers)


def listed(*items: Any, **links: Any) -> Reply:
    """Return one page of a list."""
    return Reply({"data": list(items), "links": links})


def recorded(name: str) -> Reply:
    """Return an answer in the form of the vendor's pages and SDK."""
    return Reply(json.loads((RECORDED / f"{name}.json").read_text()))


def never_connected() -> requests.ConnectionError:
    """Return the exception that requests raises if no server listens."""
    return requests.ConnectionError(MaxRetryError(_Pool(), "/", NewConnectionError(_Pool(), "refused")))
