"""The command line: what it prints, its exit statuses, and its messages for wrong input."""

import os
from pathlib import Path

import pytest

from tests.cluster import cli, paths
from tests.cluster.state import ClusterState, Network, Request

_NAME = f"test-cli-{os.getpid()}"


@pytest.mark.parametrize("command", ["status", "kubeconfig", "env"])
def test_a_cluster_that_is_not_there_is_an_error_that_says_how_to_start_it(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([command, "--name", _NAME]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert f"python -m tests.cluster up --name {_NAME}" in output.err


def test_a_real_node_without_root_is_refused_with_what_works_instead(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert cli.main(["up", "--name", _NAME, "--nodes", "real"]) == 1
    message = capsys.readouterr().err
    assert "needs root" in message
    assert "--nodes fake or --nodes none" in message


@pytest.mark.parametrize("argument", ["NOVALUE", "=value"])
def test_a_build_argument_without_name_or_value_is_refused(
    argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--file", "Dockerfile", "--context", ".", "--tag", "x", "--build-arg", argument]
    assert cli.main(["build-image", *options]) == 1
    assert "--build-arg takes NAME=VALUE" in capsys.readouterr().err


def test_a_target_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["build", "minikube"]) == 1
    assert "no target minikube" in capsys.readouterr().err


def test_the_environment_keeps_the_clusters_addresses_from_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "internal.example")
    network = Network("10.200.0.0/20", "10.200.0.0/22", "10.200.8.0/21", "10.200.4.1", "10.200.4.2")
    state = ClusterState(Request("x", "real"), "v1.2.3", {}, network)
    variables = cli.environment(paths.ClusterPaths(tmp_path), state, [Path("/tools")])
    assert variables["NO_PROXY"] == "internal.example,10.200.0.0/20"
    assert variables["KUBECONFIG"] == str(tmp_path / "kubeconfig")
    assert variables["PATH"].startswith("/tools:")
