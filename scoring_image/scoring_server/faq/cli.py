"""The command line `scoring-faq`: prepare, distil, train, evaluate, compare, score, inspect."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence

from scoring_server.artefact import ModelLoadError
from scoring_server.faq.commands import ask, distil, evaluate, prepare, train
from scoring_server.faq.commands.options import UsageError
from scoring_server.faq.tables import DataError

# Bad usage and bad data end like argparse's own errors.
_FAILED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0, or 2 with a message on stderr."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], Iterator[str]] = options.run
    try:
        for line in run(options):
            print(line)
        sys.stdout.flush()
    except (DataError, ModelLoadError, UsageError) as error:
        return _fail(str(error))
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        named = error.filename is not None and error.strerror is not None
        return _fail(f"{error.filename}: {error.strerror}" if named else str(error))
    return 0


def _fail(message: str) -> int:
    print(f"scoring-faq: error: {message}", file=sys.stderr)
    return _FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scoring-faq",
        description="Train a FAQ matching model on your own questions, measure it, and ask it.",
        epilog="Data files are CSV, TSV (.tsv) or JSON Lines (.jsonl) in UTF-8. Originals: Id, "
        "AnswerId, Text. Duplicates and test questions: Id, OriginalId, Text.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, summary, add_options in (
        ("prepare", "make data files from a dump or from tables", prepare.add_options),
        ("distil", "make embeddings of words from a sentence encoder", distil.add_options),
        ("train", "train a model and write its artefact", train.add_options),
        ("evaluate", "measure a model on questions", evaluate.add_evaluate_options),
        ("compare", "measure several models on the same questions", evaluate.add_compare_options),
        ("score", "rank the originals for questions", ask.add_score_options),
        ("inspect", "show what a model is and what it learned", ask.add_inspect_options),
    ):
        # What a command does stands above its options too, as a sentence.
        sentence = f"{summary[0].upper()}{summary[1:]}."
        add_options(commands.add_parser(name, help=summary, description=sentence))
    return parser
