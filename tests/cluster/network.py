"""The network of a cluster with a real node.

The whole cluster (control plane, kubelet, kube-proxy, pods) lives in one network namespace of its
own, joined to the machine by one pair of virtual links, and the machine has one route to it:

    machine  scXXXXXXXX 10.200.4.1 ──── 10.200.4.2 eth0  namespace: API server, pods, Services

So tests and kubectl on the machine reach the API server, the pods and the Services' cluster
addresses directly; two clusters cannot collide, as each has its own ports and its own iptables
(kube-proxy's chains have fixed names); and nothing is left behind, as the kernel removes namespace,
links, route and rules with the namespace's last process. The machine's own firewall and forwarding
stay as they are, so pods reach the machine and one another, not the Internet.
"""

import ipaddress
import json
import subprocess
from collections.abc import Iterable, Iterator

from tests.cluster.errors import ClusterError
from tests.cluster.paths import ClusterPaths
from tests.cluster.state import Network

_BLOCK_PREFIX = 20
# Private ranges, tried in this order; the last is for benchmarks (RFC 2544) and used nowhere else.
_RANGES = ("10.200.0.0/14", "172.28.0.0/14", "198.18.0.0/15")


def layout(block: ipaddress.IPv4Network) -> Network:
    """Divide a /20 block: Services, then the link to the machine, then the pods."""
    services, link, _, _ = block.subnets(new_prefix=22)
    _, pods = block.subnets(new_prefix=21)
    return Network(
        block=str(block),
        services=str(services),
        pods=str(pods),
        host_address=str(link[1]),
        node_address=str(link[2]),
    )


def free_blocks(used: Iterable[ipaddress.IPv4Network]) -> Iterator[ipaddress.IPv4Network]:
    """Yield the blocks that overlap none of the networks in use."""
    in_use = list(used)
    for candidates in map(ipaddress.IPv4Network, _RANGES):
        for block in candidates.subnets(new_prefix=_BLOCK_PREFIX):
            if not any(block.overlaps(network) for network in in_use):
                yield block


def used_networks() -> list[ipaddress.IPv4Network]:
    """Return the networks that the machine has routes for, the default route aside."""
    routes = json.loads(_ip("-json", "-4", "route", "show", "table", "all") or "[]")
    destinations = {route["dst"] for route in routes} - {"default", "0.0.0.0/0"}
    return [ipaddress.IPv4Network(text, strict=False) for text in sorted(destinations)]


def link_name(paths: ClusterPaths) -> str:
    """Return the name of the machine's end of the pair (at most 15 characters)."""
    return f"sc{paths.identity}"


def connect(paths: ClusterPaths, pid: int) -> Network:
    """Join the network namespace of the process ``pid`` to the machine; return its addresses."""
    link = link_name(paths)
    peer = ("type", "veth", "peer", "name", "eth0", "netns", str(pid))
    _ip("link", "add", link, *peer)
    _ip("link", "set", link, "up")
    inside = ("nsenter", "--target", str(pid), "--net")
    _run(*inside, "ip", "link", "set", "lo", "up")
    _run(*inside, "ip", "link", "set", "eth0", "up")
    network = _claim_block(link)
    _run(*inside, "ip", "addr", "add", f"{network.node_address}/30", "dev", "eth0")
    _run(*inside, "ip", "route", "add", "default", "via", network.host_address)
    return network


def _claim_block(link: str) -> Network:
    for block in free_blocks(used_networks()):
        network = layout(block)
        _ip("addr", "add", f"{network.host_address}/30", "dev", link)
        # Adding a route that exists fails: so one of two that start at once gets the block.
        added = subprocess.run(
            ["ip", "route", "add", str(block), "via", network.node_address, "dev", link],
            capture_output=True,
            check=False,
        )
        if added.returncode == 0:
            return network
        _ip("addr", "flush", "dev", link)
    raise ClusterError(f"every block of addresses in {', '.join(_RANGES)} is in use")


def disconnect(paths: ClusterPaths) -> None:
    """Remove the pair of links, where the kernel has not yet; address and route go with it."""
    subprocess.run(["ip", "link", "delete", link_name(paths)], capture_output=True, check=False)


def is_connected(paths: ClusterPaths) -> bool:
    """Say whether the machine's end of the pair exists."""
    shown = subprocess.run(
        ["ip", "link", "show", link_name(paths)], capture_output=True, check=False
    )
    return shown.returncode == 0


def _ip(*arguments: str) -> str:
    return _run("ip", *arguments)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ClusterError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout
