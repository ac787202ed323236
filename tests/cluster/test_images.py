"""Images: their archives, their keys, and what a build is told of the machine."""

import io
import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from tests.cluster import archives, hostconfig, images
from tests.cluster.errors import ClusterError


def _archive(path: Path, name: str, content: object) -> Path:
    data = json.dumps(content).encode()
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return path


def test_the_pause_image_is_an_oci_archive_that_names_itself(tmp_path: Path) -> None:
    binary = tmp_path / "pause"
    binary.write_bytes(b"program")
    archives.write_pause_image(binary, tmp_path / "pause.tar", "amd64")
    assert archives.image_names(tmp_path / "pause.tar") == [archives.PAUSE_IMAGE]


def test_names_are_read_from_oci_and_docker_archives(tmp_path: Path) -> None:
    annotation = {"org.opencontainers.image.ref.name": "localhost/a:1"}
    index = {"manifests": [{"annotations": annotation}, {"digest": "sha256:0"}]}
    assert archives.image_names(_archive(tmp_path / "oci", "index.json", index)) == [
        "localhost/a:1"
    ]
    docker = [{"RepoTags": ["localhost/b:1", "localhost/b:2"]}, {"RepoTags": None}]
    assert archives.image_names(_archive(tmp_path / "docker", "./manifest.json", docker)) == [
        "localhost/b:1",
        "localhost/b:2",
    ]


def test_a_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no archive")
    with pytest.raises(ClusterError, match="is no image archive"):
        archives.image_names(text)
    with pytest.raises(ClusterError, match="has no index or manifest"):
        archives.image_names(_archive(tmp_path / "other", "else.json", {}))


@pytest.fixture
def request_(tmp_path: Path) -> images.ImageBuild:
    """A small image build."""
    context = tmp_path / "context"
    context.mkdir()
    (context / "program.py").write_text("print('hello')\n")
    (context / "Dockerfile").write_text("FROM scratch\n")
    return images.ImageBuild(context / "Dockerfile", context, "localhost/x:1")


def test_another_content_mode_target_or_argument_has_another_key(
    request_: images.ImageBuild, tmp_path: Path
) -> None:
    keys = [images.content_key(request_, request_.context)]
    program = request_.context / "program.py"
    program.write_text("print('bye')\n")
    keys.append(images.content_key(request_, request_.context))
    program.chmod(0o755)
    keys.append(images.content_key(request_, request_.context))
    link = request_.context / "link"
    link.symlink_to("program.py")
    keys.append(images.content_key(request_, request_.context))
    variants = [
        images.ImageBuild(request_.dockerfile, request_.context, request_.tag, target="gpu"),
        images.ImageBuild(request_.dockerfile, request_.context, request_.tag, None, {"A": "1"}),
        images.ImageBuild(request_.dockerfile, request_.context, "localhost/x:2"),
    ]
    keys += [images.content_key(variant, request_.context) for variant in variants]
    assert len(set(keys)) == len(keys)
    # Where the files lie does not matter.
    shutil.copytree(request_.context, tmp_path / "copy", symlinks=True)
    assert images.content_key(request_, tmp_path / "copy") == keys[3]


def test_a_missing_dockerfile_or_context_is_named(request_: images.ImageBuild) -> None:
    nowhere = request_.context / "nowhere"
    with pytest.raises(ClusterError, match=f"no Dockerfile {nowhere}"):
        images.build(images.ImageBuild(nowhere, request_.context, "localhost/x:1"))
    with pytest.raises(ClusterError, match=f"no folder {nowhere}"):
        images.build(images.ImageBuild(request_.dockerfile, nowhere, "localhost/x:1"))


def test_pip_settings_that_name_sources_are_taken_over_and_the_environment_wins() -> None:
    listing = (
        "global.index-url='https://packages.example/simple'\n"
        "global.cert='/etc/bundle.pem'\n"
        "install.no-compile='true'\n"
        ":env:.default-timeout='180'\n"
        ":env:.index-url='https://other.example/simple'\n"
    )
    assert hostconfig.pip_settings(listing) == {
        "index-url": "https://other.example/simple",
        "timeout": "180",
    }


def test_the_machines_own_bundle_of_authorities_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in list(os.environ):
        if variable.endswith(("_CERT", "_CERT_FILE", "_CA_BUNDLE")):
            monkeypatch.delenv(variable)
    monkeypatch.setattr(hostconfig, "_LOCAL_AUTHORITIES", tmp_path / "none")
    assert hostconfig.certificate_bundle() is None
    bundle = tmp_path / "bundle.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert hostconfig.certificate_bundle() is None, "a file that does not exist is of no use"
    bundle.write_text("")
    assert hostconfig.certificate_bundle() == bundle
