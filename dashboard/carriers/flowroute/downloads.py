"""
Atomic download of export files, without the API key and from the expected hosts only.

Expected are the vendor's storage (``*.amazonaws.com`` over TLS) and, if the configured address is on
loopback, exactly that origin. A link is signed and gives anyone access to the file for three days, so no
message contains one. The file gets its final name only once it is complete and, if compressed, decompresses.

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

from dashboard.core.endpoints import origin_of
from dashboard.core.errors import CarrierAnswerError, CarrierRefusedError, StoreError
from dashboard.core.http import exchange, retries
from dashboard.core.http.session import HttpSession
from dashboard.core.progress import Stop

STORAGE = ".amazonaws.com"
MAX_FILE_BYTES = 2 * 1024**3
"""About forty million calls, compressed."""

MAX_PLAIN_BYTES = 32 * 1024**3
FILE_LIMIT_S = 3600.0
BLOCK_BYTES = 1024**2
GZIP = b"\x1f\x8b"
LENGTH_DIGITS = 18
"""Maximum digits of a ``Content-Length`` that is used for the progress; Python converts no number of 5,000 digits."""


class Unsigned(AuthBase):
    """No authentication; prevents ``requests`` from using credentials of the session or the environment."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Remove the ``Authorization`` header."""
        request.headers.pop("Authorization", None)
        return request


def download(
    transport: HttpSession,
    link: str,
    stem: Path,
    *,
    label: str,
    progress: Callable[[float], None],
    stop: Stop,
    most: int = MAX_FILE_BYTES,
) -> Path | None:
    """
    Download a file; retry once if the first copy is damaged.

    Args:
        transport: HTTP session to use; its origin is allowed too if it is on loopback.
        link: Signed URL.
        stem: Path of the file without ``.csv`` or ``.csv.gz``; its folder exists.
        label: Name of the file in messages.
        progress: Callback for the fraction downloaded, 0 to 1.
        stop: Callback between two chunks; True ends the download.
        most: Maximum size in bytes.

    Returns:
        Path of the file; ``None`` if ``stop`` ended the download.

    Raises:
        CarrierRefusedError: The storage declined the request: the link has expired or is wrong.
        CarrierAnswerError: The host is unexpected, or the file is too large or damaged.
        CarrierUnavailableError: The storage is temporarily unavailable.
        StoreError: The file cannot be written.
    """
    address = checked_link(transport, link, label)
    flaw = ""
    for _ in range(2):
        part = _part(stem)
        try:
            if not _fetched(transport, address, part, label=label, progress=progress, stop=stop, most=most):
                return None
            flaw = _flaw(part)
            if not flaw:
                whole = stem.with_name(stem.name + (".csv.gz" if _is_packed(part) else ".csv"))
                part.replace(whole)
                return whole
        except OSError as exc:
            raise StoreError(f"{stem.parent}: {label} cannot be written ({exc.strerror}).") from exc
        finally:
            part.unlink(missing_ok=True)
    raise CarrierAnswerError(f"The storage gave {label} twice and each time it {flaw}. Nothing was taken from it.")


def checked_link(transport: HttpSession, link: str, label: str) -> str:
    """
    Return a link in the form in which it will be requested, after checking its host.

    Raises:
        CarrierAnswerError: The link is not a URL, or its host is unexpected; the message names the host.
    """
    try:
        address = requests.Request("GET", link).prepare().url or ""
        origin = origin_of(address)
    except (ValueError, requests.RequestException):
        raise CarrierAnswerError(f"The carrier's link to {label} is not an address; nothing was fetched.") from None
    storage = origin.startswith("https://") and origin.endswith(STORAGE)
    if storage or (transport.on_loopback and origin == transport.origin):
        return address
    raise CarrierAnswerError(
        f"The carrier's link to {label} leads to {urlsplit(origin).hostname}, which is not its storage; nothing was "
        "fetched."
    )


def _fetched(
    transport: HttpSession,
    address: str,
    part: Path,
    *,
    label: str,
    progress: Callable[[float], None],
    stop: Stop,
    most: int,
) -> bool:
    """Download the file to ``part``; return False if ``stop`` ended the download."""
    host = urlsplit(address).hostname

    def once(_attempt: int) -> bool:
        size = 0
        with (
            exchange.send(
                transport.session, "GET", address, auth=Unsigned(), headers={"Accept-Encoding": "identity"}
            ) as answer,
            part.open("wb") as file,
        ):
            if answer.status_code >= exchange.CLIENT_ERROR:
                raise CarrierRefusedError(
                    f"The storage at {host} declined {label} ({answer.status_code}): its link has expired or is wrong."
                )
            length = answer.headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() and len(length) <= LENGTH_DIGITS else 0
            for piece in exchange.pieces(answer, most=most, limit_s=FILE_LIMIT_S):
                file.write(piece)
                size += len(piece)
                progress(min(size / total, 1.0) if total else 0.5)
                if stop():
                    return False
        return True

    return retries.with_retries(once, what=label, who=f"The storage at {host}", may_repeat=True, sleep=transport.sleep)


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
    """Return why a downloaded file is unusable, as the end of a sentence; ``""`` if it is intact."""
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
