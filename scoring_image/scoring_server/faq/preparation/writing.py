"""Writing what was prepared, in the format that `scoring-faq train` and `evaluate` read."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from scoring_server.faq.preparation.records import AnswerText
from scoring_server.faq.preparation.selection import Selection

FILES = ORIGINALS, DUPLICATES, TEST, ANSWERS = (
    "originals.csv", "duplicates.csv", "test.csv", "answers.csv"
)  # fmt: skip


def write_selection(
    directory: Path, selection: Selection, answers: Sequence[AnswerText]
) -> list[Path]:
    """Write originals.csv, duplicates.csv, test.csv and, where there are some, answers.csv.

    Files of these names are replaced, each as a whole; the same selection always gives the same
    bytes. Answers of originals that were left out are left out as well.

    Returns:
        The files that were written.

    Raises:
        OSError: they cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    wanted = {original.answer_id for original in selection.originals}
    originals = [(o.id, o.answer_id, o.text) for o in selection.originals]
    tables: dict[str, tuple[Sequence[str], list[tuple[str, ...]]]] = {
        ORIGINALS: (("Id", "AnswerId", "Text"), list(originals)),
        DUPLICATES: (
            ("Id", "OriginalId", "Text"),
            [(d.id, d.original_id, d.text) for d in selection.duplicates],
        ),
        TEST: (
            ("Id", "OriginalId", "Text"),
            [(d.id, d.original_id, d.text) for d in selection.test],
        ),
        ANSWERS: (
            ("AnswerId", "Text", "Url"),
            [(a.id, a.text, a.url) for a in answers if a.id in wanted],
        ),
    }
    written = []
    for name, (header, rows) in tables.items():
        path = directory / name
        if name == ANSWERS and not rows:
            path.unlink(missing_ok=True)  # of an earlier run: it would not fit the originals
            continue
        _write(path, header, rows)
        written.append(path)
    return written


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
