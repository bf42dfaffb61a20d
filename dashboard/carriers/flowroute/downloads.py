"""
Fetching an export's file: without the key, from the expected hosts only, whole or not at all.

Expected are the vendor's storage (``*.amazonaws.com`` over TLS) and, where the configured address is on
loopback, exactly that origin. A link is signed and opens the file to anybody for three days, so no
message holds one. The file has its own name only once it is whole and, where packed, unpacks.

Source: developer.flowroute.com/api/cdrexports/v2.0 (a pre-signed storage link, no API authentication).
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import mkstemp
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from dashboard.carriers.base import Stop
from dashboard.core.endpoints import origin_of
from dashboard.core.errors import CarrierAnswerError, CarrierRefusedError, StoreError
from dashboard.core.http import retries
from dashboard.core.http.session import HttpSession

STORAGE = ".amazonaws.com"
MAX_FILE_BYTES = 2 * 1024**3
"""About forty million calls, packed."""

MAX_PLAIN_BYTES = 32 * 1024**3
FILE_LIMIT_S = 3600.0
BLOCK_BYTES = 1024**2
GZIP = b"\x1f\x8b"


class Unsigned(AuthBase):
    """Signs nothing, and keeps the session and the environment from signing."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Take off whatever would authenticate."""
        request.headers.pop("Authorization", None)
        return request


def download(
    transport: HttpSession,
    link: str,
    stem: Path,
    *,
    what: str,
    progress: Callable[[float], None],
    stop: Stop,
    most: int = MAX_FILE_BYTES,
) -> Path | None:
    """
    Fetch a file; twice where the first copy does not unpack.

    Args:
        transport: Whose session is used, and whose origin is allowed on loopback.
        link: Signed address.
        stem: Path of the file without ``.csv`` or ``.csv.gz``; its folder exists.
        what: The file as messages name it.
        progress: Told how much is there, 0 to 1.
        stop: Asked between two pieces.
        most: Bytes beyond which it is an error.

    Returns:
        The file; ``None`` where ``stop`` said so.

    Raises:
        CarrierRefusedError: The storage declined: the link has expired.
        CarrierAnswerError: An unexpected host, too large, or not a whole file.
        CarrierUnavailableError: The storage cannot answer for now.
        StoreError: It cannot be written.
    """
    address = checked_link(transport, link, what)
    flaw = ""
    for _ in range(2):
        part = _part(stem)
        try:
            if not _fetched(transport, address, part, what=what, progress=progress, stop=stop, most=most):
                return None
            flaw = _flaw(part)
            if not flaw:
                whole = stem.with_name(stem.name + (".csv.gz" if _is_packed(part) else ".csv"))
                part.replace(whole)
                return whole
        except OSError as exc:
            raise StoreError(f"{stem.parent}: {what} cannot be written ({exc.strerror}).") from exc
        finally:
            part.unlink(missing_ok=True)
    raise CarrierAnswerError(f"The storage gave {what} twice and each time it {flaw}. Nothing was taken from it.")


def checked_link(transport: HttpSession, link: str, what: str) -> str:
    """
    Return a link as it will be sent, where it leads to an expected host.

    Raises:
        CarrierAnswerError: It does not; its host is named.
    """
    try:
        address = requests.Request("GET", link).prepare().url or ""
        origin = origin_of(address)
    except (ValueError, requests.RequestException):
        raise CarrierAnswerError(f"The carrier's link to {what} is not an address; nothing was fetched.") from None
    storage = origin.startswith("https://") and origin.endswith(STORAGE)
    if storage or (transport.on_loopback and origin == transport.origin):
        return address
    raise CarrierAnswerError(
        f"The carrier's link to {what} leads to {urlsplit(origin).hostname}, which is not its storage; nothing was "
        "fetched."
    )


def _fetched(
    transport: HttpSession,
    address: str,
    part: Path,
    *,
    what: str,
    progress: Callable[[float], None],
    stop: Stop,
    most: int,
) -> bool:
    """Write the file to ``part``; False where it was stopped."""
    host = urlsplit(address).hostname

    def once(_attempt: int) -> bool:
        size = 0
        with (
            retries.send(
                transport.session, "GET", address, what=what, auth=Unsigned(), headers={"Accept-Encoding": "identity"}
            ) as answer,
            part.open("wb") as file,
        ):
            if answer.status_code >= retries.CLIENT_ERROR:
                raise CarrierRefusedError(
                    f"The storage at {host} declined {what} ({answer.status_code}): its link has expired or is wrong."
                )
            length = answer.headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() else 0
            for piece in retries.pieces(answer, what, most=most, limit_s=FILE_LIMIT_S):
                file.write(piece)
                size += len(piece)
                progress(min(size / total, 1.0) if total else 0.5)
                if stop():
                    return False
        return True

    return retries.repeat(once, what=what, who=f"The storage at {host}", may_repeat=True, sleep=transport.sleep)


def _part(stem: Path) -> Path:
    try:
        handle, name = mkstemp(prefix=f".{stem.name}-", suffix=".part", dir=stem.parent)
    except OSError as exc:
        raise StoreError(f"{stem.parent}: no file can be made there ({exc.strerror}).") from exc
    os.close(handle)
    return Path(name)


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def _flaw(path: Path) -> str:
    """Say what is wrong with a file as such; ``""`` where nothing is."""
    with path.open("rb") as file:
        if file.read(BLOCK_BYTES).lstrip().startswith(b"<"):
            return "was a web page"
    if not _is_packed(path):
        return ""
    size = 0
    try:
        with gzip.open(path) as file:
            while block := file.read(BLOCK_BYTES):
                size += len(block)
                if size > MAX_PLAIN_BYTES:
                    return f"unpacked to more than {MAX_PLAIN_BYTES:,} bytes"
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return "was not a whole gzip file"
    return ""
