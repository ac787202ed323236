"""Container images as tar archives: names are read from them, and the pause image is made here."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from tests.cluster.errors import ClusterError

PAUSE_IMAGE = "localhost/scoring-pause:1"

_REFERENCE_ANNOTATIONS = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


def image_names(archive: Path) -> list[str]:
    """Return the names that an OCI or Docker archive gives to its images; there may be none."""
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                if file is None:
                    continue
                if member.name.removeprefix("./") == "index.json":
                    return _oci_names(json.load(file))
                if member.name.removeprefix("./") == "manifest.json":
                    return [tag for image in json.load(file) for tag in image.get("RepoTags") or ()]
    except (OSError, tarfile.TarError, ValueError) as error:
        raise ClusterError(f"{archive} is no image archive: {error}") from error
    raise ClusterError(f"{archive} is no image archive: it has no index or manifest")


def _oci_names(index: dict[str, list[dict[str, dict[str, str]]]]) -> list[str]:
    names = []
    for manifest in index.get("manifests", ()):
        annotations = manifest.get("annotations") or {}
        found = (annotations[key] for key in _REFERENCE_ANNOTATIONS if key in annotations)
        names += [name for name in [next(found, None)] if name]
    return names


def write_pause_image(binary: Path, archive: Path, architecture: str) -> None:
    """Write an OCI archive whose one layer is the static binary ``/pause``."""
    layer = _tar({"pause": binary.read_bytes()}, mode=0o755)
    layer_digest = _digest(layer)
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Entrypoint": ["/pause"], "User": "65535:65535"},
            "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
        }
    )
    entry = _descriptor("application/vnd.oci.image.manifest.v1+json", manifest)
    entry["annotations"] = {_REFERENCE_ANNOTATIONS[0]: PAUSE_IMAGE}
    files = {"oci-layout": _json({"imageLayoutVersion": "1.0.0"})}
    files["index.json"] = _json({"schemaVersion": 2, "manifests": [entry]})
    for blob in (layer, config, manifest):
        files[f"blobs/sha256/{_digest(blob).removeprefix('sha256:')}"] = blob
    archive.write_bytes(_tar(files, mode=0o644))


def _tar(files: dict[str, bytes], mode: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}
