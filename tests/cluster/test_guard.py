"""Tests never run on a cluster that was not named for them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import build
from tests.cluster.errors import ClusterError
from tests.cluster.fixtures import require_named
from tests.cluster.paths import REPOSITORY

_KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: production
contexts:
- {name: production, context: {cluster: c, user: u}}
- {name: sandbox, context: {cluster: c, user: u}}
clusters:
- {name: c, cluster: {server: "https://127.0.0.1:1"}}
users:
- {name: u, user: {}}
"""

_TEST = """\
def test_which(users_cluster):
    print("context:", users_cluster and users_cluster.context)
    if users_cluster:
        print("current:", users_cluster.kubectl("config", "current-context"))
"""


@pytest.fixture
def kubectl_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """With kubectl to be found, as on the machine of someone who has a cluster."""
    monkeypatch.setenv("PATH", build.search_path(build.ensure(build.KUBERNETES)))


def test_a_cluster_that_was_not_named_is_refused() -> None:
    with pytest.raises(ClusterError, match="was not named"):
        require_named("production", None)
    with pytest.raises(ClusterError, match="was not named"):
        require_named("production", "")
    with pytest.raises(ClusterError, match="but 'sandbox' was named"):
        require_named("production", "sandbox")
    require_named("sandbox", "sandbox")


def test_the_users_kubeconfig_is_hidden_from_the_tests() -> None:
    assert os.environ["KUBECONFIG"] == os.devnull


def _run(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(_KUBECONFIG)
    (tmp_path / "test_which.py").write_text(_TEST)
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-s", "-p", "tests.cluster.fixtures"),
            *("-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path), *options),
        ],
        cwd=REPOSITORY,
        env={**os.environ, "KUBECONFIG": str(kubeconfig)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_name_the_users_cluster_is_not_used(tmp_path: Path) -> None:
    done = _run(tmp_path)
    assert "context: None" in done.stdout, done.stdout
    assert done.returncode == 0


@pytest.mark.api
def test_the_named_context_is_used_and_no_other(tmp_path: Path, kubectl_on_path: None) -> None:
    done = _run(tmp_path, "--kube-context", "sandbox")
    assert "context: sandbox\ncurrent: sandbox" in done.stdout, done.stdout
    assert done.returncode == 0


@pytest.mark.api
def test_a_name_that_does_not_exist_is_an_error(tmp_path: Path, kubectl_on_path: None) -> None:
    done = _run(tmp_path, "--kube-context", "elsewhere")
    assert "the context 'elsewhere' cannot be read" in done.stdout, done.stdout
    assert done.returncode != 0
