"""The public test data as FAQ files: BANKING77 and COVID-Q, where they are at hand."""

import csv
import os
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class FaqFiles:
    """A FAQ and its test questions in the formats of `scoring-faq`."""

    originals: Path
    duplicates: Path
    test: Path


def data_directory() -> Path | None:
    """The public test data: SCORING_TEST_DATA, else ../shared/data; None where it is missing."""
    given = os.environ.get("SCORING_TEST_DATA")
    directory = Path(given) if given else Path(__file__).parents[2] / "shared" / "data"
    return directory if directory.is_dir() else None


def require_data(*parts: str) -> Path:
    """A file or folder of the test data; skips the test where it is not there."""
    directory = data_directory()
    if directory is None or not directory.joinpath(*parts).exists():
        pytest.skip(
            f"needs the public test data {'/'.join(parts)}: set SCORING_TEST_DATA to its folder"
        )
    return directory.joinpath(*parts)


def write_banking77(out: Path, duplicates_per_original: int | None, seed: int) -> FaqFiles:
    """BANKING77 as a FAQ: a random question of each intent is the original, others its duplicates.

    Args:
        out: folder for originals.csv, duplicates.csv and test.csv; made when missing.
        duplicates_per_original: how many, drawn by chance; None: all.
        seed: of the draw.
    """
    folder = require_data("banking77")
    return _write(
        out,
        _by_class(_read(folder / "train.csv", text=0, label=1, header=True)),
        _by_class(_read(folder / "test.csv", text=0, label=1, header=True)),
        duplicates_per_original,
        seed,
    )


def write_covidq(out: Path, seed: int) -> FaqFiles:
    """COVID-Q, the train3 split: three questions of each class, tested with those of testA."""
    folder = require_data("covidq")
    return _write(
        out,
        _by_class(_read(folder / "train3.csv", text=0, label=1, header=False)),
        _by_class(_read(folder / "testA.csv", text=0, label=1, header=False)),
        None,
        seed,
    )


def _read(path: Path, *, text: int, label: int, header: bool) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))[1 if header else 0 :]
    return [(row[text], row[label]) for row in rows]


def _by_class(rows: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    classes: dict[str, list[str]] = {}
    for text, label in rows:
        classes.setdefault(label, []).append(text)
    return dict(sorted(classes.items()))


def _write(
    out: Path,
    train: Mapping[str, Sequence[str]],
    test: Mapping[str, Sequence[str]],
    duplicates_per_original: int | None,
    seed: int,
) -> FaqFiles:
    rng = random.Random(seed)
    originals: list[tuple[object, ...]] = []
    duplicates: list[tuple[object, ...]] = []
    for number, texts in enumerate(train.values(), start=1):
        shuffled = rng.sample(texts, len(texts))
        originals.append((number, 1000 + number, shuffled[0]))
        duplicates += [(number, text) for text in shuffled[1:][:duplicates_per_original]]
    number_of = {label: number for number, label in enumerate(train, start=1)}
    questions = [
        (number_of[label], text)
        for label, texts in test.items()
        if label in number_of
        for text in texts
    ]
    out.mkdir(parents=True, exist_ok=True)
    files = FaqFiles(out / "originals.csv", out / "duplicates.csv", out / "test.csv")
    _write_rows(files.originals, ("Id", "AnswerId", "Text"), originals)
    for path, rows in ((files.duplicates, duplicates), (files.test, questions)):
        numbered = [(line, *row) for line, row in enumerate(rows, start=1)]
        _write_rows(path, ("Id", "OriginalId", "Text"), numbered)
    return files


def _write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
