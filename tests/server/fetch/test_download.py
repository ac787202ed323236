import hashlib
import http.server
from pathlib import Path

import pytest

from scoring_server.fetch import FetchError, download
from tests.server.fetch.conftest import Site

CONTENT = b"model" * 1000


def failing_first(site: Site, path: str, failures: int, status: int = 503) -> str:
    good = site.serve(path, CONTENT)
    serve = site.pages[path]
    left = [failures]

    def page(handler: http.server.BaseHTTPRequestHandler) -> None:
        if left[0]:
            left[0] -= 1
            handler.send_error(status)
        else:
            serve(handler)

    site.pages[path] = page
    return good


def redirecting(site: Site, path: str, target: str) -> str:
    def page(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.end_headers()

    site.pages[path] = page
    return site.url + path


def test_a_file_arrives_with_its_hash(site: Site, tmp_path: Path) -> None:
    digest = download(site.serve("/a", CONTENT), tmp_path / "a", max_bytes=10_000)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert digest == hashlib.sha256(CONTENT).hexdigest()


def test_a_passing_failure_is_tried_again_with_longer_pauses(
    site: Site, tmp_path: Path, no_pauses: list[float]
) -> None:
    download(failing_first(site, "/a", failures=3), tmp_path / "a", max_bytes=10_000)
    assert no_pauses == [1, 2, 4]
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_a_lasting_failure_ends_after_four_attempts(site: Site, tmp_path: Path) -> None:
    url = failing_first(site, "/a", failures=9)
    with pytest.raises(FetchError, match="in 4 attempts: the server answered 503"):
        download(url, tmp_path / "a", max_bytes=10_000)
    assert len(site.asked) == 4


def test_a_missing_file_is_not_tried_again(site: Site, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="the server answered 404"):
        download(f"{site.url}/missing", tmp_path / "a", max_bytes=10)
    assert len(site.asked) == 1


def test_nobody_listening_is_tried_again(tmp_path: Path, no_pauses: list[float]) -> None:
    with pytest.raises(FetchError, match="Connection refused"):
        download("http://127.0.0.1:9/a", tmp_path / "a", max_bytes=10)
    assert len(no_pauses) == 3


def test_an_announced_size_above_the_limit_is_refused(site: Site, tmp_path: Path) -> None:
    url = site.serve("/a", b"", announced=10_001)
    with pytest.raises(FetchError, match="has 10001 bytes, more than 10000"):
        download(url, tmp_path / "a", max_bytes=10_000)


def test_an_unannounced_size_above_the_limit_is_refused(site: Site, tmp_path: Path) -> None:
    def page(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"x" * 2000)

    site.pages["/a"] = page
    with pytest.raises(FetchError, match="has more than 1000 bytes"):
        download(f"{site.url}/a", tmp_path / "a", max_bytes=1000)


def test_a_connection_that_breaks_off_is_tried_again(site: Site, tmp_path: Path) -> None:
    url = site.serve("/a", CONTENT, announced=len(CONTENT) + 1)
    with pytest.raises(FetchError, match="ended after 5000 of 5001 bytes"):
        download(url, tmp_path / "a", max_bytes=10_000)
    assert len(site.asked) == 4


def test_a_redirect_is_followed(site: Site, tmp_path: Path) -> None:
    url = redirecting(site, "/a", site.serve("/b", CONTENT))
    download(url, tmp_path / "a", max_bytes=10_000)
    assert (tmp_path / "a").read_bytes() == CONTENT


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x/"])
def test_a_redirect_to_another_scheme_is_refused(site: Site, tmp_path: Path, target: str) -> None:
    with pytest.raises(FetchError, match=r"only http and https|answered 302 Found$"):
        download(redirecting(site, "/a", target), tmp_path / "a", max_bytes=10_000)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "/etc/passwd", "http://", "http://[::1"],
)
def test_other_urls_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(FetchError):
        download(url, tmp_path / "a", max_bytes=10)
    assert not (tmp_path / "a").exists()


def test_what_may_be_secret_in_a_url_is_not_shown(site: Site, tmp_path: Path) -> None:
    url = f"{site.url.replace('//', '//user:canary@')}/missing?signature=canary"
    with pytest.raises(FetchError) as caught:
        download(url, tmp_path / "a", max_bytes=10)
    assert "canary" not in str(caught.value)
