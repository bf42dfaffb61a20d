"""Download of export files: permitted hosts, and completeness."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from dashboard.carriers.flowroute.downloads import checked_link, download
from dashboard.core.errors import CarrierAnswerError, CarrierRefusedError, CarrierUnavailableError, StoreError
from dashboard.core.http.session import HttpSession
from tests.carriers.scripted import ACCESS, LINK, SECRET, SIGNATURE, Reply, Script, never_connected
from tests.texts import golden

Fails = Callable[[type[Exception], Callable[[], Any]], str]
STORED = f"GET {LINK.partition('?')[0]}"
PACKED = gzip.compress(b"".join(b"Outbound,%d\n" % (n * 7919 % 100_003) for n in range(5000)), mtime=0)


@pytest.fixture
def fetch(transport: HttpSession, tmp_path: Path) -> Callable[..., Path | None]:
    """Return a function that downloads a link into a folder."""
    folder = tmp_path / "exports"
    folder.mkdir()

    def run(link: str = LINK, **options: Any) -> Path | None:
        given = {"progress": lambda _: None, "stop": lambda: False, **options}
        return download(transport, link, folder / "calls", label="the file of export 17", **given)

    return run


def left(tmp_path: Path) -> list[str]:
    """Return the names of files in the folder."""
    return [path.name for path in (tmp_path / "exports").iterdir()]


def test_a_file_is_fetched_without_the_key(fetch: Callable[..., Path | None], script: Script, tmp_path: Path) -> None:
    """The link is signed, so the API key is not sent to the storage."""
    script.answers[STORED] = Reply(PACKED)

    assert PACKED == (fetch() or Path()).read_bytes()
    assert ["calls.csv.gz"] == left(tmp_path)
    assert "Authorization" not in script.sent[0].headers
    assert [(5.0, 30.0)] == [options["timeout"] for options in script.options]


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/17000.gz",
        "https://evilamazonaws.com/17000.gz",
        "https://amazonaws.com/17000.gz",
        "https://s3.amazonaws.com.evil.example/17000.gz",
        "http://s3.us-west-2.amazonaws.com/17000.gz",
        "https://s3.us-west-2.amazonaws.com:8443/17000.gz",
        "https://someone@s3.us-west-2.amazonaws.com/17000.gz",
        "https://evil.example\\@s3.us-west-2.amazonaws.com/17000.gz",
        "https://evil.example#.amazonaws.com",
        "https://evil.example?.amazonaws.com",
        "https://s3.us-west-2.amazonaws.com./17000.gz",
        "https://api.flowroute.com/v2/cdrs/exports/17",
        "http://127.0.0.1:8080/17000.gz",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "//s3.amazonaws.com/x",
        "",
        "https://",
        "https://[::1",
    ],
)
def test_only_the_carriers_storage_is_asked(
    link: str, fetch: Callable[..., Path | None], script: Script, fails: Fails
) -> None:
    """Any other host is named in an error and receives no request."""
    said = fails(CarrierAnswerError, lambda: fetch(f"{link}&X-Amz-Signature={SIGNATURE}" if "?" in link else link))

    assert "export 17" in said
    assert [] == script.sent


@pytest.mark.parametrize(
    ("link", "fine"),
    [
        ("http://127.0.0.1:8080/files/17.gz", True),
        ("http://127.0.0.1:8081/files/17.gz", False),
        ("https://127.0.0.1:8080/files/17.gz", False),
        ("http://localhost:8080/files/17.gz", False),
        ("https://s3.us-west-2.amazonaws.com/files/17.gz", True),
    ],
)
def test_an_emulator_is_asked_at_its_exact_origin(
    link: str, fine: bool, session: requests.Session, fails: Fails
) -> None:
    """For a configured address on loopback, scheme, host and port must match exactly."""
    local = HttpSession("http://127.0.0.1:8080", ACCESS, SECRET, session=session)

    if fine:
        assert link == checked_link(local, link, "the file")
    else:
        fails(CarrierAnswerError, lambda: checked_link(local, link, "the file"))


def test_a_redirect_of_the_storage_is_not_followed(
    fetch: Callable[..., Path | None], script: Script, fails: Fails, tmp_path: Path
) -> None:
    """A redirect of the storage is an error."""
    script.answers[STORED] = Reply(b"", 307, Location="https://evil.example/17000.gz")

    fails(CarrierAnswerError, fetch)

    assert len(script.sent) == 1
    assert [] == left(tmp_path)


@pytest.mark.parametrize(
    "bad",
    [PACKED[:-20], PACKED[:200] + b"\0" * 40 + PACKED[240:], PACKED + b"garbage"],
    ids=["cut", "damaged", "more behind it"],
)
def test_corrupt_file_is_downloaded_again_once(
    bad: bytes, fetch: Callable[..., Path | None], script: Script, fails: Fails, tmp_path: Path
) -> None:
    """
    A corrupt file is downloaded again once and then gives an error.

    An export replaces its whole window, so a partial file would lose calls.
    """
    script.answers[STORED] = [Reply(bad), Reply(PACKED), Reply(bad)]

    assert PACKED == (fetch() or Path()).read_bytes()
    said = fails(CarrierAnswerError, fetch)

    assert golden("errors.downloads.not_a_gzip_file") in said
    assert ["calls.csv.gz"] == left(tmp_path)


def test_a_web_page_is_no_file(fetch: Callable[..., Path | None], script: Script, fails: Fails) -> None:
    """A proxy's HTML page with status 200 is not an empty export."""
    script.answers[STORED] = Reply(b"\n<html>sign in</html>", Content_Type="text/html")

    assert "web page" in fails(CarrierAnswerError, fetch)


