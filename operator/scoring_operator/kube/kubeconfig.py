"""Credentials from a kubeconfig.

Static entries (certificates, tokens) are read here; exec plugins and auth providers are left to
the `kubernetes` package's loader, imported only then: it costs 43 MB and half a second.
"""

from __future__ import annotations

import base64
import contextlib
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from scoring_operator.kube.credentials import CachedToken, Credentials, CredentialsError

DEFAULT_PATH = "~/.kube/config"
_DYNAMIC = ("exec", "auth-provider", "impersonate", "act-as", "as")


def from_kubeconfig(named: str | None, context: str | None) -> Credentials:
    """The context (default: the current one) of a kubeconfig.

    `named` is a path or, as $KUBECONFIG, several joined by colons. Raises CredentialsError.
    """
    paths = [Path(item).expanduser() for item in (named or DEFAULT_PATH).split(":") if item]
    found = [path for path in paths if path.is_file()]
    if not found:
        tried = ", ".join(str(path) for path in paths)
        raise CredentialsError(f"not in a pod, and no kubeconfig at {tried}")
    if len(found) > 1:
        return _dynamic(":".join(str(path) for path in found), context)
    return _single(found[0], context)


def _single(path: Path, context: str | None) -> Credentials:
    try:
        config = yaml.safe_load(path.read_text())
        current = context or config["current-context"]
        entry = _named(config["contexts"], current)["context"]
        cluster = _named(config["clusters"], entry["cluster"])["cluster"]
        user = _named(config["users"], entry["user"])["user"] or {}
        server = str(cluster["server"]).rstrip("/")
    except (KeyError, TypeError, yaml.YAMLError) as error:
        raise CredentialsError(f"{path} is not a usable kubeconfig: {error!r}") from error
    if any(key in user for key in _DYNAMIC):
        return _dynamic(str(path), current)
    return Credentials(
        server=server,
        tls=_tls(path.parent, cluster, user) if server.startswith("https") else None,
        authorization=_authorization(path.parent, user),
        namespace=entry.get("namespace") or "default",
        proxy=cluster.get("proxy-url") or None,
        server_hostname=cluster.get("tls-server-name") or None,
    )


def _named(items: list[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    for item in items or ():
        if item.get("name") == name:
            return item
    raise KeyError(name)


def _tls(folder: Path, cluster: Mapping[str, Any], user: Mapping[str, Any]) -> ssl.SSLContext:
    with contextlib.ExitStack() as stack:
        authority = stack.enter_context(_file(folder, cluster, "certificate-authority"))
        certificate = stack.enter_context(_file(folder, user, "client-certificate"))
        key = stack.enter_context(_file(folder, user, "client-key"))
        tls = ssl.create_default_context(cafile=authority)
        if cluster.get("insecure-skip-tls-verify"):
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        if certificate and key:
            tls.load_cert_chain(certificate, key)
        return tls


@contextlib.contextmanager
def _file(folder: Path, entry: Mapping[str, Any], field: str) -> Iterator[str | None]:
    """The path of a PEM file: as named, or written for the moment from `<field>-data`."""
    if entry.get(f"{field}-data"):
        with tempfile.NamedTemporaryFile(buffering=0) as file:  # ssl reads only from files
            file.write(base64.b64decode(entry[f"{field}-data"]))
            yield file.name
    else:
        yield str(folder / entry[field]) if entry.get(field) else None


def _authorization(folder: Path, user: Mapping[str, Any]) -> Any:
    if user.get("tokenFile"):
        return CachedToken((folder / user["tokenFile"]).read_text)
    if user.get("token"):
        return CachedToken(lambda: str(user["token"]))
    if user.get("username"):
        pair = f"{user['username']}:{user.get('password', '')}".encode()
        return lambda: f"Basic {base64.b64encode(pair).decode()}"
    return lambda: None


def _dynamic(path: str, context: str | None) -> Credentials:
    try:
        from kubernetes import client, config
    except ImportError:
        raise CredentialsError(
            f"{path}: its login (exec, OIDC) needs a package: pip install"
            " 'scoring-operator[kubeconfig]'"
        ) from None

    found: Any = client.Configuration()
    load: Any = config.load_kube_config  # the package has no type hints
    try:
        load(path, context=context, client_configuration=found)
    except config.ConfigException as error:
        raise CredentialsError(f"{path}: {error}") from error
    tls = None
    if found.host.startswith("https"):
        tls = ssl.create_default_context(cafile=found.ssl_ca_cert)
        if not found.verify_ssl:
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        if found.cert_file:
            tls.load_cert_chain(found.cert_file, found.key_file)
    return Credentials(
        server=found.host.rstrip("/"),
        tls=tls,
        # The loader's hook inside runs the exec plugin again when its token has expired.
        authorization=lambda: found.get_api_key_with_prefix("BearerToken", "authorization"),
        namespace=_dynamic_namespace(config, path, context),
        proxy=found.proxy,
        server_hostname=found.tls_server_name,
    )


def _dynamic_namespace(config: Any, path: str, context: str | None) -> str:
    every, active = config.list_kube_config_contexts(path)
    chosen = next((item for item in every if item["name"] == context), active)
    return str(chosen["context"].get("namespace") or "default")
