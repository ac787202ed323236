"""`scoring-faq train`."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from scoring_server.faq.commands.options import (
    UsageError,
    add_output,
    add_quiet,
    add_seed,
    probability,
    refuse_to_overwrite,
)
from scoring_server.faq.commands.progress import show_step, warn


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    parser.add_argument(
        "--originals", type=Path, required=True, metavar="FILE", help="Id, AnswerId, Text"
    )
    parser.add_argument(
        "--duplicates",
        type=Path,
        required=True,
        metavar="FILE",
        help="Id, OriginalId, Text: other ways of asking",
    )
    parser.add_argument(
        "--answers",
        type=Path,
        metavar="FILE",
        help="the answers' texts and addresses, to be served with the ranking",
    )
    parser.add_argument(
        "--embeddings",
        type=Path,
        metavar="DIR",
        help="what `distil` wrote: compare the meaning of words too, not only the words",
    )
    add_output(parser, "where the artefact goes")
    parser.add_argument("--name", default="faq", help="the model's name (default: faq)")
    parser.add_argument(
        "--none-threshold",
        type=probability,
        metavar="P",
        help="from this probability of none on a question counts as unanswered (default: from 0.5 "
        "the first that refuses at most a tenth of the held-out questions that are answered right)",
    )
    add_seed(parser)
    add_quiet(parser)
    parser.set_defaults(run=_train)


def _train(options: argparse.Namespace) -> Iterator[str]:
    refuse_to_overwrite(options)
    try:
        from scoring_server.faq.training.run import train
    except ModuleNotFoundError as error:
        raise UsageError(
            f"training needs {(error.name or '').partition('.')[0]}, which is not installed here; "
            "install scoring-server with its extra 'train'"
        ) from None
    trained = train(
        options.originals,
        options.duplicates,
        options.output,
        answers_file=options.answers,
        embeddings=options.embeddings,
        name=options.name,
        seed=options.seed,
        none_threshold=options.none_threshold,
        progress=None if options.quiet else show_step,
    )
    details = trained.manifest.details
    if details["originals"] == 1:
        warn("one original only: every question is given to it; look at the probability of none")
    if not trained.duplicates:
        warn("no duplicates: the probabilities are not calibrated")
    if trained.ambiguous:
        warn(f"{trained.ambiguous} texts stand for several originals; prepare leaves them out")
    if trained.without_answer:
        warn(f"{trained.without_answer} originals have no answer in {options.answers}")
    yield (
        f"{options.output}: {details['originals']} originals, {trained.duplicates} duplicates, "
        f"{details['features']} features"
    )
    threshold = details["noneOfThese"]["threshold"]
    yield f"Questions count as unanswered from a probability of none of {threshold:g} on"
    if trained.metrics:
        yield "On held-out questions:"
        for metric, value in trained.metrics.items():
            yield f"  {metric:<26}{value:g}"