def test_a_file_that_is_cut_is_fetched_again(fetch: Callable[..., Path | None], script: Script) -> None:
    """A truncated download is repeated from the beginning, because reading changes nothing at the storage."""
    cut = Reply(PACKED[:5000], Content_Length=str(len(PACKED)))
    script.answers[STORED] = [cut, Reply(b"", 503), never_connected(), Reply(PACKED)]

    assert PACKED == (fetch() or Path()).read_bytes()


def test_a_file_has_a_limit(fetch: Callable[..., Path | None], script: Script, fails: Fails, tmp_path: Path) -> None:
    """The size limit counts received bytes whatever the announced length, and no file remains."""
    script.answers[STORED] = Reply(PACKED)

    assert "larger than 100 bytes" in fails(CarrierAnswerError, lambda: fetch(most=100))
    assert [] == left(tmp_path)


def test_a_storage_that_is_away_is_named(
    fetch: Callable[..., Path | None], script: Script, fails: Fails, tmp_path: Path
) -> None:
    """The error names the host, never the signed link."""
    script.answers[STORED] = requests.ConnectionError(LINK)

    assert "s3.us-west-2.amazonaws.com" in fails(CarrierUnavailableError, fetch)
    assert [] == left(tmp_path)


def test_a_link_that_was_refused_says_so(fetch: Callable[..., Path | None], script: Script, fails: Fails) -> None:
    """The storage answers 403 for an expired link."""
    script.answers[STORED] = Reply(b"<Error><Code>AccessDenied</Code></Error>", 403)

    assert golden("errors.downloads.has_expired") in fails(CarrierRefusedError, fetch)


def test_missing_folder_is_an_error(transport: HttpSession, tmp_path: Path, script: Script, fails: Fails) -> None:
    """A missing folder gives a message that names it, and nothing is downloaded."""
    stem = tmp_path / "gone" / "calls"

    said = fails(
        StoreError,
        lambda: download(transport, LINK, stem, label="x", progress=lambda _: None, stop=lambda: False),
    )

    assert "gone" in said
    assert [] == script.sent


def test_progress_is_of_the_promised_length(fetch: Callable[..., Path | None], script: Script) -> None:
    """Progress never exceeds 1, and does not advance without an announced length."""
    told: list[float] = []
    script.answers[STORED] = [Reply(PACKED), Reply(PACKED, Content_Length="")]

    fetch(progress=told.append)
    fetch(progress=told.append)

    assert [1.0, 0.5] == told
