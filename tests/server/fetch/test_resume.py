"""Downloads that break off are resumed where the server can, and begun anew where not."""

import hashlib
import http.server
from pathlib import Path

import pytest

from scoring_server.fetch import FetchError, download
from tests.server.fetch.conftest import Site

CONTENT = bytes(range(256)) * 400
HASH = hashlib.sha256(CONTENT).hexdigest()


class Breaking:
    """A page that breaks off twice and then serves what is asked for.

    Args:
        etag: that it sends; it changes after the first break where `changes`.
        ranges: whether it serves parts.
    """

    def __init__(
        self, etag: str | None, *, ranges: bool = True, changes: bool = False, wrong: bool = False
    ) -> None:
        self.etag = etag
        self.ranges = ranges
        self.changes = changes
        self.wrong = wrong
        self.asked: list[str | None] = []

    def __call__(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range")
        self.asked.append(asked)
        etag = self.etag
        if self.changes and len(self.asked) > 1:
            etag = '"another"'
        first = 0
        if self.ranges and asked and handler.headers.get("If-Range") == etag:
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
        handler.send_response(206 if first else 200)
        if first:
            told = first + 1 if self.wrong else first
            handler.send_header("Content-Range", f"bytes {told}-{len(CONTENT) - 1}/{len(CONTENT)}")
        if etag:
            handler.send_header("ETag", etag)
        handler.send_header("Content-Length", str(len(CONTENT) - first))
        handler.end_headers()
        last = len(self.asked) * 30_000 if len(self.asked) < 3 else len(CONTENT)
        handler.wfile.write(CONTENT[first:last])


def fetched(site: Site, page: Breaking, path: Path) -> str:
    site.pages["/a"] = page
    digest = download(f"{site.url}/a", path, max_bytes=len(CONTENT))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    return digest


def test_the_rest_is_asked_for(site: Site, tmp_path: Path) -> None:
    page = Breaking('"one"')
    assert fetched(site, page, tmp_path / "a") == HASH
    assert page.asked == [None, "bytes=30000-", "bytes=60000-"]


@pytest.mark.parametrize("etag", [None, 'W/"one"'])
def test_without_a_strong_validator_it_begins_anew(
    site: Site, tmp_path: Path, etag: str | None
) -> None:
    page = Breaking(etag)
    assert fetched(site, page, tmp_path / "a") == HASH
    assert page.asked == [None, None, None]


def test_a_server_without_ranges_sends_the_whole(site: Site, tmp_path: Path) -> None:
    page = Breaking('"one"', ranges=False)
    assert fetched(site, page, tmp_path / "a") == HASH
    assert page.asked == [None, "bytes=30000-", "bytes=60000-"]


def test_a_file_that_changed_meanwhile_is_not_mixed_with_the_old(
    site: Site, tmp_path: Path
) -> None:
    page = Breaking('"one"', changes=True)
    assert fetched(site, page, tmp_path / "a") == HASH
    assert page.asked == [None, "bytes=30000-", "bytes=60000-"]


def test_another_part_than_was_asked_for_is_not_taken(site: Site, tmp_path: Path) -> None:
    assert fetched(site, Breaking('"one"', wrong=True), tmp_path / "a") == HASH


def test_the_whole_has_a_limit_too(site: Site, tmp_path: Path) -> None:
    site.pages["/a"] = Breaking('"one"')
    with pytest.raises(FetchError, match="has 102400 bytes, more than 100000"):
        download(f"{site.url}/a", tmp_path / "a", max_bytes=100_000)


def test_a_download_that_takes_too_long_is_given_up(site: Site, tmp_path: Path) -> None:
    url = site.serve("/a", CONTENT)
    with pytest.raises(FetchError, match="takes too long"):
        download(url, tmp_path / "a", max_bytes=len(CONTENT), max_seconds=0)
