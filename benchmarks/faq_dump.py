"""`scoring-faq prepare` on a made-up Stack Exchange dump: how fast, and in how much memory.

    python -m benchmarks.faq_dump --megabytes 100

The dump has the columns, the proportions and the lengths of a real one: two answers a question,
bodies of HTML with code, one question in a hundred closed as a duplicate. Prints Markdown.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

_HEADER = '<?xml version="1.0" encoding="utf-8"?>\n'
_QUESTION, _ANSWER, _DUPLICATE_LINK = 1, 2, 3
_POSTS_A_QUESTION = 3
_PEAK = (
    "import resource, sys\n"
    "from scoring_server.faq.cli import main\n"
    "code = main(sys.argv[1:])\n"
    "print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    "sys.exit(code)\n"
)
# Sounds, so that words differ and repeat about as they do in a language.
_SYLLABLES = [a + b + c for a in "bdfgklmnprst" for b in "aeiou" for c in ("", "n", "r", "st")]


@dataclass(frozen=True)
class Prepared:
    """What a run of `scoring-faq prepare` took.

    Attributes:
        megabytes: of Posts.xml.
        seconds: from start to end of the process.
        peak_megabytes: the most memory that it held.
        originals: how many it wrote.
    """

    megabytes: float
    seconds: float
    peak_megabytes: float
    originals: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Make dumps of several sizes with the same links, prepare each, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--megabytes", type=int, default=100, help="of the largest; default: 100")
    parser.add_argument("--duplicates", type=int, default=1000, help="closed; default: 1000")
    options = parser.parse_args(arguments)
    print("| Posts.xml MB | originals | seconds | MB/s, read twice | peak MB |")
    print("| --- | --- | --- | --- | --- |")
    for part in (8, 4, 2, 1):
        with tempfile.TemporaryDirectory() as folder:
            size = options.megabytes * 1_000_000 // part
            write_dump(Path(folder), size, options.duplicates)
            done = prepare(Path(folder))
        speed = 2 * done.megabytes / done.seconds
        print(
            f"| {done.megabytes:.0f} | {done.originals} | {done.seconds:.1f} | {speed:.0f} "
            f"| {done.peak_megabytes:.0f} |",
            flush=True,
        )


def write_dump(folder: Path, size: int, duplicates: int, seed: int = 0) -> None:
    """Write Posts.xml of at least so many bytes, and PostLinks.xml; nothing of it is held.

    Args:
        folder: where to.
        size: of Posts.xml, in bytes; the questions that are linked come first.
        duplicates: how many questions are closed as duplicates, four of each original.
        seed: of the texts.
    """
    rng = random.Random(seed)
    originals = max(1, duplicates // 4)
    identity = [_POSTS_A_QUESTION * number + 1 for number in range(originals + duplicates)]
    with (folder / "PostLinks.xml").open("w", encoding="utf-8") as stream:
        stream.write(_HEADER + "<postlinks>\n")
        for number in range(duplicates):
            closed, asked = identity[originals + number], identity[number % originals]
            stream.write(
                f'  <row Id="{number + 1}" CreationDate="2020-01-01T00:00:00.000" '
                f'PostId="{closed}" RelatedPostId="{asked}" LinkTypeId="{_DUPLICATE_LINK}" />\n'
            )
        stream.write("</postlinks>\n")
    with (folder / "Posts.xml").open("w", encoding="utf-8") as stream:
        stream.write(_HEADER + "<posts>\n")
        written, number = 0, 0
        while written < size or number < len(identity):
            for row in _question_with_answers(_POSTS_A_QUESTION * number + 1, rng):
                written += stream.write(row)
            number += 1
        stream.write("</posts>\n")


def prepare(folder: Path) -> Prepared:
    """Run `scoring-faq prepare` on the dump in a folder, in a process of its own.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    command = [sys.executable, "-c", _PEAK, "prepare", "--output", str(folder / "faq")]
    command += ["--posts", str(folder / "Posts.xml"), "--links", str(folder / "PostLinks.xml")]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return Prepared(
        megabytes=(folder / "Posts.xml").stat().st_size / 1e6,
        seconds=seconds,
        peak_megabytes=int(done.stdout.split("peak ")[-1]) * 1024 / 1e6,
        originals=len((folder / "faq" / "originals.csv").read_text("utf-8").splitlines()) - 1,
    )


def _question_with_answers(identity: int, rng: random.Random) -> Iterator[str]:
    common = (
        'CreationDate="2020-01-01T00:00:00.000" LastActivityDate="2021-01-01T00:00:00.000" '
        f'OwnerUserId="{rng.randrange(10**6)}" CommentCount="2" ContentLicense="CC BY-SA 4.0"'
    )
    title = quoteattr(_words(rng, 9).capitalize() + "?")
    yield (
        f'  <row Id="{identity}" PostTypeId="{_QUESTION}" AcceptedAnswerId="{identity + 1}" '
        f'Score="3" ViewCount="99" Body={quoteattr(_body(rng, 90))} Title={title} '
        f'Tags="&lt;python&gt;&lt;list&gt;" AnswerCount="2" {common} />\n'
    )
    for answer in (identity + 1, identity + 2):
        yield (
            f'  <row Id="{answer}" PostTypeId="{_ANSWER}" ParentId="{identity}" Score="5" '
            f"Body={quoteattr(_body(rng, 60))} {common} />\n"
        )


def _body(rng: random.Random, words: int) -> str:
    code = f"<pre><code>{_words(rng, 20)} = a &lt; b\n</code></pre>"
    return f"<p>{_words(rng, words)} <em>é “{_words(rng, 2)}”</em></p>\n{code}\n<p>😀</p>\n"


def _words(rng: random.Random, count: int) -> str:
    return " ".join("".join(rng.choices(_SYLLABLES, k=rng.randint(1, 3))) for _ in range(count))


if __name__ == "__main__":
    main()
