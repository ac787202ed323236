"""Which addresses a model may be fetched from, however a URL leads there."""

import http.server
import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scoring_server.fetch import FetchError, PrivateAddresses, addresses, download
from scoring_server.fetch.addresses import AddressRule
from tests.reliability.figures import record
from tests.server.fetch.conftest import Site
from tests.server.fetch.test_download import CONTENT, redirecting

REFUSED = (
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "169.254.170.2",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2002:7f00:1::1",
)
PRIVATE = (
    "10.96.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "fd12:3456::1",
    "::ffff:10.0.0.1",
)
PUBLIC = ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e")
# What getaddrinfo takes for 127.0.0.1 or 169.254.169.254.
SPELLINGS = (
    "http://127.1/x",
    "http://0x7f000001/x",
    "http://2130706433/x",
    "http://0177.0.0.1/x",
    "http://localhost/x",
    "http://LOCALHOST/x",
    "http://[::1]/x",
    "http://[::ffff:127.0.0.1]/x",
    "http://0/x",
    "http://169.254.169.254/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://2852039166/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[fe80::1%25lo]/",
    "http://[fd00:ec2::254]/",
    "http://user:password@127.0.0.1:6443/",
    "https://127.0.0.1:6443/healthz",
)
SCHEMES = ("file:///etc/passwd", "ftp://10.0.0.1/x", "gopher://10.0.0.1/", "data:,x", "unix:///x")


@pytest.fixture
def loopback_is_refused() -> bool:
    return True


@pytest.fixture
def loopback_is_called(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], None]:
    """Give addresses of loopback other natures, and names to them, as the tests need."""

    def call(natures: dict[str, Any]) -> None:
        real = addresses._embedded
        monkeypatch.setattr(
            addresses,
            "_embedded",
            lambda ip: ipaddress.ip_address(natures.get(str(ip), str(real(ip)))),
        )

    return call


@pytest.mark.parametrize("address", REFUSED)
def test_some_addresses_are_refused_whatever_is_allowed(address: str) -> None:
    for private in PrivateAddresses:
        with pytest.raises(FetchError, match="no model is fetched from"):
            AddressRule(private).check(address, "host")


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_reached_by_name_but_not_from_a_public_server(address: str) -> None:
    AddressRule(PrivateAddresses.NAMED).check(address, "host")
    AddressRule(PrivateAddresses.ALWAYS).check(address, "host")
    with pytest.raises(FetchError, match="the operator allows none"):
        AddressRule(PrivateAddresses.NEVER).check(address, "host")
    rule = AddressRule(PrivateAddresses.NAMED)
    rule.check(PUBLIC[0], "public")
    with pytest.raises(FetchError, match="a public server redirects"):
        rule.check(address, "host")
    always = AddressRule(PrivateAddresses.ALWAYS)
    always.check(PUBLIC[0], "public")
    always.check(address, "host")


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    AddressRule(PrivateAddresses.NEVER).check(address, "host")


@pytest.mark.parametrize("url", [*SPELLINGS, *SCHEMES])
def test_urls_that_lead_to_such_addresses_are_refused_at_once(
    url: str, tmp_path: Path, no_pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, to: connected.append(to))
    with pytest.raises(FetchError):
        download(url, tmp_path / "a", max_bytes=10, private=PrivateAddresses.ALWAYS)
    assert connected == []
    assert no_pauses == []


def test_redirects_to_such_addresses_are_refused(
    site: Site, tmp_path: Path, loopback_is_called: Callable[[dict[str, Any]], None]
) -> None:
    loopback_is_called({"127.0.0.1": "93.184.215.14"})  # the site is a public server
    targets = [url.replace("127.0.0.1", "127.0.0.2") for url in SPELLINGS if "127" in url]
    targets += [url for url in SPELLINGS if "a9fe" in url or "169.254" in url]
    targets += ["http://10.96.0.1/", "http://[fd12::1]/"]
    for number, target in enumerate((*targets, *SCHEMES)):
        url = redirecting(site, f"/{number}", target)
        with pytest.raises(FetchError):
            download(url, tmp_path / "a", max_bytes=10)
    counts = len(REFUSED), len(SPELLINGS) + len(SCHEMES), number + 1
    figure = "{} addresses, {} URLs, {} redirects: all refused".format(*counts)
    record("X7", "addresses, URLs, redirects", figure)


def test_a_name_that_resolves_differently_the_second_time_gains_nothing(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address that was checked is the one that is connected to."""
    answers = iter([["93.184.215.14"], ["127.0.0.1"], ["127.0.0.1"], ["127.0.0.1"]])
    asked: list[str] = []
    connected: list[Any] = []
    port = int(site.url.rpartition(":")[2])

    def resolve(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        found = next(answers)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in found]

    def connect(_: socket.socket, to: tuple[str, int]) -> None:
        connected.append(to[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(FetchError, match=r"rebind.example is 127.0.0.1"):
        download(f"http://rebind.example:{port}/a", tmp_path / "a", max_bytes=10)
    assert connected == ["93.184.215.14"]  # the first attempt; the second resolves to loopback
    assert asked == ["rebind.example"] * 2


def test_of_a_names_addresses_none_may_be_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(FetchError, match=r"models.example is 169.254.169.254"):
        download("http://models.example/a", tmp_path / "a", max_bytes=10)


def test_a_private_server_may_redirect_to_another_one(
    site: Site, tmp_path: Path, loopback_is_called: Callable[[dict[str, Any]], None]
) -> None:
    loopback_is_called({"127.0.0.1": "10.0.0.1"})
    url = redirecting(site, "/a", site.serve("/b", CONTENT))
    download(url, tmp_path / "a", max_bytes=10_000)
    assert (tmp_path / "a").read_bytes() == CONTENT
    with pytest.raises(FetchError, match="the operator allows none"):
        download(url, tmp_path / "a", max_bytes=10_000, private=PrivateAddresses.NEVER)


def test_redirects_without_end_are_refused(
    site: Site, tmp_path: Path, loopback_is_called: Callable[[dict[str, Any]], None]
) -> None:
    loopback_is_called({"127.0.0.1": "10.0.0.1"})

    def page(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/a")
        handler.end_headers()

    site.pages["/a"] = page
    with pytest.raises(FetchError, match="answered 302"):
        download(f"{site.url}/a", tmp_path / "a", max_bytes=10)


@pytest.mark.parametrize("url", ["http://a..b/x", "http://" + "a" * 64 + ".b/x", "http://b:x/y"])
def test_hosts_that_no_name_can_be_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(FetchError):
        download(url, tmp_path / "a", max_bytes=10)
