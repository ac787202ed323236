"""Data files: what they may look like, and what is told about those that may not."""

from pathlib import Path

import pytest

from scoring_server.faq.data import read_answers, read_originals, read_questions, read_texts
from scoring_server.faq.model import Answer
from scoring_server.faq.tables import DataError


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("o.csv", "Id,AnswerId,Text\n1,10,one\n2,20,two\n"),
        ("o.csv", "\ufeffId,AnswerId,Text\r\n1,10,one\r\n2,20,two"),
        ("o.csv", 'text , ANSWERID,extra,"Id"\none,10,x,1\n\n  \ntwo,20,,2\n'),
        ("o.tsv", "Id\tAnswerId\tText\n1\t10\tone\n2\t20\ttwo\n"),
        ("o.TAB", 'Id\tAnswerId\tText\n1\t10\t"one"\n2\t20\ttwo\n'),
        ("o.csv", "\n\nId,AnswerId,Text\n1,10, one \n2,20,two\n"),
        (
            "o.jsonl",
            """{"Id": 1, "AnswerId": "10", "Text": "one", "x": [0]}\r\n
            {"text": " two ", "ID": "2", "AnswerId": 20}""",
        ),
    ],
    ids=["plain", "bom-crlf", "order-case-blank", "tsv", "tab-quoted", "spaces", "jsonl"],
)
def test_formats_that_are_read(tmp_path: Path, name: str, content: str) -> None:
    originals = read_originals(write(tmp_path / name, content))
    assert originals.ids == [1, 2]
    assert originals.answer_ids == [10, 20]
    assert originals.texts == ["one", "two"]


def test_quoted_texts_hold_delimiters_quotes_and_line_breaks(tmp_path: Path) -> None:
    content = 'Id,AnswerId,Text\n1,1,"a, ""b""\nc\u2028d"\n2,2,e\n'
    assert read_originals(write(tmp_path / "o.csv", content)).texts == ['a, "b"\nc\u2028d', "e"]


def test_a_text_of_a_megabyte_is_read(tmp_path: Path) -> None:
    content = f"Id,AnswerId,Text\n1,1,{'x' * 1_000_000}\n"
    assert len(read_originals(write(tmp_path / "o.csv", content)).texts[0]) == 1_000_000


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["1", "-2", "0"], [1, -2, 0]),
        (["1", "2", "x"], ["1", "2", "x"]),
        (["007", "8", "9"], ["007", "8", "9"]),
        (["1.0", "2", "3"], ["1.0", "2", "3"]),
        (["+1", "2", "3"], ["+1", "2", "3"]),
        (["-0", "2", "3"], ["-0", "2", "3"]),
        (["٣", "2", "3"], ["٣", "2", "3"]),
        ([str(2**63 - 1), "2", "3"], [2**63 - 1, 2, 3]),
        ([str(2**63), "2", "3"], [str(2**63), "2", "3"]),
        (["9" * 5000, "2", "3"], ["9" * 5000, "2", "3"]),
    ],
)
def test_ids_are_integers_if_all_of_them_are_written_as_such(
    tmp_path: Path, ids: list[str], expected: list[int | str]
) -> None:
    content = "Id,AnswerId,Text\n" + "".join(f"{i},7,t{n}\n" for n, i in enumerate(ids))
    originals = read_originals(write(tmp_path / "o.csv", content))
    assert originals.ids == expected
    assert originals.answer_ids == [7, 7, 7]


