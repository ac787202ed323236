"""pytest plugin: clusters for tests, one of each kind for a session, and the guard around them.

Tests run on clusters that the session itself starts. They run on a cluster of the user's only when
its context is named: ``pytest --kube-context NAME`` (in ``$KUBECONFIG`` or ``~/.kube/config``).
"""

import contextlib
import dataclasses
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tests.cluster import build, lifecycle, node
from tests.cluster.errors import ClusterError
from tests.cluster.paths import cluster_paths
from tests.cluster.state import Nodes, Request

_OPTION = "--kube-context"
_NODE_TESTS = "tests/node/"
# Of each property; some have more, few a number of their own.
_LONG_EXAMPLES = 2_000
_USERS_KUBECONFIG = pytest.StashKey[str | None]()


@dataclasses.dataclass(frozen=True)
class Cluster:
    """A cluster that tests may use, and change as they like."""

    name: str
    context: str
    kubeconfig: Path
    kubectl_command: str
    audit_log: Path | None = None
    host_address: str | None = None

    @property
    def is_embedded(self) -> bool:
        """Say whether the session started it; else it is a cluster of the user's."""
        return self.audit_log is not None

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 120.0) -> str:
        """Run kubectl on this cluster and return what it prints.

        Raises ``subprocess.CalledProcessError``, whose ``stderr`` has kubectl's message, or
        ``subprocess.TimeoutExpired`` after ``timeout`` seconds.
        """
        return subprocess.run(
            [self.kubectl_command, "--kubeconfig", str(self.kubeconfig), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=True,
            timeout=timeout,
        ).stdout


def require_named(context: str, named: str | None) -> None:
    """Refuse the cluster ``context`` unless exactly it was named for the tests."""
    if not named:
        raise ClusterError(
            f"tests would run on the cluster {context!r}, which was not named for them; "
            f"name it ({_OPTION} {context}) if they may create and delete anything there"
        )
    if context != named:
        raise ClusterError(f"tests would run on the cluster {context!r}, but {named!r} was named")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names a cluster of the user's."""
    parser.addoption(
        _OPTION,
        metavar="NAME",
        help="run the cluster tests on this context of your kubeconfig, not on an embedded "
        "cluster; they create and delete namespaces, CRDs and cluster roles there",
    )
    parser.addoption("--long", action="store_true", help="run whole plans instead of samples")


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Whether to run whole plans: `make test-long`."""
    return bool(request.config.getoption("--long"))


def pytest_configure(config: pytest.Config) -> None:
    """Hide the user's kubeconfig from every test, so that none reaches a cluster by accident.

    With --long hypothesis looks for longer.
    """
    if config.getoption("--long"):
        settings.register_profile("long", max_examples=_LONG_EXAMPLES, deadline=None)
        settings.load_profile("long")
    config.stash[_USERS_KUBECONFIG] = os.environ.get("KUBECONFIG")
    os.environ["KUBECONFIG"] = os.devnull


class _FilesTogether(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Each file's tests run in one process, and all those that need the real node in another.

    They share clusters and images.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return _NODE_TESTS if file.startswith(_NODE_TESTS) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Tell pytest-xdist how to share out the tests."""
    return _FilesTogether(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the real node come first: they take the longest."""
    items.sort(key=lambda item: not item.nodeid.startswith(_NODE_TESTS))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give the environment back as it was."""
    original = config.stash.get(_USERS_KUBECONFIG, None)
    if original is None:
        os.environ.pop("KUBECONFIG", None)
    else:
        os.environ["KUBECONFIG"] = original


@pytest.fixture(scope="session")
def kube_context(request: pytest.FixtureRequest) -> str | None:
    """The context that the user named, or None."""
    named: str | None = request.config.getoption(_OPTION)
    return named


@pytest.fixture(scope="session")
def users_cluster(
    request: pytest.FixtureRequest,
    kube_context: str | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Cluster | None:
    """The cluster that the user named, or None where the tests start their own."""
    if kube_context is None:
        return None
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise ClusterError(f"{_OPTION} needs kubectl on PATH")
    environment = dict(os.environ)
    del environment["KUBECONFIG"]
    if original := request.config.stash[_USERS_KUBECONFIG]:
        environment["KUBECONFIG"] = original
    view = [kubectl, "config", "view", "--minify", "--flatten", f"--context={kube_context}"]
    done = subprocess.run(view, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ClusterError(f"the context {kube_context!r} cannot be read: {done.stderr.strip()}")
    # A kubeconfig with that context alone: nothing in the tests can reach another cluster.
    kubeconfig = tmp_path_factory.mktemp("kube") / "config"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(done.stdout)
    cluster = Cluster(kube_context, kube_context, kubeconfig, kubectl)
    require_named(cluster.kubectl("config", "current-context").strip(), kube_context)
    return cluster


@contextlib.contextmanager
def embedded_cluster(
    label: str,
    nodes: Nodes,
    fake_nodes: int = 0,
    gpus_per_node: int = 0,
    *,
    brisk: bool = True,
) -> Iterator[Cluster]:
    """Run a cluster that is this process's alone; it ends with the block, or the process."""
    lifecycle.remove_abandoned()
    name = f"test-{label}-{os.getpid()}"
    owned, owner = os.pipe()  # the supervisor sees the end of this process by its end of the pipe
    try:
        request = Request(name, nodes, fake_nodes, gpus_per_node, brisk)
        state = lifecycle.up(request, owner=owned)
        paths = cluster_paths(name)
        yield Cluster(
            name=name,
            context=state.context,
            kubeconfig=paths.kubeconfig,
            kubectl_command=str(build.ensure(build.KUBERNETES) / "kubectl"),
            audit_log=paths.audit_log,
            host_address=state.network.host_address if state.network else None,
        )
    finally:
        lifecycle.down(name)
        os.close(owned)
        os.close(owner)


@pytest.fixture(scope="session")
def api_cluster(users_cluster: Cluster | None) -> Iterator[Cluster]:
    """A control plane without nodes: pods stay Pending."""
    if users_cluster is not None:
        yield users_cluster
        return
    with embedded_cluster("api", "none") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def fake_cluster(users_cluster: Cluster | None) -> Iterator[Cluster]:
    """Two simulated nodes with two GPUs each: pods become Running and Ready without a process."""
    if users_cluster is not None:
        pytest.skip(f"needs simulated nodes, which {users_cluster.context} has not")
    with embedded_cluster("fake", "fake", fake_nodes=2, gpus_per_node=2) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def node_cluster(users_cluster: Cluster | None) -> Iterator[Cluster]:
    """A cluster that runs pods: one real node."""
    if users_cluster is not None:
        yield users_cluster
        return
    if reason := node.why_not_here():
        pytest.skip(f"no real node here: {reason}")
    with embedded_cluster("node", "real") as cluster:
        yield cluster
