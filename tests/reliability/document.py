"""docs/reliability.md, made from the rows and the recorded figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.reliability.rows import SECTIONS, Row

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "reliability.md"

_HEAD: Final = """# Reliability and security, as measured

Made by `make reliability` from what the tests recorded (`pytest --figures`); not edited by hand.
`make test` runs short samples of these tests, `make test-long` the whole plans. Kubernetes is real
(API server, etcd, kubelet, containerd); the machine has 2 cores and other work to do, unless a
figure says otherwise. A row without a figure has not been measured.
"""


def document(figures: Mapping[str, Mapping[str, str]]) -> str:
    """The document's text."""
    parts = [_HEAD]
    for section, rows in SECTIONS.items():
        parts.append(f"\n## {section}\n\n| | what | bar | measured |\n| --- | --- | --- | --- |\n")
        parts.extend(_line(row, figures.get(row.name, {})) for row in rows)
    return "".join(parts)


def _line(row: Row, figures: Mapping[str, str]) -> str:
    measured = "<br>".join(f"{part}: {figure}" for part, figure in sorted(figures.items())) or "-"
    return f"| {row.name} | {row.what} | {row.bar} | {measured} |\n"
