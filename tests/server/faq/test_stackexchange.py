"""A Stack Exchange dump: links, chains, answers; hostile XML; memory that does not grow."""

import subprocess
import sys
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest

from benchmarks.faq_dump import prepare, write_dump
from scoring_server.faq.preparation.records import AnswerText
from scoring_server.faq.preparation.stackexchange import Dump, read_dump
from scoring_server.faq.tables import DataError

HEADER = '<?xml version="1.0" encoding="utf-8"?>\n'


def row(**attributes: object) -> str:
    return "  <row " + " ".join(f"{k}={quoteattr(str(v))}" for k, v in attributes.items()) + " />\n"


def question(identity: int, title: str, body: str = "", **more: object) -> str:
    return row(Id=identity, PostTypeId=1, Score=3, Title=title, Body=body, **more)


def answer(identity: int, parent: int, score: int, body: str = "<p>Yes.</p>") -> str:
    return row(Id=identity, PostTypeId=2, ParentId=parent, Score=score, Body=body)


def link(duplicate: int, original: int, kind: int = 3) -> str:
    return row(Id=duplicate * 100, PostId=duplicate, RelatedPostId=original, LinkTypeId=kind)


def dump_of(folder: Path, posts: str, links: str, *, min_duplicates: int = 1) -> Dump:
    """A dump with these rows."""
    (folder / "Posts.xml").write_text(f"{HEADER}<posts>\n{posts}</posts>", encoding="utf-8")
    (folder / "PostLinks.xml").write_text(f"{HEADER}<postlinks>\n{links}</postlinks>")
    return Dump(
        posts=folder / "Posts.xml",
        links=folder / "PostLinks.xml",
        with_body=True,
        min_duplicates=min_duplicates,
        answer_url="https://q.example/a/",
    )


def test_questions_duplicates_and_answers_are_found(tmp_path: Path) -> None:
    posts = (
        question(1, "How do I loop?", "<p>In <b>Python</b></p><pre>for</pre>", AcceptedAnswerId=11)
        + question(2, "looping &amp; co")
        + question(3, "not linked")
        + answer(11, 1, 1, "<p>With <code>for</code>.</p>")
        + answer(12, 1, 99, "louder")
        + row(Id=13, PostTypeId=4, Body="a tag wiki")
    )
    records = read_dump(dump_of(tmp_path, posts, link(2, 1) + link(3, 1, kind=1)))
    (original,) = records.originals
    assert (original.id, original.answer_id) == ("1", "11")
    assert original.text == "How do I loop? In Python"
    assert [(d.id, d.original_id, d.text) for d in records.duplicates] == [
        ("2", "1", "looping &amp; co")
    ]
    assert records.answers == [AnswerText("11", "With for.", "https://q.example/a/11")]


def test_without_an_accepted_answer_the_best_and_oldest_counts(tmp_path: Path) -> None:
    posts = (
        answer(10, 1, 5, "before its question")
        + question(1, "one")
        + answer(11, 1, 7, "right")
        + answer(12, 1, 7, "later")
        + answer(13, 1, -2)
        + question(2, "two", AcceptedAnswerId=13)
    )
    records = read_dump(dump_of(tmp_path, posts, link(2, 1)))
    assert [a.text for a in records.answers] == ["right"]


def test_a_chain_counts_for_its_end_and_a_circle_for_nothing(tmp_path: Path) -> None:
    posts = "".join(question(i, f"question {i}") for i in range(1, 10)) + answer(50, 1, 1)
    links = (
        link(3, 2) + link(2, 1)  # a chain
        + link(4, 5) + link(5, 4)  # a circle
        + link(6, 1) + link(6, 7)  # two originals
        + link(8, 2) + link(8, 3)  # two ways to one original
        + link(9, 9)  # itself
    )  # fmt: skip
    records = read_dump(dump_of(tmp_path, posts, links))
    assert [(d.id, d.original_id) for d in records.duplicates] == [
        ("2", "1"),
        ("3", "1"),
        ("8", "1"),
    ]
    assert records.left_out == {
        "duplicates of each other": 3,
        "duplicates of several originals": 1,
    }


def test_what_the_dump_lacks_is_counted(tmp_path: Path) -> None:
    posts = question(1, "one") + question(2, "two") + answer(10, 1, 1) + question(5, "no answer")
    links = link(2, 1) + link(3, 1) + link(6, 5) + link(8, 7)
    records = read_dump(dump_of(tmp_path, posts, links))
    assert [original.id for original in records.originals] == ["1"]
    assert records.left_out["originals without a text or an answer in the dump"] == 2
    assert records.left_out["duplicates that are not in the dump"] == 3


