"""A FAQ with every oddity that data and questions have goes all the way, or is told."""

import csv
import json
from pathlib import Path

import pytest

from scoring_server.faq.cli import main
from scoring_server.faq.serving import load

MEGABYTE = "how do I pay " * 80_000
ODD: dict[str, list[str]] = {
    "?": ["??", "¿"],
    MEGABYTE: ["how do I pay", "paying"],
    "<p>How do I <b>cancel</b> &amp; leave?</p>": ["<i>cancel</i> it", "leave &lt;now&gt;"],
    "كيف أسترد أموالي؟": ["أريد أموالي", "\u202eabc\u202c"],
    "💸💸💸": ["💸?", "👩‍👩‍👧‍👦 💸"],
    "12345": ["1234567890", "12"],
    "e\u0301te\u0301": ["été", "ete"],
    "tabs\tand\nlines": ["a\r\nline", "and, commas; \"quotes\" 'too'"],
}
QUESTIONS = ["", "7", "x", "how do I pay " * 8_000, "كيف", "💸", "\ufdfa" * 10_000, "<b>cancel</b>"]


def write_odd(folder: Path) -> list[str]:
    originals, duplicates = folder / "o.csv", folder / "d.csv"
    with originals.open("w", encoding="utf-8", newline="") as stream:
        rows = [(f"o{i}", i, text) for i, text in enumerate(ODD)]
        csv.writer(stream).writerows([("Id", "AnswerId", "Text"), *rows])
    with duplicates.open("w", encoding="utf-8", newline="") as stream:
        pairs = [(f"o{i}", text) for i, texts in enumerate(ODD.values()) for text in texts]
        numbered = [(f"d{i}", *pair) for i, pair in enumerate(pairs)]
        csv.writer(stream).writerows([("Id", "OriginalId", "Text"), *numbered])
    return ["--originals", str(originals), "--duplicates", str(duplicates)]


def test_it_is_prepared_trained_and_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, model = tmp_path / "data", tmp_path / "model"
    assert main(["prepare", *write_odd(tmp_path), "--output", str(data), "--quiet"]) == 0
    prepared = ["--originals", str(data / "originals.csv")]
    prepared += ["--duplicates", str(data / "duplicates.csv")]
    assert main(["train", *prepared, "--output", str(model), "--quiet"]) == 0
    capsys.readouterr()
    ranker = load(model)
    rankings = ranker.rank([*QUESTIONS, *ODD])
    for ranking in rankings:
        assert sum(match.probability for match in ranking.matches) == pytest.approx(1)
        assert 0 < ranking.none_probability < 1
    assert [ranking.matches[0].original_id for ranking in rankings[len(QUESTIONS) :]] == [
        f"o{i}" for i in range(len(ODD))
    ]


def test_a_file_of_odd_questions_is_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, questions = tmp_path / "model", tmp_path / "q.jsonl"
    assert main(["train", *write_odd(tmp_path), "--output", str(model), "--quiet"]) == 0
    lines = [json.dumps({"Text": text}) for text in QUESTIONS]
    questions.write_text("\n".join(lines), encoding="utf-8")
    capsys.readouterr()
    asked = ["score", "--model", str(model), "--file", str(questions), "--json"]
    assert main([*asked, "--top", "1"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(answers) == len(QUESTIONS)


@pytest.mark.parametrize("name", ["o.csv", "d.csv"])
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"Id,Text\n1,x\n", "has no column"),
        (b"Id,AnswerId,OriginalId,Text\n1,1,1,caf\xe9\n", "line 2: is not UTF-8"),
        ("Id,AnswerId,OriginalId,Text\n1,1,1,x\n".encode("utf-16"), "is UTF-16"),
        (b"Id,AnswerId,OriginalId,Text\n1,1,1,x\n1,1,1,y\n", "line 3, column Id: '1' comes twice"),
        (b"PK\x03\x04\x00\x00\x00", "o.csv"),
        (b"Id,AnswerId,OriginalId,Text\n\x00,1,1,\x00\n", ""),
    ],
    ids=["empty", "mark", "columns", "latin-1", "utf-16", "twice", "zip", "nulls"],
)
def test_a_bad_file_ends_every_command_with_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes,
    problem: str,
) -> None:
    data = write_odd(tmp_path)
    (tmp_path / name).write_bytes(content)
    for command in ("prepare", "train"):
        assert main([command, *data, "--output", str(tmp_path / "out"), "--quiet"]) == 2
        told = capsys.readouterr().err
        assert told.startswith("scoring-faq: error: ")
        assert told.count("\n") == 1
        assert problem.replace("o.csv", name) in told
        assert not (tmp_path / "out").exists()
