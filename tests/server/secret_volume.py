"""A directory that changes as the kubelet changes a Secret volume."""

import shutil
from collections.abc import Mapping
from pathlib import Path


class SecretVolume:
    """Files behind the link `..data`, which is replaced as one.

    Attributes:
        path: where it is mounted.
    """

    def __init__(self, path: Path, content: Mapping[str, str | bytes]) -> None:
        self.path = path
        self._writes = 0
        path.mkdir()
        self.write(content)

    def write(self, content: Mapping[str, str | bytes]) -> None:
        """Replace the content, in the order of steps of the kubelet's AtomicWriter."""
        self._writes += 1
        data = self.path / f"..2026_01_01_00_00_{self._writes:02d}.000000001"
        data.mkdir()
        for name, value in content.items():
            (data / name).write_bytes(value.encode() if isinstance(value, str) else value)
        link = self.path / "..data"
        old = link.resolve() if link.exists() else None
        temporary = self.path / "..data_tmp"
        temporary.symlink_to(data.name)
        temporary.rename(link)
        for name in content:
            if not (self.path / name).is_symlink():
                (self.path / name).symlink_to(f"..data/{name}")
        for entry in self.path.iterdir():
            if not entry.name.startswith("..") and entry.name not in content:
                entry.unlink()
        if old:
            shutil.rmtree(old)
