"""Addresses of a cluster: one block of its own, divided without overlap."""

import itertools
from ipaddress import IPv4Address, IPv4Network

from tests.cluster import network
from tests.cluster.paths import ClusterPaths, cluster_paths


def test_the_parts_of_a_block_do_not_overlap() -> None:
    block = IPv4Network("10.200.16.0/20")
    parts = network.layout(block)
    services, pods = IPv4Network(parts.services), IPv4Network(parts.pods)
    host, node = IPv4Address(parts.host_address), IPv4Address(parts.node_address)
    assert services.subnet_of(block)
    assert pods.subnet_of(block)
    assert not services.overlaps(pods)
    for address in (host, node):
        assert address in block
        assert address not in services
        assert address not in pods
    assert node in IPv4Network(f"{host}/30", strict=False)
    assert pods.num_addresses >= 1024  # 110 pods, and those that are going


def test_a_block_that_the_machine_uses_is_passed_over() -> None:
    used = [IPv4Network("10.200.0.0/20"), IPv4Network("10.200.20.7/32")]
    first, second = itertools.islice(network.free_blocks(used), 2)
    assert (str(first), str(second)) == ("10.200.32.0/20", "10.200.48.0/20")


def test_another_range_serves_where_a_private_one_is_in_use_as_a_whole() -> None:
    virtual_private_network = [IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12")]
    first = next(network.free_blocks(virtual_private_network))
    assert first.subnet_of(IPv4Network("198.18.0.0/15"))


def test_nothing_is_offered_where_everything_is_in_use() -> None:
    assert list(network.free_blocks([IPv4Network("0.0.0.0/0")])) == []


def test_the_link_has_a_legal_name_that_is_the_clusters_alone() -> None:
    names = {network.link_name(cluster_paths(name)) for name in ("a", "b", "x" * 30)}
    elsewhere = network.link_name(ClusterPaths(cluster_paths("a").root / "elsewhere" / "a"))
    assert len({*names, elsewhere}) == 4
    assert all(len(name) <= 15 for name in names)
