"""`scoring-faq prepare`: what is kept, what is told, and that nothing of the test is trained on."""

import csv
import random
from pathlib import Path

import pytest

from scoring_server.faq.cli import main
from scoring_server.faq.preparation.html import plain_text
from scoring_server.faq.text import normalise
from tests.server.faq.conftest import SHIPPED

Rows = list[dict[str, str]]


def rows_of(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def prepare(output: Path, *arguments: str | Path) -> dict[str, Rows]:
    """Run the command; the rows of each file that it wrote."""
    command = ["prepare", "--output", str(output), "--quiet", *map(str, arguments)]
    assert main(command) == 0
    return {path.stem: rows_of(path) for path in output.glob("*.csv")}


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    capsys.readouterr()
    assert main(["prepare", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("scoring-faq: error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def write_tables(folder: Path, originals: str, duplicates: str) -> list[str | Path]:
    (folder / "o.csv").write_text("Id,AnswerId,Text\n" + originals, encoding="utf-8")
    (folder / "d.csv").write_text("Id,OriginalId,Text\n" + duplicates, encoding="utf-8")
    return ["--originals", folder / "o.csv", "--duplicates", folder / "d.csv"]


def shipped_tables() -> list[str | Path]:
    return ["--originals", SHIPPED / "originals.csv", "--duplicates", SHIPPED / "duplicates.csv"]


def key(text: str) -> str:
    return " ".join(normalise(text).split())


def test_a_share_of_each_originals_duplicates_becomes_the_test(tmp_path: Path) -> None:
    written = prepare(tmp_path / "p", *shipped_tables(), "--plain-text")
    assert len(written["originals"]) == 92
    assert len(written["duplicates"]) + len(written["test"]) == 718
    assert 130 <= len(written["test"]) <= 190
    for original in written["originals"]:
        assert any(d["OriginalId"] == original["Id"] for d in written["duplicates"])
        assert any(d["OriginalId"] == original["Id"] for d in written["test"])
    assert "answers" not in written


def test_the_same_seed_gives_the_same_bytes_in_whatever_order_the_rows_come(tmp_path: Path) -> None:
    rows = rows_of(SHIPPED / "duplicates.csv")
    random.Random(1).shuffle(rows)
    shuffled = tmp_path / "shuffled.csv"
    with shuffled.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    first = prepare(tmp_path / "a", *shipped_tables())
    again = prepare(tmp_path / "b", *shipped_tables())
    other = prepare(tmp_path / "c", *shipped_tables(), "--seed", "1")
    mixed = prepare(tmp_path / "d", *shipped_tables()[:2], "--duplicates", shuffled)
    assert first == again
    for name in ("originals.csv", "duplicates.csv", "test.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert first["test"] != other["test"]
    assert {row["Id"] for row in first["test"]} == {row["Id"] for row in mixed["test"]}


def test_no_text_is_both_trained_on_and_tested(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(0)
    texts = [
        "Where is it?",
        "where  IS it?",
        "\uff37here is it?",
        "when",
        "When ",
        "how",
        "HOW",
        "why",
    ]
    originals = "".join(f"{i},{i},original {i}\n" for i in range(3))
    duplicates = "".join(f"{i},{rng.randrange(3)},{rng.choice(texts)} {i % 7}\n" for i in range(90))
    tables = write_tables(tmp_path, originals, duplicates + "99,1,ORIGINAL  1\n98,1,original 2\n")
    written = prepare(tmp_path / "p", *tables, "--test-share", "0.5")
    trained = [key(row["Text"]) for row in written["originals"] + written["duplicates"]]
    tested = [key(row["Text"]) for row in written["test"]]
    assert tested
    assert len(set(trained + tested)) == len(trained) + len(tested)
    told = capsys.readouterr().out
    assert "duplicates that repeat a text" in told
    assert "duplicates whose text belongs to several originals" in told


def test_short_texts_and_originals_with_few_duplicates_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    originals = "1,1,original one\n2,2,original two\n3,3,original three\n4,4,short\n"
    duplicates = "".join(
        f"{original}{n},{original},another text {original} {n}\n"
        for original, count in ((1, 3), (2, 2), (3, 1), (4, 3))
        for n in range(count)
    )
    tables = write_tables(tmp_path, originals, duplicates + "9,1,tiny\n")
    written = prepare(tmp_path / "p", *tables, "--min-text", "8", "--min-duplicates", "2")
    assert [row["Id"] for row in written["originals"]] == ["1", "2"]
    told = capsys.readouterr().out
    for reason, count in {
        "originals with too short a text": 1,
        "duplicates of originals that were left out": 3,
        "duplicates with too short a text": 1,
        "originals with too few duplicates": 1,
    }.items():
        assert f"{count}  {reason}" in told


def test_a_share_of_the_originals_becomes_questions_without_an_answer(tmp_path: Path) -> None:
    written = prepare(tmp_path / "p", *shipped_tables(), "--no-match-share", "0.25")
    assert len(written["originals"]) == 92 - 23
    unanswered = [row for row in written["test"] if not row["OriginalId"]]
    assert len(unanswered) > 100
    known = {row["Id"] for row in written["originals"]}
    assert {row["OriginalId"] for row in written["duplicates"]} == known


def test_json_lines_and_answers_are_read_and_html_is_taken_out(tmp_path: Path) -> None:
    (tmp_path / "o.jsonl").write_text(
        '{"Id": 1, "AnswerId": 7, "Text": "<p>How do I <b>bold</b>?</p><pre>x = 1</pre>"}\n'
        '{"Id": 2, "AnswerId": 8, "Text": "What is List<String> &amp; co?"}\n',
        encoding="utf-8",
    )
    (tmp_path / "d.tsv").write_text("Id\tOriginalId\tText\n5\t1\tbold<br>text\n6\t2\tgenerics\n")
    (tmp_path / "a.csv").write_text(
        "AnswerId,Text,Url\n7,With stars.,https://a.example/7\n8,A list.,\n9,Unused.,\n"
    )
    files: list[str | Path] = [
        "--originals",
        tmp_path / "o.jsonl",
        "--duplicates",
        tmp_path / "d.tsv",
    ]
    written = prepare(tmp_path / "p", *files, "--answers", tmp_path / "a.csv")
    assert [row["Text"] for row in written["originals"]] == [
        "How do I bold?",
        "What is List<String> & co?",
    ]
    assert [row["Text"] for row in written["duplicates"]] == ["bold text", "generics"]
    assert written["answers"] == [
        {"AnswerId": "7", "Text": "With stars.", "Url": "https://a.example/7"},
        {"AnswerId": "8", "Text": "A list.", "Url": ""},
    ]
    plain = prepare(tmp_path / "p", *files, "--plain-text", "--replace")
    assert plain["duplicates"][0]["Text"] == "bold<br>text"
    assert not (tmp_path / "p" / "answers.csv").exists()


def test_ones_own_files_are_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever prepares in the folder of the data would lose the data."""
    tables = write_tables(tmp_path, "1,1,one\n2,2,two\n", "3,1,first\n4,2,second\n")
    originals = (tmp_path / "o.csv").rename(tmp_path / "originals.csv")
    tables[1], before = originals, originals.read_bytes()
    message = error_of(capsys, *tables, "--output", tmp_path)
    assert "holds 'originals.csv' already" in message
    assert originals.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.csv", "originals.csv"]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a < b and c > d", "a < b and c > d"),
        ("<p>one</p><p>two</p>", "one two"),
        ("in<em>line</em>", "inline"),
        ("<script>alert(1)</script>x<!-- no -->", "x"),
        ("<pre><code>a</code></pre>b</pre>", "b"),
        ("<p>never closed", "never closed"),
        ("vector<int> v", "vector<int> v"),
        ("what does <!-- mean", "what does <!-- mean"),
        ("a <PRE class=x>b<p>c</Pre> d", "a d"),
        ("&lt;b&gt; &#1234567890; &nosuch;", "<b> \ufffd &nosuch;"),
        ("", ""),
    ],
)
def test_html_becomes_text(html: str, text: str) -> None:
    assert plain_text(html) == text


@pytest.mark.parametrize("piece", ["<", "<!", "<a ", "&", "<pre>", "<!--", "</", "<a b='"])
def test_broken_html_of_a_megabyte_costs_little(piece: str) -> None:
    plain_text(piece * 1_000_000)


BAD = {
    "no originals": ("", "5,1,x\n", "o.csv: has no originals, only a header"),
    "duplicate id": ("1,1,a\n1,2,b\n", "", "o.csv, line 3, column Id: '1' comes twice"),
    "no such original": ("1,1,a\n2,2,b\n", "5,1,x\n6,9,y\n", "d.csv, line 3, column OriginalId"),
    "one original": ("1,1,a\n", "5,1,x\n", "1 originals are left, a ranking needs 2"),
    "no duplicates": ("1,1,a\n2,2,b\n", "", "0 originals are left, a ranking needs 2"),
    "an empty text": ("1,1,\n2,2,b\n", "", "o.csv, line 2, column Text: is empty"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables_are_told_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    originals, duplicates, expected = BAD[case]
    tables = write_tables(tmp_path, originals, duplicates)
    assert expected in error_of(capsys, *tables, "--output", tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_an_original_whose_answer_is_missing_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = write_tables(tmp_path, "1,1,a\n2,2,b\n", "5,1,x\n6,2,y\n")
    (tmp_path / "a.csv").write_text("AnswerId,Text\n1,yes\n")
    message = error_of(capsys, *tables, "--answers", tmp_path / "a.csv", "--output", tmp_path / "p")
    assert "o.csv, line 3, column AnswerId: '2' is not the AnswerId of any answer" in message


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "give either --posts and --links, or --originals and --duplicates"),
        (["--posts", "P", "--originals", "o"], "give either"),
        (["--posts", "P"], "a dump needs both --posts and --links"),
        (["--originals", "o"], "tables need both --originals and --duplicates"),
        (["--posts", "P", "--links", "L", "--plain-text"], "--plain-text is for tables"),
        (["--originals", "o", "--duplicates", "d", "--title-only"], "are for a dump"),
        (["--posts", "P", "--links", "L", "--answer-url", "x"], "--answer-url must begin with"),
        (["--posts", "no", "--links", "no"], "no: No such file or directory"),
    ],
)
def test_options_that_do_not_fit_together_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    assert expected in error_of(capsys, *arguments, "--output", tmp_path / "p")
