"""How this machine reaches its package indexes, for image builds, without a trace in the image.

Where the machine has certificate authorities or pip settings of its own, they are mounted into the
build. Nothing is assumed: a machine without any gets none.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.cluster.paths import cache_root

_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_BUNDLE_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_LOCAL_AUTHORITIES = Path("/usr/local/share/ca-certificates")
_PIP_SETTINGS = ("index-url", "extra-index-url", "find-links", "trusted-host", "timeout")
_PIP_LINE = re.compile(r"^(?:global|install|:env:)\.([a-z-]+)='(.*)'$")


def certificate_bundle() -> Path | None:
    """Return the machine's own bundle of authorities, or None where it has Debian's alone."""
    for variable in _BUNDLE_VARIABLES:
        bundle = os.environ.get(variable)
        if bundle and Path(bundle).is_file():
            return Path(bundle)
    if _LOCAL_AUTHORITIES.is_dir() and any(_LOCAL_AUTHORITIES.rglob("*.crt")):
        return Path(_BUNDLE)
    return None


def pip_settings(listing: str) -> dict[str, str]:
    """Return from ``pip config list`` the settings that say where packages come from."""
    found = {}
    for line in listing.splitlines():
        match = _PIP_LINE.match(line.strip())
        if match is None:
            continue
        name = match.group(1).replace("default-timeout", "timeout")
        if name in _PIP_SETTINGS:  # the environment is listed last, and wins
            found[name] = match.group(2)
    return found


def volumes(scratch: Path) -> list[str]:
    """Return buildah's ``--volume`` values: pip's cache, and the machine's own settings."""
    pip_cache = cache_root() / "pip"
    pip_cache.mkdir(parents=True, exist_ok=True)
    mounted = [f"{pip_cache}:/root/.cache/pip"]
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    settings = pip_settings(listed.stdout)
    wheels = settings.get("find-links", "").split()
    mounted += [f"{place}:{place}:ro" for place in wheels if Path(place).is_dir()]
    bundle = certificate_bundle()
    if bundle is not None:
        mounted.append(f"{bundle}:{_BUNDLE}:ro")
        settings["cert"] = _BUNDLE
    if settings:
        lines = [f"{name} = {value}" for name, value in settings.items()]
        configuration = scratch / "pip.conf"
        configuration.write_text("\n".join(["[global]", *lines, ""]))
        mounted.append(f"{configuration}:/etc/pip.conf:ro")
    return mounted
