"""`scoring-faq prepare`."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from scoring_server.faq.commands.options import (
    UsageError,
    add_output,
    add_quiet,
    add_seed,
    positive,
    probability,
    refuse_to_overwrite,
)
from scoring_server.faq.commands.progress import Progress
from scoring_server.faq.preparation.records import Records
from scoring_server.faq.preparation.selection import Filters, select
from scoring_server.faq.preparation.stackexchange import Dump, read_dump
from scoring_server.faq.preparation.tables import read_tables
from scoring_server.faq.preparation.writing import FILES, write_selection


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    dump = parser.add_argument_group("from a Stack Exchange dump")
    dump.add_argument("--posts", type=Path, metavar="Posts.xml")
    dump.add_argument("--links", type=Path, metavar="PostLinks.xml")
    dump.add_argument(
        "--title-only", action="store_true", help="a question's text is its title without its body"
    )
    dump.add_argument(
        "--answer-url",
        default="",
        metavar="PREFIX",
        help="the address of an answer without its id, such as https://stackoverflow.com/a/",
    )
    tables = parser.add_argument_group("from CSV, TSV (.tsv) or JSON Lines (.jsonl)")
    tables.add_argument("--originals", type=Path, metavar="FILE", help="Id, AnswerId, Text")
    tables.add_argument("--duplicates", type=Path, metavar="FILE", help="Id, OriginalId, Text")
    tables.add_argument("--answers", type=Path, metavar="FILE", help="AnswerId, Text and maybe Url")
    tables.add_argument(
        "--plain-text", action="store_true", help="the texts are no HTML: leave tags in them alone"
    )
    kept = parser.add_argument_group("what is kept")
    kept.add_argument(
        "--min-text", type=positive, default=1, metavar="N", help="characters of a text; default: 1"
    )
    kept.add_argument(
        "--min-duplicates",
        type=positive,
        default=1,
        metavar="N",
        help="of an original; default: 1",
    )
    kept.add_argument(
        "--test-share",
        type=probability,
        default=0.2,
        metavar="P",
        help="of each original's duplicates, to test with; one is always left to train with; "
        "default: 0.2",
    )
    kept.add_argument(
        "--no-match-share",
        type=probability,
        default=0.0,
        metavar="P",
        help="of the originals: they are left out, and their duplicates become test questions "
        "that no original answers; default: 0",
    )
    add_output(parser, "where originals.csv, duplicates.csv, test.csv and answers.csv go")
    add_seed(parser)
    add_quiet(parser)
    parser.set_defaults(run=_prepare)


def _prepare(options: argparse.Namespace) -> Iterator[str]:
    _check_sources(options)
    refuse_to_overwrite(options, FILES)
    records = _from_dump(options) if options.posts else _from_tables(options)
    selection = select(
        records,
        Filters(
            min_text=options.min_text,
            min_duplicates=options.min_duplicates,
            test_share=options.test_share,
            no_match_share=options.no_match_share,
            seed=options.seed,
        ),
    )
    left_out = [f"  {count:>9}  {reason}" for reason, count in selection.left_out.items()]
    if len(selection.originals) < 2:
        reasons = "; ".join(" ".join(line.split()) for line in left_out) or "there were no more"
        raise UsageError(
            f"{len(selection.originals)} originals are left, a ranking needs 2 ({reasons})"
        )
    written = write_selection(options.output, selection, records.answers)
    unanswered = sum(not question.original_id for question in selection.test)
    yield (
        f"{options.output}: {len(selection.originals)} originals, {len(selection.duplicates)} "
        f"duplicates to train with, {len(selection.test)} test questions"
        + (f", {unanswered} of them without an original" if unanswered else "")
    )
    yield "written: " + ", ".join(path.name for path in written)
    if left_out:
        yield "left out:"
        yield from left_out


def _check_sources(options: argparse.Namespace) -> None:
    dump = bool(options.posts) or bool(options.links)
    tables = bool(options.originals) or bool(options.duplicates) or bool(options.answers)
    if dump == tables:
        raise UsageError("give either --posts and --links, or --originals and --duplicates")
    if dump and not (options.posts and options.links):
        raise UsageError("a dump needs both --posts and --links")
    if tables and not (options.originals and options.duplicates):
        raise UsageError("tables need both --originals and --duplicates")
    if dump and options.plain_text:
        raise UsageError("--plain-text is for tables; the bodies of a dump are HTML")
    if tables and (options.title_only or options.answer_url):
        raise UsageError("--title-only and --answer-url are for a dump")
    if options.answer_url and not options.answer_url.startswith(("https://", "http://")):
        raise UsageError("--answer-url must begin with https:// or http://")


def _from_dump(options: argparse.Namespace) -> Records:
    # The posts are read twice, for questions and for answers.
    total = options.links.stat().st_size + 2 * options.posts.stat().st_size
    progress = Progress(total, "reading the dump", quiet=options.quiet)
    dump = Dump(
        posts=options.posts,
        links=options.links,
        with_body=not options.title_only,
        min_duplicates=options.min_duplicates,
        answer_url=options.answer_url,
    )
    records = read_dump(dump, progress.advance)
    progress.finish()
    return records


def _from_tables(options: argparse.Namespace) -> Records:
    return read_tables(
        options.originals, options.duplicates, options.answers, html=not options.plain_text
    )
