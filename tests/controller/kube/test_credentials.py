"""Credentials from a pod's ServiceAccount and from kubeconfigs."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from scoring_operator.kube import load_credentials
from scoring_operator.kube.credentials import CachedToken, CredentialsError, in_cluster
from scoring_operator.kube.kubeconfig import from_kubeconfig


def kubeconfig(folder: Path, user: dict[str, Any], **cluster: Any) -> str:
    """A kubeconfig with two contexts, of which `dev` is the current one."""
    config = {
        "current-context": "dev",
        "contexts": [
            {"name": "dev", "context": {"cluster": "c", "user": "u", "namespace": "ml"}},
            {"name": "prod", "context": {"cluster": "d", "user": "u"}},
        ],
        "clusters": [
            {"name": "c", "cluster": {"server": "http://dev:8080/", **cluster}},
            {"name": "d", "cluster": {"server": "http://prod:8080"}},
        ],
        "users": [{"name": "u", "user": user}],
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(config))
    return str(path)


def test_the_current_context_is_taken_unless_another_is_named(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, {"token": "t0k"})
    found = from_kubeconfig(path, None)
    assert (found.server, found.namespace) == ("http://dev:8080", "ml")
    assert found.authorization() == "Bearer t0k"
    assert from_kubeconfig(path, "prod").server == "http://prod:8080"


def test_a_token_file_is_relative_to_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    found = from_kubeconfig(kubeconfig(tmp_path, {"tokenFile": "token"}), None)
    assert found.authorization() == "Bearer from-file"


def test_a_password_is_sent_as_basic_authentication(tmp_path: Path) -> None:
    found = from_kubeconfig(kubeconfig(tmp_path, {"username": "me", "password": "pw"}), None)
    assert found.authorization() == "Basic bWU6cHc="


def test_without_credentials_nothing_is_sent(tmp_path: Path) -> None:
    assert from_kubeconfig(kubeconfig(tmp_path, {}), None).authorization() is None


def test_an_exec_plugin_is_run_by_the_official_loader(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    credential = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",'
    plugin.write_text(f'#!/bin/sh\necho \'{credential}"status":{{"token":"dynamic"}}}}\'\n')
    plugin.chmod(0o755)
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(plugin),
            "interactiveMode": "Never",
        }
    }
    found = from_kubeconfig(kubeconfig(tmp_path, user), None)
    assert found.authorization() == "Bearer dynamic"
    assert (found.server, found.namespace) == ("http://dev:8080", "ml")


@pytest.mark.parametrize("text", ["", "current-context: nowhere", "{[", "- a\n- b"])
def test_a_broken_kubeconfig_is_an_error_that_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(CredentialsError, match=str(path)):
        from_kubeconfig(str(path), None)


def test_where_there_is_nothing_the_error_says_what_was_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(CredentialsError, match="none"):
        load_credentials()


def test_outside_of_a_pod_there_is_no_service_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(CredentialsError, match="not in a pod"):
        in_cluster(tmp_path)


def test_a_rotated_token_is_read_again_within_a_minute() -> None:
    now, token = 0.0, "first"
    cached = CachedToken(lambda: token, clock=lambda: now)
    assert cached() == "Bearer first"
    token = "second"
    now = 59.0
    assert cached() == "Bearer first"
    now = 60.0
    assert cached() == "Bearer second"
