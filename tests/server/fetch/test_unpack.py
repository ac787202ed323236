import gzip
import io
import tarfile
from pathlib import Path

import pytest

from scoring_server.fetch import FetchError, unpack

LIMIT = 1_000_000


def tar(*members: tuple[tarfile.TarInfo, bytes], compress: bool = False) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz" if compress else "w") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def file(name: str, content: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    return member, content


def special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = target
    return member, b""


MANIFEST = file("model.json", b"{}")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def run(archive: bytes, target: Path, max_bytes: int = LIMIT) -> list[str]:
    path = target.parent / "archive"
    path.write_bytes(archive)
    unpack(path, target, max_bytes=max_bytes)
    return sorted(found.name for found in target.iterdir())


@pytest.mark.parametrize("compress", [False, True])
def test_an_artefact_is_unpacked(target: Path, compress: bool) -> None:
    archive = tar(MANIFEST, file("labels.json", b"[]"), compress=compress)
    assert run(archive, target) == ["labels.json", "model.json"]
    assert (target / "labels.json").read_bytes() == b"[]"


@pytest.mark.parametrize("folder", [".", "resnet"])
def test_an_artefact_may_lie_in_one_folder(target: Path, folder: str) -> None:
    directory = special(folder, tarfile.DIRTYPE)
    archive = tar(directory, file(f"{folder}/model.json", b"{}"), file(f"{folder}/labels.json"))
    assert run(archive, target) == ["labels.json", "model.json"]


REFUSED = {
    "a traversal": tar(MANIFEST, file("../evil")),
    "a traversal within": tar(MANIFEST, file("a/../../evil")),
    "an absolute path": tar(MANIFEST, file("/etc/evil")),
    "a deep path": tar(MANIFEST, file("a/b/evil")),
    "files in two places": tar(MANIFEST, file("a/evil")),
    "a symbolic link": tar(MANIFEST, special("evil", tarfile.SYMTYPE, "/etc/passwd")),
    "a hard link": tar(MANIFEST, special("evil", tarfile.LNKTYPE, "model.json")),
    "a device": tar(MANIFEST, special("evil", tarfile.CHRTYPE)),
    "a pipe": tar(MANIFEST, special("evil", tarfile.FIFOTYPE)),
    "a file twice": tar(MANIFEST, MANIFEST),
    "no manifest": tar(file("labels.json")),
    "nothing": tar(),
    "too many files": tar(MANIFEST, *[file(f"f{i}") for i in range(1000)]),
    "a large file": tar(MANIFEST, file("large", b"x" * LIMIT)),
    "a bomb": tar(MANIFEST, file("large", b"\0" * 10 * LIMIT), compress=True),
    "no archive": b"this is no archive" * 100,
    "an empty download": b"",
    "a zip": b"PK\x03\x04" + b"\0" * 1000,
    "half a tar": tar(MANIFEST, file("large", b"x" * 50_000))[:20_000],
    "half a gzip": tar(MANIFEST, file("x", bytes(range(256)) * 50), compress=True)[:150],
    "a gzip of nothing": gzip.compress(b""),
}


@pytest.mark.parametrize("archive", REFUSED.values(), ids=REFUSED)
def test_other_archives_are_refused(target: Path, archive: bytes) -> None:
    with pytest.raises(FetchError, match="archive"):
        run(archive, target)
    assert sorted(path.name for path in target.parent.iterdir()) == ["archive", "target"]


def test_a_header_that_claims_to_be_huge_is_not_read_into_memory(target: Path) -> None:
    member = tarfile.TarInfo("x")
    member.type = tarfile.XHDTYPE
    member.size = 2_000_000_000
    header = member.tobuf(tarfile.PAX_FORMAT)
    with pytest.raises(FetchError, match="a header that is too large"):
        run(gzip.compress(header + b"\0" * 1024), target, max_bytes=4_000_000_000)


def test_a_sparse_file_is_refused(target: Path) -> None:
    member = tarfile.TarInfo("x")
    member.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": "1000000000"}
    member.size = 1
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(MANIFEST[0], io.BytesIO(MANIFEST[1]))
        archive.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(FetchError, match="no plain file"):
        run(buffer.getvalue(), target)
