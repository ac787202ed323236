"""Where a download may connect to: checked for the address itself, after names are resolved.

A check of the URL would be fooled by names that resolve to such addresses, by redirects, and by
names that resolve differently the second time. So the address that was checked is the one that is
connected to.
"""

import contextlib
import http.client
import ipaddress
import socket
import urllib.request
from enum import Enum
from typing import Any, Final

from scoring_server.fetch.errors import FetchError

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Metadata services of clouds that are not link-local: AWS (IPv6), Alibaba, Azure, Oracle.
_METADATA: Final = frozenset(
    map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"))
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_THIS_NETWORK: Final = ipaddress.IPv4Network("0.0.0.0/8")


class PrivateAddresses(Enum):
    """Whether addresses of private networks may be connected to, such as those of a cluster."""

    NEVER = "never"
    NAMED = "named"  # where the URL leads there, but not where a public server redirects there
    ALWAYS = "always"


class AddressRule:
    """What one download may connect to: its URL's host, then those that it is redirected to.

    Loopback, link-local addresses (with them most metadata services), other clouds' metadata
    services, multicast and what no host has are refused always.

    Args:
        private: whether private networks may be reached.
    """

    def __init__(self, private: PrivateAddresses) -> None:
        self._private = private
        self._was_public = False

    def check(self, address: str, host: str) -> None:
        """Refuse an address.

        Args:
            address: that a name resolved to.
            host: the name, for the message.

        Raises:
            FetchError: it may not be connected to.
        """
        ip = _embedded(ipaddress.ip_address(address.partition("%")[0]))
        if is_refused(ip):
            raise FetchError(f"{host} is {ip}, where no model is fetched from")
        if ip.is_global:
            self._was_public = True
        elif self._private is PrivateAddresses.NEVER:
            raise FetchError(f"{host} is {ip}, a private address: the operator allows none")
        elif self._private is PrivateAddresses.NAMED and self._was_public:
            raise FetchError(f"a public server redirects to {host}, {ip}, a private address")

    def check_host(self, host: str) -> None:
        """Refuse a host that is written as an address; names are checked where they are resolved.

        Raises:
            FetchError: it may not be connected to.
        """
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(host.partition("%")[0])
            self.check(host, host)

    def connect(
        self, address: tuple[str, int], timeout: float, source: tuple[str, int] | None = None
    ) -> socket.socket:
        """As socket.create_connection, to an address that was checked."""
        host, port = address
        problem: OSError | None = None
        for family, kind, protocol, _, found in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        ):
            self.check(str(found[0]), host)
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(timeout)
                if source:
                    connection.bind(source)
                connection.connect(found)
            except OSError as error:
                connection.close()
                problem = error
            else:
                return connection
        raise problem or OSError("the name has no address")


def is_refused(ip: IpAddress) -> bool:
    """Whether the address is one that no model may be fetched from, whatever is allowed."""
    return (
        ip.is_loopback
        or ip.is_link_local
        or ip.is_multicast
        or ip.is_unspecified
        or ip.is_reserved
        or ip in _METADATA
        or (isinstance(ip, ipaddress.IPv4Address) and ip in _THIS_NETWORK)
    )


def _embedded(ip: IpAddress) -> IpAddress:
    """The IPv4 address within an IPv6 one that stands for it."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None) or ip


def guarded_handlers(rule: AddressRule) -> list[urllib.request.BaseHandler]:
    """urllib's handlers of http and https that keep to the rule.

    Where a proxy is configured it is connected to wherever it is, and resolves names itself.
    """

    class Http(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(_guarded(http.client.HTTPConnection, rule, req), req)

    class Https(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(_guarded(http.client.HTTPSConnection, rule, req), req)

    return [Http(), Https()]


def _guarded(
    kind: type[http.client.HTTPConnection], rule: AddressRule, request: urllib.request.Request
) -> Any:
    """What urllib makes a connection with."""
    if request.has_proxy() or request._tunnel_host:  # type: ignore[attr-defined]  # urllib's own way to know
        return kind

    def make(host: str, **options: Any) -> http.client.HTTPConnection:
        connection = kind(host, **options)
        connection._create_connection = rule.connect  # type: ignore[attr-defined]  # the seam that http.client has
        return connection

    return make
