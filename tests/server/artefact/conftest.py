"""A small valid artefact, to be damaged by the tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from scoring_server.artefact import MANIFEST_NAME, write_artefact

EditManifest = Callable[[Callable[[dict[str, Any]], object]], None]


@pytest.fixture
def artefact(tmp_path: Path) -> Path:
    """An artefact with the files a.bin and b.json."""
    directory = tmp_path / "model"
    write_artefact(
        directory,
        kind="faq-matching",
        name="demo",
        weights="trained",
        created_by={"tool": "tests", "version": "1"},
        files={"a.bin": b"0123456789" * 100, "b.json": b"{}"},
        details={"originals": 3},
    )
    return directory


@pytest.fixture
def edit_manifest(artefact: Path) -> EditManifest:
    """Change model.json in place."""

    def edit(change: Callable[[dict[str, Any]], object]) -> None:
        path = artefact / MANIFEST_NAME
        document = orjson.loads(path.read_bytes())
        change(document)
        path.write_bytes(orjson.dumps(document))

    return edit
