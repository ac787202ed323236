"""A Stack Exchange dump: questions that were closed as duplicates, and what they repeat.

Memory holds what is linked, never the whole of Posts.xml: the links first, then the questions that
they name, and in a second pass the answers that were chosen.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scoring_server.faq.preparation.html import plain_text
from scoring_server.faq.preparation.records import AnswerText, Duplicate, Original, Records
from scoring_server.faq.preparation.xml_rows import XmlRow, read_xml_rows
from scoring_server.faq.tables import DataError
from scoring_server.faq.text import MAX_CHARACTERS

_DUPLICATE_LINK = 3
_QUESTION, _ANSWER = 1, 2

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Dump:
    """Where a dump lies and how it is read.

    Attributes:
        posts: Posts.xml.
        links: PostLinks.xml.
        with_body: whether a question's text is its title and its body, or its title alone.
        min_duplicates: questions with fewer links are not read at all.
        answer_url: put before an answer's id to give its address; "" for none.
    """

    posts: Path
    links: Path
    with_body: bool
    min_duplicates: int
    answer_url: str


def read_dump(dump: Dump, progress: Progress | None = None) -> Records:
    """Read a dump.

    A question that is a duplicate of a duplicate counts for the question at the end of the chain,
    where there is one alone. The answer of an original is the accepted one, else the one with the
    highest score, the oldest of equals.

    Args:
        dump: where it lies.
        progress: called with the bytes that were read since the last call; Posts.xml is read
            twice.

    Raises:
        DataError: a file is not as it should be.
        OSError: a file cannot be read.
    """
    left_out: Counter[str] = Counter()
    original_of = _resolve(_links(dump.links, progress), left_out)
    sizes = Counter(original_of.values())
    original_of = {
        duplicate: original
        for duplicate, original in original_of.items()
        if sizes[original] >= dump.min_duplicates
    }
    few = sum(size < dump.min_duplicates for size in sizes.values())
    if few:
        left_out["originals with too few links"] += few
    posts = _Posts(dump, original_of)
    for row in read_xml_rows(dump.posts, "posts", progress):
        posts.take(row)
    return posts.records(left_out, progress)


class _Posts:
    """What the first pass over the posts finds."""

    def __init__(self, dump: Dump, original_of: Mapping[int, int]) -> None:
        self._dump = dump
        self._original_of = original_of
        self._originals = frozenset(original_of.values())
        self._texts: dict[int, str] = {}
        self._accepted: dict[int, int] = {}
        # The best answer of each original so far: its score and the negative of its id.
        self._best: dict[int, tuple[int, int]] = {}

    def take(self, row: XmlRow) -> None:
        path = self._dump.posts
        identity, kind = row.number(path, "Id"), row.number(path, "PostTypeId")
        if identity is None or kind is None:
            missing = "Id" if identity is None else "PostTypeId"
            raise DataError(path, "is missing", row.line, missing)
        if kind == _QUESTION and (identity in self._originals or identity in self._original_of):
            if identity in self._texts:
                raise DataError(path, f"{identity} comes twice", row.line, "Id")
            self._texts[identity] = self._text(row)
            accepted = row.number(path, "AcceptedAnswerId")
            if accepted is not None:
                self._accepted[identity] = accepted
        elif kind == _ANSWER:
            parent = row.number(path, "ParentId")
            if parent in self._originals:
                score = row.number(path, "Score") or 0
                found = (score, -identity)
                self._best[parent] = max(found, self._best.get(parent, found))

    def _text(self, row: XmlRow) -> str:
        text = " ".join(row.values.get("Title", "").split())
        if self._dump.with_body:
            text = f"{text} {plain_text(row.values.get('Body', ''))}".strip()
        return text[:MAX_CHARACTERS]

    def records(self, left_out: Counter[str], progress: Progress | None) -> Records:
        """Everything together, in the order of the ids; the answers are read from the posts."""
        chosen = {original: -identity for original, (_, identity) in self._best.items()}
        chosen |= {o: answer for o, answer in self._accepted.items() if o in self._originals}
        answers = dict(_answers(self._dump, frozenset(chosen.values()), progress))
        # An accepted answer may have been deleted.
        chosen = {o: answer for o, answer in chosen.items() if answer in answers}
        originals = [
            Original(str(o), str(chosen[o]), self._texts[o])
            for o in sorted(self._originals)
            if o in self._texts and o in chosen
        ]
        missing = len(self._originals) - len(originals)
        if missing:
            left_out["originals without a text or an answer in the dump"] += missing
        duplicates = [
            Duplicate(str(identity), str(original), self._texts[identity])
            for identity, original in sorted(self._original_of.items())
            if identity in self._texts
        ]
        gone = len(self._original_of) - len(duplicates)
        if gone:
            left_out["duplicates that are not in the dump"] += gone
        return Records(
            originals,
            duplicates,
            [answers[identity] for identity in sorted(answers)],
            dict(left_out),
        )


def _links(path: Path, progress: Progress | None) -> dict[int, set[int]]:
    """The questions that each duplicate links to."""
    linked: dict[int, set[int]] = {}
    for row in read_xml_rows(path, "postlinks", progress):
        if row.number(path, "LinkTypeId") != _DUPLICATE_LINK:
            continue
        duplicate, original = row.number(path, "PostId"), row.number(path, "RelatedPostId")
        if duplicate is None or original is None:
            missing = "PostId" if duplicate is None else "RelatedPostId"
            raise DataError(path, "is missing", row.line, missing)
        linked.setdefault(duplicate, set()).add(original)
    if not linked:
        raise DataError(path, "has no link to a duplicate (LinkTypeId 3)")
    return linked


def _resolve(linked: Mapping[int, set[int]], left_out: Counter[str]) -> dict[int, int]:
    """The one question at the end of each duplicate's links."""
    resolved = {}
    for duplicate in linked:
        ends = _ends(duplicate, linked)
        if len(ends) == 1:
            resolved[duplicate] = ends.pop()
        elif ends:
            left_out["duplicates of several originals"] += 1
        else:
            left_out["duplicates of each other"] += 1
    return resolved


def _ends(start: int, linked: Mapping[int, set[int]]) -> set[int]:
    """The questions that can be reached and are no duplicates themselves."""
    seen = {start}
    waiting = [start]
    ends = set()
    while waiting:
        for following in linked[waiting.pop()]:
            if following not in linked:
                ends.add(following)
            elif following not in seen:
                seen.add(following)
                waiting.append(following)
    return ends


def _answers(
    dump: Dump, wanted: frozenset[int], progress: Progress | None
) -> Iterator[tuple[int, AnswerText]]:
    """The answers by id; the reading ends with the last of them."""
    missing = set(wanted)
    if not missing:
        return
    for row in read_xml_rows(dump.posts, "posts", progress):
        identity = row.number(dump.posts, "Id")
        if identity not in missing or row.number(dump.posts, "PostTypeId") != _ANSWER:
            continue
        missing.discard(identity)
        text = plain_text(row.values.get("Body", ""))[:MAX_CHARACTERS]
        if text:
            url = f"{dump.answer_url}{identity}" if dump.answer_url else ""
            yield identity, AnswerText(str(identity), text, url)
        if not missing:
            return