def test_originals_with_too_few_links_are_not_read(tmp_path: Path) -> None:
    posts = "".join(question(i, f"q {i}") for i in range(1, 6)) + answer(9, 1, 1) + answer(8, 4, 1)
    links = link(2, 1) + link(3, 1) + link(5, 4)
    records = read_dump(dump_of(tmp_path, posts, links, min_duplicates=2))
    assert [original.id for original in records.originals] == ["1"]
    assert records.left_out == {"originals with too few links": 1}


ENTITIES = '<!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
BAD = {
    "empty": (b"", "Posts.xml: is empty"),
    "a zip": (b"PK\x03\x04....", "Posts.xml: is a packed archive; unpack it first"),
    "a 7z": (b"7z\xbc\xaf\x27\x1c..", "Posts.xml: is a packed archive; unpack it first"),
    "not XML": (b"Id,Title\n", "Posts.xml, line 1: is not well-formed XML at character 1"),
    "cut off": (b"<posts>\n<row Id='1' PostTypeId='1'/>\n<row Id=", "Posts.xml, line 3: is not"),
    "another root": (b"<users></users>", "line 1: begins with <users>, not with <posts>"),
    "entities": (
        f"{HEADER}{ENTITIES}<posts><row Id='&b;'/></posts>".encode(),
        "Posts.xml, line 2: declares a document type",
    ),
    "an outer file": (
        b'<!DOCTYPE p SYSTEM "file:///etc/passwd"><posts/>',
        "line 1: declares a document type",
    ),
    "a number": (b"<posts>\n<row Id='x' PostTypeId='1'/></posts>", "line 2, column Id: 'x' is not"),
    "no id": (b"<posts>\n<row PostTypeId='1'/></posts>", "line 2, column Id: is missing"),
    "no type": (b"<posts>\n\n<row Id='1'/></posts>", "line 3, column PostTypeId: is missing"),
    "twice": (
        b"<posts><row Id='1' PostTypeId='1'/>\n<row Id='1' PostTypeId='1'/></posts>",
        "line 2, column Id: 1 comes twice",
    ),
    "mixed encodings": (
        b"<posts>\n<row Id='1' PostTypeId='1' Title='caf\xe9'/></posts>",
        "Posts.xml, line 2: is not well-formed XML at character 38",
    ),
    "unknown encoding": (b'<?xml version="1.0" encoding="klingon"?><posts/>', "line 1"),
    "an endless row": (b"<posts><row Id='" + b"1" * 17_000_000, "has a row of more than"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_posts_are_told_with_line_and_column(tmp_path: Path, case: str) -> None:
    content, expected = BAD[case]
    dump = dump_of(tmp_path, "", link(2, 1))
    dump.posts.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_dump(dump)
    assert expected in str(caught.value)


def test_links_without_duplicates_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no link to a duplicate"):
        read_dump(dump_of(tmp_path, "", link(2, 1, kind=1)))


def test_deep_nesting_does_no_harm(tmp_path: Path) -> None:
    dump = dump_of(tmp_path, "", link(2, 1))
    dump.posts.write_text("<posts>" + "<a>" * 100_000 + "</a>" * 100_000 + "</posts>")
    assert read_dump(dump).originals == []


def test_memory_does_not_grow_with_the_posts(tmp_path: Path) -> None:
    """Eighty megabytes of other people's posts are read within a few megabytes."""
    noise = question(7, "noise", "<p>" + "x" * 30_000 + "</p>")
    dump = dump_of(tmp_path, question(1, "one") + question(2, "two") + answer(3, 1, 1), link(2, 1))
    with dump.posts.open("w", encoding="utf-8") as stream:
        stream.write(HEADER + "<posts>\n")
        for _ in range(2_700):
            stream.write(noise)
        stream.write(question(1, "one") + question(2, "two") + answer(3, 1, 1) + "</posts>\n")
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from scoring_server.faq.preparation.stackexchange import Dump, read_dump\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "records = read_dump(Dump(folder / 'Posts.xml', folder / 'PostLinks.xml', True, 1, ''))\n"
        "assert len(records.originals) == len(records.answers) == 1\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert dump.posts.stat().st_size > 80_000_000
    assert int(done.stdout) * 1024 < 12_000_000


def test_a_dump_of_the_real_ones_shape_is_prepared_in_memory_that_does_not_grow(
    tmp_path: Path,
) -> None:
    """Six times the posts, as many links: the peak is the same to a few megabytes."""
    peaks = []
    for megabytes in (3, 18):
        folder = tmp_path / str(megabytes)
        folder.mkdir()
        write_dump(folder, megabytes * 1_000_000, duplicates=40)
        prepared = prepare(folder)
        assert prepared.originals == 10
        assert prepared.megabytes >= megabytes
        peaks.append(prepared.peak_megabytes)
    assert peaks[1] < peaks[0] + 5