BAD_ORIGINALS = {
    "empty": ("", "o.csv: is empty; expected a header with Id, AnswerId, Text"),
    "blank lines only": ("\n\n", "o.csv: is empty"),
    "header only": ("Id,AnswerId,Text\n", "o.csv: has no originals, only a header"),
    "missing column": ("Id,Text\n1,x\n", "1: has no column AnswerId; its columns are: Id, Text"),
    "no header": ("1,2,x\n", "o.csv, line 1: has no column Id; its columns are: 1, 2, x"),
    "column twice": ("Id,AnswerId,Text,id\n1,2,x,3\n", "o.csv, line 1: has the column Id 2 times"),
    "tabs in a .csv": ("Id\tAnswerId\tText\n1\t2\tx\n", "o.csv, line 1: has no column Id"),
    "too few fields": ("Id,AnswerId,Text\n1,2,x\n3,4\n", "line 3: has 2 columns, the header has 3"),
    "unquoted comma": ("Id,AnswerId,Text\n1,2,a, b\n", "a text with a delimiter needs quotes"),
    "empty text": ("Id,AnswerId,Text\n1,2,x\n3,4,  \n", "o.csv, line 3, column Text: is empty"),
    "empty id": ("Id,AnswerId,Text\n,2,x\n", "o.csv, line 2, column Id: is empty"),
    "empty answer": ("Id,AnswerId,Text\n1,,x\n", "o.csv, line 2, column AnswerId: is empty"),
    "id twice": (
        'Id,AnswerId,Text\n1,2,"x\ny"\n3,4,z\n1,5,z\n',
        "line 5, column Id: '1' comes twice, first in line 2",
    ),
    "open quote": ('Id,AnswerId,Text\n1,2,"x\n3,4,y\n', "o.csv, line 2: is not valid CSV"),
    "text after quote": ('Id,AnswerId,Text\n1,2,"x"y\n', "o.csv, line 2: is not valid CSV"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_ORIGINALS)
def test_bad_originals_are_told_with_line_and_column(tmp_path: Path, case: str) -> None:
    content, expected = BAD_ORIGINALS[case]
    with pytest.raises(DataError) as caught:
        read_originals(write(tmp_path / "o.csv", content))
    assert expected in str(caught.value)


BAD_JSONL = {
    "empty": ("\n", "o.jsonl: is empty; expected objects with Id, AnswerId, Text"),
    "not JSON": ('{"Id": 1,\n', "o.jsonl, line 1: is not valid JSON at character"),
    "not an object": ("[1]\n", "o.jsonl, line 1: is not a JSON object"),
    "no key": ('{"Id": 1, "Text": "x"}\n', "line 1: has no key AnswerId; its keys are: Id, Text"),
    "a list": (
        '\n{"Id": [1], "AnswerId": 1, "Text": "x"}\n',
        "o.jsonl, line 2, column Id: must be a text or a whole number",
    ),
    "true": (
        '{"Id": 1, "AnswerId": 1, "Text": true}\n',
        "o.jsonl, line 1, column Text: must be a text or a whole number",
    ),
    "null": (
        '{"Id": 1, "AnswerId": 1, "Text": null}\n',
        "o.jsonl, line 1, column Text: is empty",
    ),
    "a key twice": (
        '{"Id": 1, "id": 2, "AnswerId": 1, "Text": "x"}\n',
        "o.jsonl, line 1: has keys that differ in their case alone",
    ),
}


@pytest.mark.parametrize("case", BAD_JSONL)
def test_bad_json_lines_are_told_with_line_and_key(tmp_path: Path, case: str) -> None:
    content, expected = BAD_JSONL[case]
    with pytest.raises(DataError) as caught:
        read_originals(write(tmp_path / "o.jsonl", content))
    assert expected in str(caught.value)


def test_another_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "o.csv", "Id,AnswerId,Text\n1,2,ok\n3,4,café\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"line 3: is not UTF-8 \(byte 0xe9 at place 8 of"):
        read_originals(path)


def test_utf_16_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "o.csv", "Id,AnswerId,Text\n1,2,x\n".encode("utf-16"))
    with pytest.raises(DataError, match="is UTF-16; save it as UTF-8"):
        read_originals(path)


def test_duplicates_name_their_original_by_position(tmp_path: Path) -> None:
    path = write(tmp_path / "d.csv", "Id,OriginalId,Text\n1,b,x\n2,a,y\n")
    questions = read_questions(path, ["a", "b"])
    assert questions.texts == ["x", "y"]
    assert questions.originals == [1, 0]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("5,9,x", "d.csv, line 3, column OriginalId: '9' is not the Id of any original"),
        ("5,,x", "d.csv, line 3, column OriginalId: is empty"),
        ("5,7,", "d.csv, line 3, column Text: is empty"),
        ("1,7,x", "d.csv, line 3, column Id: '1' comes twice, first in line 2"),
    ],
)
def test_bad_duplicates_are_told(tmp_path: Path, row: str, expected: str) -> None:
    path = write(tmp_path / "d.csv", f"Id,OriginalId,Text\n1,7,x\n{row}\n")
    with pytest.raises(DataError) as caught:
        read_questions(path, [7])
    assert expected in str(caught.value)


def test_a_question_without_original_is_allowed_in_a_test(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "Id,OriginalId,Text\n1,7,x\n2,,y\n")
    assert read_questions(path, [7], unanswered=True).originals == [0, None]


def test_texts_come_from_a_column_or_from_lines(tmp_path: Path) -> None:
    assert read_texts(write(tmp_path / "q.csv", "n,Text\n1,a b\n2,c\n")) == ["a b", "c"]
    assert read_texts(write(tmp_path / "q.txt", "a, b\n\n c\n")) == ["a, b", " c"]


def test_answers_are_read_with_and_without_an_address(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "AnswerId,Text,Url\n7,seven,https://a.example/7\n8,eight,\n")
    assert read_answers(path, [7, 8, 9]) == {
        7: Answer("seven", "https://a.example/7"),
        8: Answer("eight", None),
    }
    path = write(tmp_path / "b.csv", "AnswerId,Text\n7,seven\n")
    assert read_answers(path, ["7"]) == {"7": Answer("seven", None)}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("7,x,\n7,y,\n", "a.csv, line 3, column AnswerId: '7' comes twice, first in line 2"),
        ("7,,\n", "a.csv, line 2, column Text: is empty"),
        (",x,\n", "a.csv, line 2, column AnswerId: is empty"),
        ("7,x,javascript:alert(1)\n", "line 2, column Url: must begin with https:// or http://"),
        ("9,x,\n", "a.csv: has no answer with the AnswerId of any original"),
    ],
)
def test_bad_answers_are_told(tmp_path: Path, rows: str, expected: str) -> None:
    path = write(tmp_path / "a.csv", "AnswerId,Text,Url\n" + rows)
    with pytest.raises(DataError) as caught:
        read_answers(path, [7])
    assert expected in str(caught.value)
