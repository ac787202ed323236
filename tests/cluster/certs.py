"""Keys, certificates and kubeconfigs, made with the ``openssl`` command."""

import base64
import json
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.errors import ClusterError

_DAYS = "3650"

# Python 3.13 verifies strictly by default: without key identifiers and usages it refuses a chain.
_AUTHORITY_EXTENSIONS = """\
basicConstraints=critical,CA:TRUE
keyUsage=critical,digitalSignature,keyCertSign,cRLSign
subjectKeyIdentifier=hash
"""
_LEAF_EXTENSIONS = """\
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth,clientAuth
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


def _openssl(*arguments: object) -> None:
    if shutil.which("openssl") is None:
        raise ClusterError("the openssl command is missing; install the package openssl")
    done = subprocess.run(
        ["openssl", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ClusterError(f"openssl {arguments[0]} failed:\n{done.stderr.strip()}")


def subject(common_name: str, organizations: Sequence[str]) -> str:
    """Return the distinguished name in which Kubernetes reads a user (CN) and groups (O)."""
    return "".join(f"/O={group}" for group in organizations) + f"/CN={common_name}"


def alternative_names(hosts: Sequence[str], addresses: Sequence[str]) -> str:
    """Return the certificate extension that names a server's hosts and IP addresses."""
    names = [f"DNS:{host}" for host in hosts] + [f"IP:{address}" for address in addresses]
    return f"subjectAltName={','.join(names)}\n" if names else ""


def _sign(
    folder: Path, name: str, distinguished_name: str, extensions: str, signer: Sequence[str]
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        request, extension_file = Path(scratch, "csr"), Path(scratch, "ext")
        extension_file.write_text(extensions)
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        key = folder / f"{name}.key"
        _openssl(
            "req", "-new", *curve, "-keyout", key, "-subj", distinguished_name, "-out", request
        )
        key.chmod(0o600)
        serial = f"0x{secrets.token_hex(16)}"
        signing = signer or ("-signkey", str(key))
        _openssl(
            *("x509", "-req", "-sha256", "-in", request, "-extfile", extension_file),
            *("-days", _DAYS, "-set_serial", serial, *signing, "-out", folder / f"{name}.crt"),
        )


class Authority:
    """A certificate authority in a folder: ``NAME.crt`` and ``NAME.key``."""

    def __init__(self, folder: Path, name: str) -> None:
        """Make the authority's key and its own certificate."""
        self._folder = folder
        self.certificate = folder / f"{name}.crt"
        self.key = folder / f"{name}.key"
        _sign(folder, name, f"/CN={name}", _AUTHORITY_EXTENSIONS, ())

    def issue(
        self,
        name: str,
        common_name: str,
        organizations: Sequence[str] = (),
        hosts: Sequence[str] = (),
        addresses: Sequence[str] = (),
    ) -> None:
        """Write ``name.crt`` and ``name.key`` for a client or server."""
        extensions = _LEAF_EXTENSIONS + alternative_names(hosts, addresses)
        signer = ("-CA", str(self.certificate), "-CAkey", str(self.key))
        _sign(self._folder, name, subject(common_name, organizations), extensions, signer)


def signing_key(folder: Path, name: str) -> None:
    """Write ``name.key`` and ``name.pub``, which sign and check service-account tokens."""
    key = folder / f"{name}.key"
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    key.chmod(0o600)
    _openssl("pkey", "-in", key, "-pubout", "-out", folder / f"{name}.pub")


def _embedded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def write_kubeconfig(path: Path, context: str, server: str, folder: Path, client: str) -> None:
    """Write a kubeconfig (JSON, which is YAML) for the certificate ``client`` in ``folder``."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        "clusters": [
            {
                "name": context,
                "cluster": {
                    "server": server,
                    "certificate-authority-data": _embedded(folder / "ca.crt"),
                },
            }
        ],
        "users": [
            {
                "name": context,
                "user": {
                    "client-certificate-data": _embedded(folder / f"{client}.crt"),
                    "client-key-data": _embedded(folder / f"{client}.key"),
                },
            }
        ],
    }
    path.write_text(json.dumps(config, indent=2) + "\n")
    path.chmod(0o600)
